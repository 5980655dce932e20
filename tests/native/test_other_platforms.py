"""ARM and Windows builds, run by QEMU and Wine, compute the same weights as the native build."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph import Controls, Model
from koemorph.model import bundled_model

pytestmark = pytest.mark.slow  # builds native code

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4
# ONNX Runtime reads these files at start; QEMU would otherwise pass those of the host.
ARM_FILES = {
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n",
    "sys/devices/system/cpu/possible": "0\n",
    "sys/devices/system/cpu/present": "0\n",
}


def run(*command: str | Path, **options: object) -> str:
    """Run a command that must succeed and return its standard output."""
    result = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    text: str = result.stdout
    return text


def onnxruntime_of(platforms: list[str], library: str) -> Path:
    """Extract ONNX Runtime's library from the wheel for other platforms."""
    version = importlib.metadata.version("onnxruntime")
    folder = ROOT / "build" / "wheels" / f"{platforms[0]}-{version}"
    if not list(folder.glob("*.whl")):
        tags = [f"--platform={platform}" for platform in platforms]
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", f"onnxruntime=={version}"]
        result = subprocess.run(
            [*command, *tags, *options], capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            pytest.skip(f"no wheel for {platforms[0]}: {result.stderr[-300:]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(f"onnxruntime/{library}")]
        return Path(archive.extract(names[0], folder))


def build(preset: str) -> Path:
    """Cross-compile the C example and the library; return their folder, which is kept."""
    run("cmake", "--preset", preset, "-DKOEMORPH_BUILD_EXAMPLES=ON", cwd=ROOT)
    folder = ROOT / "build" / preset
    run("cmake", "--build", folder, "--target", "wav_to_jsonl", "--parallel", "2")
    return folder / "native"


def sample(speech: Path, seconds: float, folder: Path) -> Path:
    audio, rate = soundfile.read(speech, dtype="float32", frames=-1)
    start = rate  # past the silence before the first word
    path = folder / "voice.wav"
    soundfile.write(path, audio[start : start + round(seconds * rate)], rate, subtype="FLOAT")
    return path


def check(output: str, voice: Path) -> None:
    """Compare the frames printed by the C example with those of this machine."""
    expected = Model(bundled_model(30)).animate(voice, controls=Controls()).weights
    lines = [json.loads(line) for line in output.splitlines()]
    found = np.array([line["blendshapes"] for line in lines])[: len(expected)]
    assert np.ptp(expected, axis=0).max() > 0.1, "the speech does not move the face"
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_arm_computes_the_same_weights(
    tmp_path: Path, speech: Path, needs_tool: Callable[[str], str]
) -> None:
    qemu = needs_tool("qemu-aarch64")
    needs_tool("aarch64-linux-gnu-g++")
    library = onnxruntime_of(
        ["manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64"],
        "capi/libonnxruntime.so",
    )
    programs = build("linux-arm64")
    root = tmp_path / "root"
    for name, text in ARM_FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "lib").symlink_to("/usr/aarch64-linux-gnu/lib")
    voice = sample(speech, 1.0, tmp_path)  # QEMU is about 100 times slower than a processor
    example = programs / "wav_to_jsonl"
    environment = os.environ | {"LD_LIBRARY_PATH": str(programs)}
    check(run(qemu, "-L", root, example, bundled_model(30), voice, library, env=environment), voice)


def test_windows_computes_the_same_weights(
    tmp_path: Path, speech: Path, needs_tool: Callable[[str], str]
) -> None:
    wine = needs_tool("wine")
    needs_tool("x86_64-w64-mingw32-g++-posix")
    library = onnxruntime_of(["win_amd64"], "capi/onnxruntime.dll")
    programs = build("windows-mingw")
    voice = sample(speech, 3.0, tmp_path)
    environment = os.environ | {
        "WINEPREFIX": str(tmp_path / "wine"),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",  # no dialogs about .NET or a browser
    }
    command = [wine, programs / "wav_to_jsonl.exe", bundled_model(30), voice]
    try:
        output = run(*command, library, env=environment)
        from_its_folder = f"{library.parent.name}/{library.name}"
        relative = run(*command, from_its_folder, cwd=library.parent.parent, env=environment)
    finally:
        subprocess.run(
            [needs_tool("wineserver"), "--kill"], env=environment, check=False, timeout=60
        )
    check(output, voice)
    assert relative == output
