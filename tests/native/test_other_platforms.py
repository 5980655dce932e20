"""ARM and Windows builds, run by QEMU and Wine, compute the same weights as the native build."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
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


def build(preset: str) -> Path:
    """Cross-compile the C example and the library; return the build folder, which is kept."""
    run("cmake", "--preset", preset, "-DKOEMORPH_BUILD_EXAMPLES=ON", cwd=ROOT)
    folder = ROOT / "build" / preset
    run("cmake", "--build", folder, "--target", "wav_to_jsonl", "--parallel", "2")
    return folder


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
    programs = build("linux-arm64")
    voice = sample(speech, 1.0, tmp_path)  # QEMU is about 100 times slower than a processor
    example = programs / "examples" / "wav_to_jsonl"
    environment = os.environ | {"LD_LIBRARY_PATH": str(programs / "native")}
    command = [qemu, "-L", "/usr/aarch64-linux-gnu", example, bundled_model(30), voice]
    check(run(*command, env=environment), voice)


def test_windows_computes_the_same_weights(
    tmp_path: Path, speech: Path, needs_tool: Callable[[str], str]
) -> None:
    wine = needs_tool("wine")
    needs_tool("x86_64-w64-mingw32-g++-posix")
    programs = build("windows-mingw")
    voice = sample(speech, 3.0, tmp_path)
    environment = os.environ | {
        "WINEPREFIX": str(tmp_path / "wine"),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",  # no dialogs about .NET or a browser
    }
    # Windows finds the library beside the program.
    shutil.copy(programs / "native" / "koemorph.dll", programs / "examples")
    command = [wine, programs / "examples" / "wav_to_jsonl.exe", bundled_model(30), voice]
    try:
        output = run(*command, env=environment)
    finally:
        subprocess.run(
            [needs_tool("wineserver"), "--kill"], env=environment, check=False, timeout=60
        )
    check(output, voice)
