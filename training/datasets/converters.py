"""Conversion of captures of other formats to v2.0 recordings.

A reader (`live_link`, `beat`, `video`) returns a CaptureTable: named columns and the time of each
row. `write_table` arranges the columns, resamples to the frame rate and writes the folder.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError

from .captures import Capture, exact_fps, to_arkit_order
from .durations import length_mismatch, require_overlap
from .ffmpeg import read_soundtrack
from .recordings import (
    Recording,
    read_audio,
    read_recording,
    resample_recording,
    write_recording,
)

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaptureTable:
    """A captured face as its source has it.

    Attributes:
        rows: (T, N) weights.
        times: (T,) seconds after the start of the audio, increasing.
        names: the N column names.
        fps: frames per second.
        source_format: for metadata.json.
        metadata: further keys for metadata.json.
    """

    rows: NDArray[np.float32]
    times: NDArray[np.float64]
    names: tuple[str, ...]
    fps: float
    source_format: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def write_table(table: CaptureTable, audio: Path, out: Path) -> Path:
    """Write a capture and its audio as a v2.0 folder.

    Frames after the end of the audio, and those in which no face was captured, are left out. A face
    and audio that do not end together cause a warning.

    Args:
        table: the capture.
        audio: an audio file, or a video.
        out: the folder.

    Returns:
        The folder.

    Raises:
        DataError: the audio is shorter than a frame (too_short), or the face lies outside of it
            (no_overlap).
        AudioError: the audio cannot be read.
        OutputError: the folder cannot be written.
    """
    samples, sample_rate = read_soundtrack(audio)
    weights, labelled = to_arkit_order(table.rows, table.names)
    capture = Capture(weights, table.times, labelled)
    fps = float(round(table.fps)) if abs(table.fps - round(table.fps)) < 1e-6 else table.fps
    # With a rational rate: rounding of floats can lose the last frame.
    frames = int(len(samples) * exact_fps(fps) / sample_rate)
    if frames < 1:
        raise DataError(
            f"{audio}: {len(samples)} samples at {sample_rate} Hz are shorter than one frame at "
            f"{fps:g} fps.",
            code="too_short",
        )
    recording = Recording(out.name, audio, capture, fps)
    require_overlap(recording, len(samples) / sample_rate)
    mismatch = length_mismatch(recording, len(samples) / sample_rate)
    if mismatch:
        LOG.warning("%s: %s Check that the audio is of this take.", out, mismatch)
        frames = min(frames, round((table.times[-1] + 1 / fps) * fps))
    face, captured = resample_recording(recording, fps, frames)
    return write_recording(
        out,
        samples,
        sample_rate,
        face,
        fps,
        labelled=labelled,
        captured=captured,
        metadata={"source_format": table.source_format, **table.metadata},
    )


def make_table(
    path: Path,
    rows: Sequence[Sequence[float]],
    times: NDArray[np.float64],
    names: tuple[str, ...],
    fps: float,
    source_format: str,
) -> CaptureTable:
    """Check the contents of a file and make a table of them.

    Args:
        path: the file, for messages.
        rows: T rows of N weights.
        times: (T,) seconds after the start of the audio.
        names: the N column names.
        fps: frames per second.
        source_format: for metadata.json.

    Returns:
        The table.

    Raises:
        DataError: there are no rows (no_frames), a row has another length (invalid_shape), a value
            is not a finite number (not_finite), times do not increase (unordered_times), or no
            column is a blend shape (unknown_blendshapes).
    """
    if not rows:
        raise DataError(f"{path}: no frames.", code="no_frames")
    for frame, row in enumerate(rows):
        if len(row) != len(names):
            raise DataError(
                f"{path}, frame {frame}: {len(row)} values for {len(names)} names.",
                code="invalid_shape",
            )
    try:
        table = np.array(rows, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: a value is not a number ({error}).", code="not_finite") from error
    broken = np.flatnonzero(~np.isfinite(table).all(axis=1) | ~np.isfinite(times))
    if len(broken):
        raise DataError(
            f"{path}, frame {broken[0]}: a value or the time is not a finite number.",
            code="not_finite",
        )
    unordered = np.flatnonzero(np.diff(times) <= 0)
    if len(unordered):
        frame = unordered[0] + 1
        raise DataError(
            f"{path}, frame {frame}: time {times[frame]:g} s is not after {times[frame - 1]:g} s.",
            code="unordered_times",
        )
    try:
        to_arkit_order(table, names)
    except DataError as error:
        raise DataError(f"{path}: {error}", code=error.code) from error
    return CaptureTable(table, times, names, fps, source_format)


def require_fps(fps: float | None) -> None:
    """Reject a frame rate that is not positive and finite.

    Args:
        fps: frames per second, or None.

    Raises:
        DataError: it is not (invalid_fps).
    """
    if fps is not None and not 0 < fps < math.inf:
        raise DataError(f"bad frame rate: {fps:g}, expected a number above 0.", code="invalid_fps")


def convert_pairs(paths: Sequence[Path], root: Path, out: Path) -> int:
    """Convert v1.0 pairs to v2.0 folders, keeping the folders that they are in.

    Args:
        paths: the .jsonl files of the pairs.
        root: the folder that all of them are in.
        out: the folder to write to.

    Returns:
        How many were written.

    Raises:
        DataError: a pair cannot be read.
        OutputError: a folder cannot be written.
    """
    for path in paths:
        recording = read_recording(path)
        samples, sample_rate = read_audio(recording.audio)
        face, captured = resample_recording(recording)
        write_recording(
            out / path.parent.relative_to(root) / recording.name,
            samples,
            sample_rate,
            face,
            recording.fps,
            labelled=recording.capture.labelled,
            captured=captured,
            metadata={"source_format": "KoeMorph v1.0"},
        )
    return len(paths)
