"""Recordings: written and read back, other rates, column orders and formats, invalid files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from babble import write_babble
from error_code import raises_code

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import AudioError, DataError, OutputError
from koemorph.training.datasets import captures, recordings
from koemorph.training.evaluate import read_evaluation_clips


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A second at 25 fps whose jawOpen rises as a line, without labels for tongueOut."""
    weights = np.zeros((25, 52), np.float32)
    weights[:, BLENDSHAPES.index("jawOpen")] = np.arange(25) / 25
    labelled = np.ones(52, np.bool_)
    labelled[BLENDSHAPES.index("tongueOut")] = False
    audio = np.sin(np.arange(16000) * 0.1).astype(np.float32) * 0.5
    return recordings.write_recording(
        tmp_path / "clip",
        audio,
        16000,
        weights,
        25.0,
        labelled=labelled,
        metadata={"subject": "me"},
    )


def test_a_recording_reads_back_as_written(folder: Path) -> None:
    recording = recordings.read_recording(folder)
    assert recording.name == "clip"
    assert recording.fps == 25.0
    assert recording.metadata["subject"] == "me"
    assert recording.capture.weights.shape == (25, 52)
    np.testing.assert_allclose(recording.capture.weights[:, 17], np.arange(25) / 25, atol=1e-6)
    assert recording.capture.labelled.sum() == 51
    assert not recording.capture.labelled[BLENDSHAPES.index("tongueOut")]
    audio, rate = recordings.read_audio(recording.audio)
    assert (len(audio), rate) == (16000, 16000)


def test_lines_carry_index_time_and_timecode(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "blendshapes.jsonl").read_text().splitlines()]
    assert lines[24]["frame_index"] == 24
    assert lines[24]["timestamp"] == 24 / 25
    assert lines[24]["timecode"] == "00:00:00:24"


@pytest.mark.parametrize("fps", [30.0, 60.0, 29.97, 12.5])
def test_a_linear_curve_stays_linear_at_any_rate(folder: Path, fps: float) -> None:
    capture = recordings.read_recording(folder).capture
    frames = round(0.9 * fps)
    resampled = captures.resample_capture(capture, fps, frames)
    exact = np.arange(frames) * (1.001 / 30 if fps == 29.97 else 1 / fps)
    np.testing.assert_allclose(resampled[:, 17], exact, atol=2e-6)


def test_resampling_does_not_drift_in_three_hours() -> None:
    count = 3 * 3600 * 25
    phase = np.arange(count, dtype=np.float64) / 25
    weights = np.zeros((count, 52), np.float32)
    weights[:, 17] = 0.5 + 0.5 * np.sin(2 * np.pi * 0.5 * phase)
    capture = captures.Capture(weights, captures.frame_times(count, 25.0), np.ones(52, np.bool_))
    frames = 3 * 3600 * 30 - 30
    last = captures.resample_capture(capture, 30.0, frames)[-30:, 17]
    exact = 0.5 + 0.5 * np.sin(2 * np.pi * 0.5 * np.arange(frames - 30, frames) / 30)
    np.testing.assert_allclose(
        last, exact, atol=2e-3
    )  # the error of linear interpolation at 25 fps


def test_captured_frames_are_kept_where_times_coincide(folder: Path) -> None:
    capture = recordings.read_recording(folder).capture
    np.testing.assert_array_equal(
        captures.resample_capture(capture, 50.0, 49)[::2], capture.weights
    )


def test_columns_are_arranged_by_name() -> None:
    names = ["_neutral", "JawOpen", "mouthSmile_L", "HeadYaw"]
    weights, labelled = captures.to_arkit_order(np.array([[0.9, 0.5, 0.25, 0.7]]), names)
    assert weights[0, BLENDSHAPES.index("jawOpen")] == 0.5
    assert weights[0, BLENDSHAPES.index("mouthSmileLeft")] == 0.25
    assert labelled.sum() == 2
    with raises_code(DataError, "unknown_blendshapes", "foo"):
        captures.to_arkit_order(np.zeros((1, 2)), ["foo", "bar"])


def test_v1_pairs_are_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a_001.wav", np.zeros(8000, np.float32), 8000)
    lines = [
        json.dumps({"timestamp": round(k / 30, 3), "blendshapes": [0.1] * 52}) for k in range(9)
    ]
    (tmp_path / "a_001.jsonl").write_text("\n".join(lines))
    (path,) = recordings.find_recordings(tmp_path)
    recording = recordings.read_recording(path)
    assert recording.name == "a_001"
    assert recording.fps == 30.0
    np.testing.assert_array_equal(recording.capture.times, np.arange(9) / 30)


def test_dropped_frames_keep_their_times(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8000, np.float32), 8000)
    kept = [0, 1, 2, 5, 6, 7, 8]
    lines = [json.dumps({"timestamp": k / 30, "blendshapes": [k / 10] * 52}) for k in kept]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    capture = recordings.read_recording(tmp_path / "a.jsonl").capture
    resampled = captures.resample_capture(capture, 30.0, 9)
    np.testing.assert_allclose(resampled[:, 0], np.arange(9) / 10, atol=1e-6)


GOOD = {"timestamp": 0.5, "blendshapes": [0.0] * 52}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: expected a JSON object"),
        (json.dumps({"timestamp": 0.5}), "line 2: expected a JSON object"),
        (json.dumps({**GOOD, "blendshapes": [0.0] * 51}), "line 2: 51 blendshapes, expected 52"),
        (
            json.dumps({**GOOD, "blendshapes": [0.0] * 51 + [1.2]}),
            "line 2: blendshape 51 is 1.2, expected",
        ),
        (json.dumps({**GOOD, "blendshapes": [float("nan")] * 52}), "line 2: .* finite"),
        (json.dumps({**GOOD, "timestamp": 0.0}), "line 2: timestamp 0.0 is not after .*0.0"),
        (json.dumps({**GOOD, "timestamp": "now"}), "line 2: expected a JSON object"),
        (json.dumps({**GOOD, "timestamp": 10**400}), "line 2: expected a JSON object"),
        ("[" * 100_000, "line 2: expected a JSON object"),
    ],
)
def test_an_invalid_line_is_reported(tmp_path: Path, line: str, message: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8000, np.float32), 8000)
    table = tmp_path / "a.jsonl"
    table.write_text(json.dumps({**GOOD, "timestamp": 0.0}) + "\n" + line + "\n")
    with pytest.raises(DataError, match=message):
        recordings.read_recording(table)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need privileges")
def test_symbolic_links_are_followed_once(tmp_path: Path, folder: Path) -> None:
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    (chosen / "one").symlink_to(folder)
    (chosen / "again").symlink_to(folder)
    (chosen / "round").symlink_to(chosen)
    (found,) = recordings.find_recordings(chosen)
    assert found.resolve() == folder.resolve()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("unlabelled", None, "unlabelled must be a list of names"),
        ("unlabelled", [17], "unlabelled must be a list of names"),
        ("blendshape_names", None, "blendshape_names must be a list of names"),
        ("blendshape_names", [1, 2], "blendshape_names must be a list of names"),
        ("source_fps", "thirty", 'source_fps="thirty" must be a number above 0'),
        ("source_fps", float("nan"), "source_fps=NaN must be"),
        ("source_fps", True, "source_fps=true must be"),
        ("unlabelled", ["jawOpne"], "unlabelled: jawOpne"),
        (
            "blendshape_names",
            [*BLENDSHAPES[:51], "JawOpen"],
            "duplicate column: two names are jawOpen",
        ),
        ("blendshape_names", ["snout"] * 52, "no column is one of ARKit"),
    ],
)
def test_invalid_metadata_is_reported(folder: Path, key: str, value: object, words: str) -> None:
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(DataError, match=rf"clip.metadata\.json: {words}"):
        recordings.read_recording(folder, auto_detect_fps=False)


def test_files_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    starts = {"fps": 25, "audio_start": "01:00:00:00", "blendshapes_start": "01:00:00:00"}
    (folder / "timecode.json").write_text(json.dumps(starts))
    for name in ("metadata.json", "timecode.json", "blendshapes.jsonl"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8-sig")
    assert len(read_evaluation_clips(folder.parent, 30, {})) == 1


@pytest.mark.parametrize("phones", [None, 5, [["AA", 0.1]], [["AA", "x", 1]], [["AA", 0.1, None]]])
def test_invalid_phones_are_reported(folder: Path, phones: object) -> None:
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "phones": phones}))
    with pytest.raises(DataError, match=r"metadata\.json: phones must be a list of \[phone, start"):
        read_evaluation_clips(folder.parent, 30, {})


def test_a_full_disk_is_reported_and_leaves_no_incomplete_audio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"audio\.wav: the disk is full"):
        write_babble(tmp_path / "clip", seed=1)
    assert list((tmp_path / "clip").iterdir()) == []


def test_unreadable_audio_is_reported(tmp_path: Path) -> None:
    with raises_code(AudioError, "file_not_found", "nowhere.wav"):
        recordings.read_audio(tmp_path / "nowhere.wav")
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 100)
    with raises_code(AudioError, "unsupported_sample_rate", 100):
        recordings.read_audio(tmp_path / "slow.wav")


def test_missing_files_are_reported(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with raises_code(DataError, "no_recordings", "empty"):
        recordings.find_recordings(tmp_path / "empty")
    with raises_code(DataError, "folder_not_found", "nowhere"):
        recordings.find_recordings(tmp_path / "nowhere")
    (folder / "audio.wav").write_text("not audio")
    with pytest.raises(AudioError, match=r"audio\.wav"):
        recordings.read_audio(folder / "audio.wav")
    (folder / "audio.wav").unlink()
    with raises_code(DataError, "audio_missing", "audio.wav"):
        recordings.read_recording(folder)
    (folder / "metadata.json").write_text("[]")
    with pytest.raises(DataError, match="must contain a JSON object"):
        recordings.read_recording(folder)
