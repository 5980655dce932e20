"""Converters: other captures to v2.0 recordings.

Each gives a table with named columns and the times of its rows; `write` maps the names, resamples
to a whole frame rate and writes the folder.
"""

from __future__ import annotations

import csv
import json
import logging
import math
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError, MissingExtraError

from ..tracks import check_overlap, lengths_apart
from .recordings import (
    COMMON_RATES,
    Capture,
    Recording,
    arrange,
    evenly,
    exact_fps,
    read_audio,
    read_recording,
    shown_fps,
    write_recording,
)
from .sync import seconds_between

LOG = logging.getLogger(__name__)
FloatArray = NDArray[np.float32]
# Videos, and sounds that libsndfile does not read.
FFMPEG_SUFFIXES = (
    ".mov", ".mp4", ".m4v", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".3gp", ".ts", ".mts",
    ".wmv", ".flv", ".ogv", ".m4a", ".aac", ".wma",
)  # fmt: skip
# Live Link Face's own blendshapes stay; the nine rotations that follow have other names.
LIVE_LINK_HEAD = ("Timecode", "BlendShapeCount")


@dataclass(frozen=True)
class Table:
    """Rows (T, N) at times (T,) in seconds after the sound's start, columns by name."""

    rows: FloatArray
    times: NDArray[np.float64]
    names: tuple[str, ...]
    fps: float
    source_format: str
    unlabelled: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def write(table: Table, audio: Path, out: Path) -> Path:
    """Writes a v2.0 folder of a table and its sound (any audio, or a video's soundtrack).

    A face that ends before its sound is not drawn out, and one that ends after it is cut; either is
    told. Frames in which no face was seen for longer are left out. DataError where sound and face
    are at different times.
    """
    samples, rate = _sound(audio)
    weights, labelled = arrange(table.rows, table.names)
    capture = Capture(weights, table.times, labelled)
    fps = float(round(table.fps)) if abs(table.fps - round(table.fps)) < 1e-6 else table.fps
    frames = int(len(samples) * exact_fps(fps) / rate)  # in fractions: rounding loses the last
    if frames < 1:
        raise DataError(f"{audio} is shorter than one frame.")
    taken = Recording(out.name, audio, capture, fps)
    check_overlap(taken, len(samples) / rate)
    apart = lengths_apart(taken, len(samples) / rate)
    if apart:
        LOG.warning("%s: %s Is it the sound of this take?", out, apart)
        frames = min(frames, round((table.times[-1] + 1 / fps) * fps))
    metadata = {"source_format": table.source_format, **table.metadata}
    face, seen = evenly(taken, fps, frames)
    return write_recording(
        out,
        samples,
        rate,
        face,
        fps,
        labelled=labelled,
        seen=seen,
        metadata=metadata,
    )


def from_live_link(path: Path, fps: float | None = None) -> Table:
    """A Live Link Face recording: Timecode, BlendShapeCount and 61 columns, one row a frame.

    fps is read off the timecodes' frame numbers where it is not given. Raises DataError, with the
    file, where they do not show it, and for anything else than such a recording.
    """
    _check_fps(fps)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a table in UTF-8 ({error}).") from error
    if len(rows) < 2 or tuple(rows[0][:2]) != LIVE_LINK_HEAD:
        raise DataError(f"{path} is no Live Link Face recording: it begins otherwise.")
    names = tuple(rows[0][2:])
    codes: list[str] = []
    values: list[list[float]] = []
    for number, row in enumerate(rows[1:], 2):
        if not row or (len(row) > 1 and row[1] == "0"):
            continue  # Live Link writes a row without values when it sees no face.
        try:
            values.append([float(value) for value in row[2:]])
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}.") from error
        if len(row) != len(names) + 2:
            raise DataError(f"{path}, line {number}: {len(row) - 2} values, not {len(names)}.")
        codes.append(row[0])
    if not values:
        raise DataError(f"{path} has no frame with a face.")
    begin = next(row[0] for row in rows[1:] if row)
    try:
        rate = _timecode_rate(codes) if fps is None else fps
        if rate is None:
            raise DataError(
                f"{path}: its timecodes do not show how many frames a second has; give --fps."
            )
        times = np.array([seconds_between(begin, code, rate) for code in codes])
    except (OverflowError, ValueError) as error:
        raise DataError(f"{path}: a timecode is not HH:MM:SS:FF ({error}).") from error
    return _checked_table(path, values, times, names, rate, "Live Link Face CSV")


def from_beat(path: Path, fps: float = 60.0) -> Table:
    """BEAT's facial JSON: {"names": [...], "frames": [{"weights": [...], "time": s}, ...]}."""
    _check_fps(fps)
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
        names = tuple(str(name) for name in stored["names"])
        rows = [list(frame["weights"]) for frame in stored["frames"]]
        shown = [frame.get("time") for frame in stored["frames"]]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a facial JSON with names and frames ({error}).") from error
    times = np.arange(len(rows)) / fps
    timed = any(time is not None for time in shown)
    if timed:
        try:
            times = np.array(shown, np.float64)
        except (OverflowError, TypeError, ValueError) as error:
            raise DataError(f"{path}: not every frame has a time in seconds ({error}).") from error
    table = _checked_table(path, rows, times, names, fps, "BEAT JSON")
    return replace(table, fps=shown_fps(times)) if timed and len(times) > 1 else table


def _checked_table(
    path: Path,
    rows: Sequence[Sequence[float]],
    times: NDArray[np.float64],
    names: tuple[str, ...],
    fps: float,
    source_format: str,
) -> Table:
    """The table of a file; DataError, with file and frame, where it holds no face over time."""
    if not rows:
        raise DataError(f"{path} has no frames.")
    for frame, row in enumerate(rows):
        if len(row) != len(names):
            raise DataError(f"{path}, frame {frame}: {len(row)} values for {len(names)} names.")
    try:
        table = np.array(rows, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: a value is not a number ({error}).") from error
    broken = np.flatnonzero(~np.isfinite(table).all(axis=1) | ~np.isfinite(times))
    if len(broken):
        raise DataError(f"{path}, frame {broken[0]}: a value or its time is not finite.")
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        raise DataError(f"{path}, frame {back[0] + 1}: its time is not after the frame before.")
    try:
        arrange(table, names)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return Table(table, times, names, fps, source_format)


def convert_pairs(paths: Sequence[Path], root: Path, out: Path) -> int:
    """v1.0 pairs to v2.0 folders, keeping train/, val/ and test/; how many were written."""
    for path in paths:
        recording = read_recording(path)
        samples, rate = read_audio(recording.audio)
        face, seen = evenly(recording)
        write_recording(
            out / path.parent.relative_to(root) / recording.name,
            samples,
            rate,
            face,
            recording.fps,
            labelled=recording.capture.labelled,
            seen=seen,
            metadata={"source_format": "KoeMorph v1.0"},
        )
    return len(paths)


def _check_fps(fps: float | None) -> None:
    if fps is not None and not 0 < fps < math.inf:
        raise DataError(f"a frame rate is positive, not {fps:g}.")


def _timecode_rate(codes: Sequence[str]) -> float | None:
    """The rate at which the frame numbers of timecodes turn over, None where none is seen to.

    A camera may give every second number only. What drop-frame (`;`) numbers as 30 is 29.97.
    ValueError for a text that is no timecode.
    """
    parts = [code.replace(";", ":").rpartition(":") for code in codes]
    turns = len({second for second, _, _ in parts}) > 1
    numbers = [int(float(frame)) for _, _, frame in parts]
    steps = [after - before for before, after in pairwise(numbers) if after > before]
    highest = max(numbers)
    rate = next((each for each in COMMON_RATES if each > highest), None)
    if rate is None or not turns or not steps or rate - highest > median(steps):
        return None
    return round(rate * 1000 / 1001, 2) if ";" in codes[0] else rate


def picture_start(path: Path) -> float:
    """Seconds from where the soundtrack of a video, as `write` takes it, begins to its picture.

    Cameras and browsers seldom begin both at once. Raises DataError, with the path.
    """
    shown = ["-select_streams", "v:0", "-show_entries", "stream=start_time:format=start_time"]
    told = _ffmpeg("ffprobe", [*shown, "-of", "json", f"file:{path}"], path)
    whole = json.loads(told)
    times = [part.get("start_time", "N/A") for part in (*whole["streams"], whole["format"])]
    if len(times) != 2 or "N/A" in times:
        return 0.0
    # What begins first in the file begins at 0 for ffmpeg, and so for its sound.
    return float(times[0]) - float(times[1])


def _sound(path: Path) -> tuple[FloatArray, int]:
    """A sound file, or the soundtrack of a video by ffmpeg, mono."""
    if path.suffix.lower() not in FFMPEG_SUFFIXES:
        return read_audio(path)
    with TemporaryDirectory() as folder:
        track = Path(folder) / "track.wav"
        # A soundtrack that begins after the picture is filled with silence.
        mono = ["-vn", "-ac", "1", "-af", "aresample=async=1:first_pts=0"]
        _ffmpeg("ffmpeg", ["-i", f"file:{path}", *mono, str(track)], path)
        return read_audio(track)


def _ffmpeg(program: str, arguments: Sequence[str], path: Path) -> str:
    """What ffmpeg, or a program that comes with it, prints about a video."""
    try:
        run = subprocess.run(
            [program, "-v", "error", *arguments], check=True, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise MissingExtraError(
            f"Taking the sound out of a video needs the program {program}: install ffmpeg."
        ) from error
    except subprocess.CalledProcessError as error:
        raise DataError(
            f"{path}: ffmpeg takes no sound out of it ({error.stderr.strip()})."
        ) from error
    return run.stdout
