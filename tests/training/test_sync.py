"""Sound and face in step: timecodes, and offsets that the signals show."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from babble import write_babble
from numpy.typing import NDArray
from omegaconf import DictConfig

from koemorph.blendshapes import INDEX
from koemorph.errors import DataError
from koemorph.training.datasets import registry, sync
from koemorph.training.datasets.recordings import read_recording, write_recording
from koemorph.training.evaluate import read_cases
from koemorph.training.settings import read_settings
from koemorph.training.training_data import prepare


def test_timecodes_are_seconds() -> None:
    assert sync.timecode_seconds("00:01:00:15", 30) == 60.5
    assert sync.timecode_seconds("01:00:00:00", 25) == 3600.0
    # An hour of drop-frame timecode is an hour, to a thousandth of a second.
    for fps in (29.97, 30, 59.94, 60):
        assert sync.timecode_seconds("01:00:00;00", fps) == pytest.approx(3599.9964)
    # Two numbers are left out at the full minute, none at the tenth.
    frame = 1001 / 30000
    for last, first in (("00:00:59;29", "00:01:00;02"), ("00:09:59;29", "00:10:00;00")):
        assert sync.seconds_between(last, first, 29.97) == pytest.approx(frame)
    assert sync.seconds_between("23:59:59;29", "00:00:00;00", 29.97) == pytest.approx(frame)


@pytest.mark.parametrize(
    ("text", "fps", "words"),
    [
        ("12:00", 30, "unpack"),
        ("00:00:00:30", 30, "is none at 30"),
        ("00:60:00:00", 30, "is none at 30"),
        ("00:00:60:00", 30, "is none at 30"),
        ("00:00:nan:00", 30, "is none at 30"),
        ("00:00:-1:00", 30, "is none at 30"),
        ("00:00:00;00", 25, "is drop-frame, which 25 frames a second do not have"),
        ("00:00:00:00", -30, "is none at -30"),
    ],
)
def test_what_no_clock_shows_is_no_timecode(text: str, fps: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sync.timecode_seconds(text, fps)


def test_timecode_json_moves_the_face(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", seed=1)
    before = read_recording(folder)
    assert sync.with_timecode(before) is before
    moved = sync.with_timecode(read_recording(write_late(folder, seed=1)))
    np.testing.assert_allclose(moved.capture.times, before.capture.times + 0.2)
    starts = {"fps": 30, "audio_start": "23:59:59:24", "blendshapes_start": "00:00:00:00"}
    (folder / "timecode.json").write_text(json.dumps(starts))
    over_midnight = sync.with_timecode(read_recording(folder))
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
def test_a_timecode_json_that_makes_no_sense_is_named(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    folder = write_late(tmp_path / "clip", seed=1)
    path = folder / "timecode.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    with pytest.raises(DataError, match=r"timecode\.json: expected fps"):
        sync.with_timecode(read_recording(folder))


def write_late(folder: Path, seed: int) -> Path:
    """A recording whose timecodes put its face 0.2 s after its sound."""
    write_babble(folder, seed)
    starts = {"fps": 30, "audio_start": "10:00:00:00", "blendshapes_start": "10:00:00:06"}
    (folder / "timecode.json").write_text(json.dumps(starts))
    return folder


def test_a_model_is_evaluated_where_the_timecodes_put_the_face(tmp_path: Path) -> None:
    folder = write_late(tmp_path / "clip", seed=1)
    (case,) = read_cases(tmp_path, 30, {})
    jaw = read_recording(folder).capture.weights[:, INDEX["jawOpen"]]
    np.testing.assert_allclose(case.target[6:, INDEX["jawOpen"]], jaw[:-6], atol=1e-6)


def test_what_validates_is_corrected_with_what_teaches(
    configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    """One recording is too short to show the offset that it shares with the others."""
    for seed in range(8):
        write_late(tmp_path / str(seed), seed)
    overrides = (
        f"data.train_data_dir={tmp_path}", "data.val_data_dir=null", "data.validation_ratio=0.125"
    )  # fmt: skip

    def validated(*more: str) -> np.ndarray:
        (track,) = prepare(read_settings(configure(*overrides, *more))).validation
        return track.weights[:, INDEX["jawOpen"]]

    true = validated("data.use_timecode=false")
    uncorrected = np.abs(validated() - true).mean()
    assert np.abs(validated("data.verify_sync=true") - true).mean() < 0.5 * uncorrected


def test_offsets_are_measured(tmp_path: Path) -> None:
    recordings = [read_recording(write_babble(tmp_path / str(seed), seed)) for seed in range(8)]
    before = sync.measure_offset(recordings)
    assert before.heard == pytest.approx(32.0)
    assert before.clear
    for late in (0.12, -0.083):
        found = sync.measure_offset(sync.shifted(each, -late) for each in recordings)
        assert found.seconds - before.seconds == pytest.approx(late, abs=0.012)
        assert found.matters


def test_loudness_is_where_it_is_heard(tmp_path: Path) -> None:
    """A jaw that opens as noise swells, at once, is 0 ms late."""
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
    movement = sync.movement_of(read_recording(tmp_path / "clip"))
    assert movement is not None
    deaf = sync.Movement(movement.voice * np.array([[0.0], [1.0]]), movement.jaw)
    found = sync.offset_of([deaf])
    assert found.clear
    assert found.seconds == pytest.approx(0.0, abs=0.0015)


def test_offsets_that_may_be_chance_are_not_corrected() -> None:
    assert sync.Offset(0.1, 0.3, 60.0).matters
    assert not sync.Offset(0.1, 0.3, 20.0).matters
    assert not sync.Offset(0.001, 0.9, 60.0).matters
    assert sync.measure_offset([]) == sync.Offset(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("source", "clips"), [("grid", 24), ("facegood", 1)])
def test_captures_of_real_voices_are_measured_to_a_few_milliseconds(
    shared_data: Path, tmp_path: Path, source: str, clips: int
) -> None:
    folder = shared_data / {"grid": "grid_s1", "facegood": "facegood"}[source]
    recordings = [
        read_recording(registry.write_clip(clip, tmp_path))
        for clip in itertools.islice(registry.clips(source, folder), clips)
    ]

    def pieces(late: float) -> list[sync.Movement]:
        """Of at most 20 s, of faces that come later than they did."""
        whole = [sync.movement_of(sync.shifted(each, -late)) for each in recordings]
        return [
            each.part(first, first + 2000)
            for each in whole
            if each is not None
            for first in range(0, min(len(each.jaw), 8000), 2000)
        ]

    before = pieces(0.0)
    halves = [sync.offset_of(before[part::2]) for part in (0, 1)]
    assert all(half.clear for half in halves)
    # Two halves of one shooting have one offset.
    assert halves[0].seconds == pytest.approx(halves[1].seconds, abs=0.02)
    for late in (-0.2, 0.034):
        found = sync.offset_of(pieces(late))
        assert found.seconds - sync.offset_of(before).seconds == pytest.approx(late, abs=0.004)


def test_source_fps_rules_where_timestamps_are_not_trusted(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", seed=1)
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**metadata, "source_fps": 60.0}))
    assert read_recording(folder).fps == 30.0
    trusted = read_recording(folder, auto_detect_fps=False)
    assert trusted.fps == 60.0
    assert trusted.capture.times[6] == 0.1
