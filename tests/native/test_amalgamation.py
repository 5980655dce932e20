"""The single-file distribution: compilers accept it, and its frames are those of the package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph import Model
from koemorph.controls import Controls

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
WARNINGS = [
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wno-sign-conversion",
    "-Werror",
]


def amalgamate(folder: Path) -> Path:
    script = ROOT / "native" / "amalgamate.py"
    subprocess.run([sys.executable, script, "-o", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return amalgamate(tmp_path_factory.mktemp("distribution"))


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_equal_sources_give_equal_files(distribution: Path, tmp_path: Path) -> None:
    again = amalgamate(tmp_path)
    assert sorted(path.name for path in again.iterdir()) == ["koemorph.cpp", "koemorph.h"]
    for path in again.iterdir():
        text = path.read_bytes()
        assert text == (distribution / path.name).read_bytes()
        assert b"KoeMorph 0.1.0, single-file distribution" in text.splitlines()[0]


@pytest.mark.parametrize(
    "compiler",
    [
        "clang++",
        "x86_64-w64-mingw32-g++-posix",
        "aarch64-linux-gnu-g++",
        "em++",
    ],
)
def test_compilers_accept_it_without_warnings(
    distribution: Path, needs_tool: Callable[[str], str], compiler: str
) -> None:
    # Where size_t has 32 bits, 64-bit counts are converted to it.
    narrow = ["-Wno-shorten-64-to-32"] if compiler == "em++" else []
    source = distribution / "koemorph.cpp"
    result = run([needs_tool(compiler), *WARNINGS, *narrow, "-fsyntax-only", source])
    assert result.returncode == 0, result.stderr


def test_the_c_example_prints_the_frames_of_the_package(
    distribution: Path,
    needs_tool: Callable[[str], str],
    tiny_models: dict[int, Path],
    speech: Path,
    tmp_path: Path,
) -> None:
    core, main, program = tmp_path / "core.o", tmp_path / "main.o", tmp_path / "wav_to_jsonl"
    include = ["-I", distribution]
    source = ROOT / "examples" / "wav_to_jsonl.c"
    for command in (
        [needs_tool("g++"), *WARNINGS, "-O1", "-c", distribution / "koemorph.cpp", "-o", core],
        [needs_tool("gcc"), "-O1", *include, "-c", source, "-o", main],
        [needs_tool("g++"), core, main, "-pthread", "-o", program],
    ):
        result = run(command)
        assert result.returncode == 0, result.stderr
    result = run([program, tiny_models[30], speech])
    assert result.returncode == 0, result.stderr
    weights = [json.loads(line)["blendshapes"] for line in result.stdout.splitlines()]
    samples, sample_rate = soundfile.read(speech, dtype="float32")
    expected = Model(tiny_models[30]).animate(samples, sample_rate=sample_rate, controls=Controls())
    np.testing.assert_allclose(weights[: len(expected)], expected.weights, atol=2e-6)
