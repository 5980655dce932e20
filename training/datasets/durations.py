"""Comparison of the start and end of audio and face."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError

from .recordings import Recording, read_audio

LOG = logging.getLogger(__name__)
MAX_LENGTH_DIFFERENCE = 0.25  # seconds between the end of the face and that of the audio


def length_mismatch(recording: Recording, seconds: float) -> str:
    """Describe how the end of a face differs from that of its audio.

    Args:
        recording: the recording.
        seconds: duration of its audio.

    Returns:
        A sentence; "" where they end within MAX_LENGTH_DIFFERENCE.
    """
    end = float(recording.capture.times[-1]) + 1 / recording.fps
    if abs(end - seconds) <= MAX_LENGTH_DIFFERENCE:
        return ""
    return f"Length mismatch: the face ends at {end:.2f} s, the audio at {seconds:.2f} s."


def warn_length_mismatch(path: Path, recording: Recording, seconds: float) -> None:
    """Log a warning where a face and its audio do not end together.

    Args:
        path: the recording as the user named it.
        recording: the recording.
        seconds: duration of its audio.
    """
    mismatch = length_mismatch(recording, seconds)
    if mismatch:
        LOG.warning("%s: %s", path, mismatch)


def require_overlap(recording: Recording, seconds: float) -> None:
    """Reject a recording whose face lies outside of its audio.

    Args:
        recording: the recording.
        seconds: duration of its audio.

    Raises:
        DataError: no frame is within the audio (no_overlap).
    """
    times = recording.capture.times
    if times[-1] < 0 or times[0] >= seconds:
        raise DataError(
            f"{recording.audio}: the face lasts from {times[0]:.2f} s to {times[-1]:.2f} s, the "
            f"audio from 0 s to {seconds:.2f} s. Correct timecode.json or the timestamps.",
            code="no_overlap",
        )


def read_matching_audio(recording: Recording, fps: int) -> tuple[NDArray[np.float32], int]:
    """Read the audio of a recording and check that its face fits to it.

    Args:
        recording: the recording.
        fps: frames per second of the model that will use it.

    Returns:
        samples (n,) and the sample rate in Hz.

    Raises:
        AudioError: the audio cannot be read.
        DataError: it is shorter than half a frame (too_short), or the face lies outside of it
            (no_overlap).
    """
    audio, sample_rate = read_audio(recording.audio)
    seconds = len(audio) / sample_rate
    if seconds * fps < 0.5:
        raise DataError(
            f"{recording.audio}: {1000 * seconds:.0f} ms of audio are too short for one frame at "
            f"{fps} fps.",
            code="too_short",
        )
    require_overlap(recording, seconds)
    return audio, sample_rate
