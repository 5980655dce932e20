"""Recordings concatenated to tracks: each keeps its own face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from babble import FPS, write_babble
from error_code import raises_code

from koemorph.errors import DataError
from koemorph.training import tracks
from koemorph.training.datasets.captures import Capture
from koemorph.training.datasets.recordings import Recording, read_audio, read_recording
from koemorph.training.datasets.timecode import advance_face
from koemorph.training.tracks import Track, concatenate_recordings


def concatenate(*recordings: Recording) -> Track:
    """One track of them, with pauses of a second."""
    (track,) = concatenate_recordings(
        [("one", each) for each in recordings], FPS, 60.0, (1.0, 1.0), 0
    )
    return track


@pytest.mark.parametrize("early", [1.313, 0.01, -0.5])
def test_a_moved_face_does_not_change_the_recording_before(tmp_path: Path, early: float) -> None:
    first, second = (read_recording(write_babble(tmp_path / str(seed), seed)) for seed in (1, 2))
    moved = advance_face(second, early)
    track, alone, after = concatenate(first, moved), concatenate(first), concatenate(moved)
    np.testing.assert_array_equal(track.weights[: alone.frames], alone.weights)
    begin = track.starts[1]
    np.testing.assert_allclose(track.weights[begin:], after.weights, atol=1e-6)
    assert not track.weights[:, ~track.labelled].any()
    # Interpolated between frames of the capture, constant before its first.
    expected = np.interp(np.arange(120) / FPS, moved.capture.times, moved.capture.weights[:, 17])
    np.testing.assert_allclose(after.weights[:, 17], expected, atol=1e-6)


def test_captured_frames_and_pauses_between_clips_are_marked_as_captured(tmp_path: Path) -> None:
    first, second = (read_recording(write_babble(tmp_path / str(seed), seed)) for seed in (1, 2))
    kept = np.r_[0:40, 60:90]  # lost for 20 frames, and for the last second
    capture = first.capture
    part = Capture(capture.weights[kept], capture.times[kept], capture.labelled)
    track = concatenate(replace(first, capture=part), second)
    assert track.starts[1] == 150
    assert np.flatnonzero(~track.captured).tolist() == [*range(41, 59), *range(91, 120)]
    assert concatenate(first, second).captured.all()


@pytest.mark.parametrize("early", [5.0, -5.0])
def test_a_face_outside_of_its_audio_is_reported(tmp_path: Path, early: float) -> None:
    recording = read_recording(write_babble(tmp_path / "clip", 1))
    with raises_code(DataError, "no_overlap", "audio.wav"):
        concatenate(advance_face(recording, early))


def test_audio_is_read_when_tracks_are_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = [read_recording(write_babble(tmp_path / str(seed), seed)) for seed in range(6)]
    read: list[Path] = []

    def counted(path: Path) -> object:
        read.append(path)
        return read_audio(path)

    monkeypatch.setattr(tracks, "read_audio", counted)
    drawn = concatenate_recordings([("one", each) for each in recordings], FPS, 7.0, (0.0, 0.0), 0)
    for number in range(1, 4):
        next(drawn)
        assert len(read) == 2 * number
    assert not list(drawn)
