"""Checks of data sets (`koemorph dataset check`)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile
from babble import write_babble
from dataset_command import run

from koemorph import Model
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.training.datasets.check import check_recording
from koemorph.training.datasets.recordings import write_recording

JAW = INDEX["jawOpen"]


def test_a_valid_data_set_has_no_problems(tmp_path: Path) -> None:
    for seed in range(2):
        write_babble(tmp_path / str(seed), seed)
    status, output = run("check", tmp_path)
    assert status == 0
    assert output.splitlines()[-1] == "2 recordings, 0 problems"


def test_every_kind_of_problem_is_reported(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(64000).astype(np.float32)
    moving = np.random.default_rng(1).random((120, len(BLENDSHAPES))).astype(np.float32)
    write_recording(tmp_path / "silent", 0 * noise, 16000, moving, 30)
    write_recording(tmp_path / "short", noise[:40000], 16000, moving, 30)
    write_recording(tmp_path / "static", noise, 16000, 0 * moving, 30)
    gap = write_recording(tmp_path / "gap", noise, 16000, moving, 30)
    lines = (gap / "blendshapes.jsonl").read_text().splitlines()
    (gap / "blendshapes.jsonl").write_text("\n".join(lines[:50] + lines[60:]))
    drift = write_recording(tmp_path / "drift", noise, 16000, moving, 30)
    metadata = json.loads((drift / "metadata.json").read_text())
    (drift / "metadata.json").write_text(json.dumps({**metadata, "source_fps": 29.0}))
    broken = write_recording(tmp_path / "broken", noise, 16000, moving, 30)
    (broken / "blendshapes.jsonl").write_text('{"timestamp": 0, "blendshapes": [0.5]}')
    missing = write_recording(tmp_path / "missing", noise, 16000, moving, 30)
    (missing / "audio.wav").unlink()
    write_recording(tmp_path / "click", noise[:99], 16000, moving[:1], 30)
    apart = write_recording(tmp_path / "apart", noise, 16000, moving, 30)
    starts = {"fps": 30, "audio_start": "01:00:00:00", "blendshapes_start": "01:00:09:00"}
    (apart / "timecode.json").write_text(json.dumps(starts))
    other = write_recording(tmp_path / "other", noise, 16000, moving, 30)
    metadata = json.loads((other / "metadata.json").read_text())
    counts = {"num_frames": 121, "duration_seconds": 5}
    (other / "metadata.json").write_text(json.dumps({**metadata, **counts}))
    status, output = run("check", tmp_path)
    assert status == 1
    assert output.splitlines()[-1].endswith(" problems")
    expected = {
        "silent": "silent",
        "short": "length_mismatch",
        "static": "static",
        "gap": "missing_frames",
        "drift": "fps_mismatch",
        "broken": "unreadable",
        "missing": "unreadable",
        "click": "unreadable",
        "apart": "unreadable",
        "other": "frame_count",
    }
    for name, code in expected.items():
        codes = [problem.code for problem in check_recording(tmp_path / name)]
        assert code in codes, name
        assert f"/{name}" in output
    assert {p.code for p in check_recording(other)} >= {"frame_count", "duration"}


def test_a_problem_names_the_recording_once(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", 0)
    (folder / "timecode.json").write_text("{}")
    (problem,) = check_recording(folder)
    assert str(problem).count(str(folder)) == 1


def test_audio_without_face_and_face_without_audio_are_reported(tmp_path: Path) -> None:
    complete = write_babble(tmp_path / "complete", 0)
    for name in ("one.flac", "folder/audio.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(complete / "audio.wav", tmp_path / name)
    shutil.copyfile(complete / "blendshapes.jsonl", tmp_path / "two.jsonl")
    (tmp_path / "phones.jsonl").write_text('{"name": "complete", "phones": []}\n')
    status, output = run("check", tmp_path)
    assert status == 1
    lines = output.splitlines()
    assert lines[-1] == "1 recording, 3 problems"
    found = {
        line.split(": The file is missing")[0] for line in lines if "The file is missing" in line
    }
    assert found == {
        str(tmp_path / name) for name in ("one.jsonl", "two.wav", "folder/blendshapes.jsonl")
    }


def test_drift_between_audio_and_face_is_reported(tmp_path: Path, speech: Path) -> None:
    voice, rate = soundfile.read(speech, dtype="float32")
    audio = np.resize(voice, 60 * rate)
    jaw = Model("30").animate(audio, sample_rate=rate, preset="raw").weights[:, JAW]
    weights = np.zeros((60 * 30, len(BLENDSHAPES)), np.float32)
    # 200 ms of the capture are missing after the first half.
    frames = np.arange(len(weights))
    weights[:, JAW] = jaw[frames - np.where(frames < 900, 0, 6)]
    write_recording(tmp_path / "slow", audio, rate, weights, 30)
    status, output = run("check", tmp_path)
    assert status == 1
    assert "drift apart" in output
