"""Recordings strung together: each keeps its own face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from babble import FPS, write_babble

from koemorph.errors import DataError
from koemorph.training import tracks
from koemorph.training.datasets.recordings import Capture, Recording, read_audio, read_recording
from koemorph.training.datasets.sync import shifted
from koemorph.training.tracks import Track, string_together


def strung(*recordings: Recording) -> Track:
    """One track of them, with pauses of a second."""
    (track,) = string_together([("one", each) for each in recordings], FPS, 60.0, (1.0, 1.0), 0)
    return track


@pytest.mark.parametrize("early", [1.313, 0.01, -0.5])
def test_a_face_that_begins_beside_its_sound_leaves_the_clip_before_as_it_is(
    tmp_path: Path, early: float
) -> None:
    first, second = (read_recording(write_babble(tmp_path / str(seed), seed)) for seed in (1, 2))
    moved = shifted(second, early)
    track, alone, after = strung(first, moved), strung(first), strung(moved)
    np.testing.assert_array_equal(track.weights[: alone.frames], alone.weights)
    begin = track.starts[1]
    np.testing.assert_allclose(track.weights[begin:], after.weights, atol=1e-6)
    assert not track.weights[:, ~track.labelled].any()
    # Between two frames of the capture, or held still before its first.
    expected = np.interp(np.arange(120) / FPS, moved.capture.times, moved.capture.weights[:, 17])
    np.testing.assert_allclose(after.weights[:, 17], expected, atol=1e-6)


def test_a_face_is_known_where_it_was_captured_and_in_the_pauses_between(tmp_path: Path) -> None:
    first, second = (read_recording(write_babble(tmp_path / str(seed), seed)) for seed in (1, 2))
    kept = np.r_[0:40, 60:90]  # lost for 20 frames, and for the last second
    capture = first.capture
    part = Capture(capture.weights[kept], capture.times[kept], capture.labelled)
    track = strung(replace(first, capture=part), second)
    assert track.starts[1] == 150
    assert np.flatnonzero(~track.seen).tolist() == [*range(41, 59), *range(91, 120)]
    assert strung(first, second).seen.all()


@pytest.mark.parametrize("early", [5.0, -5.0])
def test_a_face_without_sound_is_named(tmp_path: Path, early: float) -> None:
    recording = read_recording(write_babble(tmp_path / "clip", 1))
    with pytest.raises(DataError, match=r"clip.audio\.wav: its face lasts from .*timecode\.json"):
        strung(shifted(recording, early))


def test_sounds_are_read_as_tracks_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = [read_recording(write_babble(tmp_path / str(seed), seed)) for seed in range(6)]
    read: list[Path] = []

    def counted(path: Path) -> object:
        read.append(path)
        return read_audio(path)

    monkeypatch.setattr(tracks, "read_audio", counted)
    drawn = string_together([("one", each) for each in recordings], FPS, 7.0, (0.0, 0.0), 0)
    for number in range(1, 4):
        next(drawn)
        assert len(read) == 2 * number
    assert not list(drawn)
