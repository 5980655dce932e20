"""The C++ example runs, and its frames are those of the package."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph import Model
from koemorph.model import onnxruntime_library


@pytest.mark.parametrize("fps", [30, 60])
def test_three_threads_give_the_frames_of_the_package(
    native_build: Path, tiny_models: dict[int, Path], speech: Path, fps: int
) -> None:
    samples, sample_rate = soundfile.read(speech, dtype="int16")
    program = native_build / "examples" / "pcm_to_frames"
    result = subprocess.run(
        [program, tiny_models[fps], str(sample_rate), onnxruntime_library()],
        input=samples.astype("<i2").tobytes(),
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    frames = [json.loads(line) for line in result.stdout.splitlines()]
    expected = Model(tiny_models[fps]).animate(samples, sample_rate=sample_rate)
    weights = np.array([frame["blendshapes"] for frame in frames])[: len(expected)]
    np.testing.assert_allclose(weights, expected.weights, atol=2e-6)


def test_a_failure_is_a_message(native_build: Path, tmp_path: Path) -> None:
    program = native_build / "examples" / "pcm_to_frames"
    result = subprocess.run(
        [program, tmp_path / "none.onnx", "48000"], input=b"", capture_output=True, check=False
    )
    assert result.returncode == 2
    assert b"none.onnx" in result.stderr
