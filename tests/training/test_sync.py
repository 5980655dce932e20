"""Sound and face in step: timecodes, and offsets that the signals show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from babble import write_babble

from koemorph.errors import DataError
from koemorph.training import sync
from koemorph.training.recordings import read_recording


def test_timecodes_are_seconds() -> None:
    assert sync.timecode_seconds("00:01:00:15", 30) == 60.5
    assert sync.timecode_seconds("01:00:00:00", 25) == 3600.0
    # An hour of drop-frame timecode is an hour, to a thousandth of a second.
    assert sync.timecode_seconds("01:00:00;00", 29.97) == pytest.approx(3599.9964)
    with pytest.raises(ValueError, match="unpack"):
        sync.timecode_seconds("12:00", 30)


def test_timecode_json_moves_the_face(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", seed=1)
    before = read_recording(folder)
    assert sync.with_timecode(before) is before
    starts = {"fps": 30, "audio_start": "10:00:00:00", "blendshapes_start": "10:00:00:06"}
    (folder / "timecode.json").write_text(json.dumps(starts))
    moved = sync.with_timecode(before)
    np.testing.assert_allclose(moved.capture.times, before.capture.times + 0.2)
    (folder / "timecode.json").write_text('{"fps": 30}')
    with pytest.raises(DataError, match=r"timecode\.json: expected fps"):
        sync.with_timecode(before)


@pytest.mark.parametrize("late", [0.12, -0.08, 0.0])
def test_offsets_are_measured(tmp_path: Path, late: float) -> None:
    recordings = [
        sync.shifted(read_recording(write_babble(tmp_path / str(seed), seed)), -late)
        for seed in range(4)
    ]
    offset = sync.measure_offset(recordings)
    assert offset.seconds == pytest.approx(late, abs=0.035)
    assert offset.strength > 0.5
    assert offset.matters or late == 0.0
    assert not sync.Offset(late, 0.1).matters
    assert sync.measure_offset([]) == sync.Offset(0.0, 0.0)


def test_source_fps_rules_where_timestamps_are_not_trusted(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", seed=1)
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**metadata, "source_fps": 60.0}))
    assert read_recording(folder).fps == 30.0
    trusted = read_recording(folder, auto_detect_fps=False)
    assert trusted.fps == 60.0
    assert trusted.capture.times[6] == 0.1
