"""The C API in C: header, example, exported symbols."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph import Controls, Model

ROOT = Path(__file__).resolve().parents[2]


def run_example(native_build: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [native_build / "examples" / "wav_to_jsonl", *arguments]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("fps", [30, 60])
def test_the_example_prints_the_frames_of_the_package(
    native_build: Path, tiny_models: dict[int, Path], speech: Path, fps: int
) -> None:
    result = run_example(native_build, tiny_models[fps], speech)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    animation = Model(tiny_models[fps]).animate(speech, controls=Controls())
    found = np.array([line["blendshapes"] for line in lines])[: len(animation)]
    np.testing.assert_allclose(found, animation.weights, atol=2e-6)
    times = [line["timestamp"] for line in lines[: len(animation)]]
    np.testing.assert_allclose(times, animation.times, atol=1e-9)


def test_the_example_reports_errors(
    native_build: Path, tmp_path: Path, tiny_models: dict[int, Path], speech: Path
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    for arguments, words in (
        ([tiny_models[30], text], "not a WAV"),
        ([tmp_path / "none.onnx", speech], "none.onnx"),
        ([tiny_models[30]], "usage"),
    ):
        result = run_example(native_build, *arguments)
        assert result.returncode == 2
        assert words in result.stderr


@pytest.mark.parametrize(
    ("subtype", "container", "is_read"),
    [
        ("FLOAT", "WAV", True),
        ("PCM_16", "WAVEX", True),
        ("FLOAT", "WAVEX", True),
        ("PCM_32", "WAV", False),
        ("PCM_32", "WAVEX", False),
        ("PCM_24", "WAV", False),
        ("PCM_U8", "WAV", False),
    ],
)
def test_the_example_reads_the_documented_formats_only(
    native_build: Path,
    tmp_path: Path,
    tiny_models: dict[int, Path],
    subtype: str,
    container: str,
    is_read: bool,
) -> None:
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, np.zeros((4800, 2)), 48000, subtype, format=container)
    result = run_example(native_build, tiny_models[30], sound)
    assert (result.returncode == 0) == is_read, result.stderr
    assert ("not a WAV file of 16-bit or float samples" in result.stderr) != is_read


def test_only_the_c_api_is_exported(native_build: Path) -> None:
    nm = shutil.which("nm")
    assert nm is not None
    library = native_build / "native" / "libkoemorph.so"
    result = subprocess.run(
        [nm, "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True
    )
    names = {line.split()[-1] for line in result.stdout.splitlines()}
    assert names
    assert all(name.startswith("koemorph_") for name in names), names


@pytest.mark.parametrize(
    ("compiler", "standard"), [("cc", "c11"), ("c++", "c++17"), ("c++", "c++20")]
)
def test_the_header_compiles_without_warnings(tmp_path: Path, compiler: str, standard: str) -> None:
    source = tmp_path / ("a.c" if compiler == "cc" else "a.cc")
    source.write_text('#include "koemorph.h"\nint main(void) { return koemorph_version() == 0; }\n')
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-std={standard}", "-fsyntax-only"]
    include = f"-I{ROOT / 'native' / 'include'}"
    result = subprocess.run(
        [compiler, *flags, include, str(source)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
