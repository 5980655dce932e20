"""Synchronization of audio and face by timecodes and by the signals."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from babble import write_babble
from error_code import raises_code
from numpy.typing import NDArray
from omegaconf import DictConfig

from koemorph.blendshapes import INDEX
from koemorph.errors import DataError
from koemorph.training.datasets import registry, sync, timecode
from koemorph.training.datasets.recordings import read_recording, write_recording
from koemorph.training.evaluate import read_evaluation_clips
from koemorph.training.settings import read_settings
from koemorph.training.training_data import load_training_data


def test_timecodes_are_converted_to_seconds() -> None:
    assert timecode.timecode_seconds("00:01:00:15", 30) == 60.5
    assert timecode.timecode_seconds("01:00:00:00", 25) == 3600.0
    # An hour of drop-frame timecode is an hour, within 4 ms.
    for fps in (29.97, 30, 59.94, 60):
        assert timecode.timecode_seconds("01:00:00;00", fps) == pytest.approx(3599.9964)
    # Two numbers are left out at the full minute, none at the tenth.
    frame = 1001 / 30000
    for last, first in (("00:00:59;29", "00:01:00;02"), ("00:09:59;29", "00:10:00;00")):
        assert timecode.timecode_difference(last, first, 29.97) == pytest.approx(frame)
    assert timecode.timecode_difference("23:59:59;29", "00:00:00;00", 29.97) == pytest.approx(frame)


@pytest.mark.parametrize(
    ("text", "fps", "words"),
    [
        ("12:00", 30, "unpack"),
        ("00:00:00:30", 30, "is not a timecode at 30"),
        ("00:60:00:00", 30, "is not a timecode at 30"),
        ("00:00:60:00", 30, "is not a timecode at 30"),
        ("00:00:nan:00", 30, "is not a timecode at 30"),
        ("00:00:-1:00", 30, "is not a timecode at 30"),
        ("00:00:00;00", 25, "is drop-frame"),
        ("00:00:00:00", -30, "is not a timecode at -30"),
    ],
)
def test_invalid_timecodes_are_rejected(text: str, fps: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        timecode.timecode_seconds(text, fps)


def test_timecode_json_moves_the_face(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", seed=1)
    before = read_recording(folder)
    assert timecode.apply_timecode(before) is before
    moved = timecode.apply_timecode(read_recording(write_late(folder, seed=1)))
    np.testing.assert_allclose(moved.capture.times, before.capture.times + 0.2)
    starts = {"fps": 30, "audio_start": "23:59:59:24", "blendshapes_start": "00:00:00:00"}
    (folder / "timecode.json").write_text(json.dumps(starts))
    over_midnight = timecode.apply_timecode(read_recording(folder))
    np.testing.assert_allclose(over_midnight.capture.times, before.capture.times + 0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"audio_start": None},
        {"audio_start": []},
        {"audio_start": "nan:00:00:00"},
        {"fps": None},
        {"fps": 0},
        {"fps": float("inf")},
    ],
)
def test_an_invalid_timecode_json_is_reported(tmp_path: Path, wrong: dict[str, object]) -> None:
    folder = write_late(tmp_path / "clip", seed=1)
    path = folder / "timecode.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    with raises_code(DataError, "invalid_timecode", "timecode.json"):
        timecode.apply_timecode(read_recording(folder))


def write_late(folder: Path, seed: int) -> Path:
    """A recording whose timecodes put its face 0.2 s after its sound."""
    write_babble(folder, seed)
    starts = {"fps": 30, "audio_start": "10:00:00:00", "blendshapes_start": "10:00:00:06"}
    (folder / "timecode.json").write_text(json.dumps(starts))
    return folder


def test_evaluation_applies_timecodes(tmp_path: Path) -> None:
    folder = write_late(tmp_path / "clip", seed=1)
    (case,) = read_evaluation_clips(tmp_path, 30, {})
    jaw = read_recording(folder).capture.weights[:, INDEX["jawOpen"]]
    np.testing.assert_allclose(case.target[6:, INDEX["jawOpen"]], jaw[:-6], atol=1e-6)


def test_validation_recordings_share_the_offset_of_training_recordings(
    configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    """One recording is too short to show the offset that it shares with the others."""
    for seed in range(8):
        write_late(tmp_path / str(seed), seed)
    overrides = (
        f"data.train_data_dir={tmp_path}", "data.val_data_dir=null", "data.validation_ratio=0.125"
    )  # fmt: skip

    def validated(*more: str) -> np.ndarray:
        (track,) = load_training_data(read_settings(configure(*overrides, *more))).validation
        return track.weights[:, INDEX["jawOpen"]]

    true = validated("data.use_timecode=false")
    uncorrected = np.abs(validated() - true).mean()
    assert np.abs(validated("data.verify_sync=true") - true).mean() < 0.5 * uncorrected


def test_offsets_are_measured(tmp_path: Path) -> None:
    recordings = [read_recording(write_babble(tmp_path / str(seed), seed)) for seed in range(8)]
    before = sync.measure_offset(recordings)
    assert before.duration == pytest.approx(32.0)
    assert before.significant
    for late in (0.12, -0.083):
        found = sync.measure_offset(timecode.advance_face(each, -late) for each in recordings)
        assert found.seconds - before.seconds == pytest.approx(late, abs=0.012)
        assert found.needs_correction


def test_loudness_signal_has_no_delay(tmp_path: Path) -> None:
    """A jaw that follows the level of noise without delay has an offset of 0 ms."""
    random = np.random.default_rng(0)
    rates, phases = random.uniform(0.3, 3.0, 12), random.uniform(0, 6.3, 12)

    def swell(times: NDArray[np.float64]) -> NDArray[np.float64]:
        waves: NDArray[np.float64] = np.sin(2 * np.pi * rates * times[:, None] + phases)
        return np.asarray(waves.mean(axis=1))

    times = np.arange(30 * 16000) / 16000
    noise = 0.03 * 10 ** swell(times) * random.standard_normal(len(times))
    face = np.zeros((30 * 60, 52), np.float32)
    face[:, INDEX["jawOpen"]] = 0.5 + 0.4 * swell(np.arange(30 * 60) / 60)
    write_recording(tmp_path / "clip", noise.astype(np.float32), 16000, face, 60)
    signals = sync.sync_signals(read_recording(tmp_path / "clip"))
    assert signals is not None
    by_loudness = sync.SyncSignals(signals.predicted * np.array([[0.0], [1.0]]), signals.jaw)
    found = sync.estimate_offset([by_loudness])
    assert found.significant
    assert found.seconds == pytest.approx(0.0, abs=0.0015)


def test_insignificant_offsets_are_not_corrected() -> None:
    assert sync.Offset(0.1, 0.3, 60.0).needs_correction
    assert not sync.Offset(0.1, 0.3, 20.0).needs_correction
    assert not sync.Offset(0.001, 0.9, 60.0).needs_correction
    assert sync.measure_offset([]) == sync.Offset(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("source", "clips"), [("grid", 24), ("facegood", 1)])
def test_offsets_of_real_captures_are_measured_to_a_few_milliseconds(
    shared_data: Path, tmp_path: Path, source: str, clips: int
) -> None:
    folder = shared_data / {"grid": "grid_s1", "facegood": "facegood"}[source]
    recordings = [
        read_recording(registry.write_clip(clip, tmp_path))
        for clip in itertools.islice(registry.read_dataset(source, folder), clips)
    ]

    def pieces(late: float) -> list[sync.SyncSignals]:
        """Segments of at most 20 s with delayed faces."""
        whole = [sync.sync_signals(timecode.advance_face(each, -late)) for each in recordings]
        return [
            each.segment(first, first + 2000)
            for each in whole
            if each is not None
            for first in range(0, min(len(each.jaw), 8000), 2000)
        ]

    before = pieces(0.0)
    halves = [sync.estimate_offset(before[part::2]) for part in (0, 1)]
    assert all(half.significant for half in halves)
    # Two halves of one take have the same offset.
    assert halves[0].seconds == pytest.approx(halves[1].seconds, abs=0.02)
    for late in (-0.2, 0.034):
        found = sync.estimate_offset(pieces(late))
        assert found.seconds - sync.estimate_offset(before).seconds == pytest.approx(
            late, abs=0.004
        )


def test_source_fps_is_used_without_auto_detect_fps(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", seed=1)
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**metadata, "source_fps": 60.0}))
    assert read_recording(folder).fps == 30.0
    trusted = read_recording(folder, auto_detect_fps=False)
    assert trusted.fps == 60.0
    assert trusted.capture.times[6] == 0.1
