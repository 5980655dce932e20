"""The C and C++ examples compute the frames of the package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph import Controls, Model

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("fps", [30, 60])
def test_the_example_with_three_threads_prints_the_frames_of_the_package(
    native_build: Path, tiny_models: dict[int, Path], speech: Path, fps: int
) -> None:
    samples, sample_rate = soundfile.read(speech, dtype="int16")
    program = native_build / "examples" / "pcm_to_frames"
    result = subprocess.run(
        [program, tiny_models[fps], str(sample_rate)],
        input=samples.astype("<i2").tobytes(),
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    frames = [json.loads(line) for line in result.stdout.splitlines()]
    model = Model(tiny_models[fps])
    expected = model.animate(samples, sample_rate=sample_rate, controls=Controls())
    weights = np.array([frame["blendshapes"] for frame in frames])[: len(expected)]
    np.testing.assert_allclose(weights, expected.weights, atol=2e-6)


def test_the_command_of_the_readme_writes_the_frames_of_the_sample(
    native_build: Path, speech: Path, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    command = re.search(r"^build/(examples/wav_to_jsonl (?:.*\\\n)*.*)$", readme, re.MULTILINE)
    assert command is not None
    script = f'python() {{ "{sys.executable}" "$@"; }}\n"{native_build}"/{command.group(1)}'
    script = script.replace("> face.jsonl", f"> {tmp_path}/face.jsonl")
    subprocess.run(["bash", "-ec", script], cwd=ROOT, check=True)
    frames = (tmp_path / "face.jsonl").read_text().splitlines()
    assert len(frames) == len(Model().animate(speech))


def test_the_example_reports_a_missing_model(native_build: Path, tmp_path: Path) -> None:
    program = native_build / "examples" / "pcm_to_frames"
    result = subprocess.run(
        [program, tmp_path / "none.onnx", "48000"], input=b"", capture_output=True, check=False
    )
    assert result.returncode == 2
    assert b"none.onnx" in result.stderr
