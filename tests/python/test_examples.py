"""The Python examples run, and their frames are those of the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from koemorph import BLENDSHAPES, Model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
JAW = BLENDSHAPES.index("jawOpen")


def run_example(name: str, *arguments: str | Path, stdin: bytes = b"") -> list[dict[str, Any]]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    result = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_becomes_json_lines(speech: Path, tiny_models: dict[int, Path]) -> None:
    frames = run_example("file_to_jsonl.py", speech, "--model", tiny_models[30])
    expected = Model(tiny_models[30]).animate(speech)
    weights = np.array([frame["blendshapes"] for frame in frames])
    np.testing.assert_allclose(weights, expected.weights, atol=1e-6)
    np.testing.assert_allclose([frame["timestamp"] for frame in frames], expected.times)


def test_live_pcm_becomes_the_same_frames(speech: Path, tiny_models: dict[int, Path]) -> None:
    samples, sample_rate = soundfile.read(speech, dtype="int16")
    frames = run_example(
        "pcm_to_frames.py",
        *("--sample-rate", str(sample_rate), "--model", tiny_models[30]),
        stdin=samples.astype("<i2").tobytes(),
    )
    expected = Model(tiny_models[30]).animate(samples, sample_rate=sample_rate)
    weights = np.array([frame["blendshapes"] for frame in frames])[: len(expected)]
    np.testing.assert_allclose(weights, expected.weights, atol=1e-6)


def test_a_voice_agent_moves_the_face_and_rests_after_an_interruption(speech: Path) -> None:
    frames = run_example("voice_agent.py", speech, "--interrupt-after", "1.2")
    times = [frame["timestamp"] for frame in frames]
    jaw = np.array([frame["blendshapes"][JAW] for frame in frames])
    assert times == sorted(times)
    assert jaw.max() > 0.05
    assert jaw[-1] == 0


def test_a_voice_agent_ends_with_its_audio(speech: Path, tmp_path: Path) -> None:
    samples, sample_rate = soundfile.read(speech, dtype="int16")
    line = tmp_path / "line.wav"
    soundfile.write(line, samples[:sample_rate], sample_rate)
    frames = run_example("voice_agent.py", line)
    assert frames[-1]["timestamp"] == 1
