"""KoeMorph frames as JSON lines: writes version 2.0, reads versions 2.0 and 1.0.

A v2.0 line is `{"frame_index": 0, "timestamp": 0.0, "timecode": "00:00:00:00",
"blendshapes": [52 numbers]}`; a v1.0 line has `timestamp` and `blendshapes` only.

Source: the file specification in docs/ (KoeMorph dataset v2.0).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.outputs import WriteOptions
from koemorph.outputs.atomic import atomic_open

STDOUT = "-"
"""The file name that stands for standard output on the command line."""


def timecode(frame: int, fps: int) -> str:
    """Return the non-drop SMPTE 12M timecode `HH:MM:SS:FF` of a frame; hours wrap after 24."""
    seconds, within = divmod(frame, fps)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % 24:02d}:{minute:02d}:{second:02d}:{within:02d}"


def frame_line(index: int, time: float, weights: npt.NDArray[np.float32], fps: int) -> str:
    """Format a frame as a v2.0 line.

    Args:
        index: Frame number.
        time: Frame time, seconds.
        weights: (52,) weights in BLENDSHAPES order.
        fps: Frames per second, for the timecode.

    Returns:
        The line with its line feed.
    """
    frame = {
        "frame_index": index,
        "timestamp": time,
        "timecode": timecode(round(time * fps), fps),
        "blendshapes": np.round(weights.astype(np.float64), 6).tolist(),
    }
    return json.dumps(frame) + "\n"


def write_jsonl(animation: Animation, target: IO[str] | str | os.PathLike[str]) -> None:
    """Write an animation of the 52 blend shapes as v2.0 lines.

    Args:
        animation: The animation.
        target: An open text stream, or a path.

    Raises:
        DataError: The animation is retargeted (code "not_arkit52").
        OutputError: The file cannot be written.
    """
    if animation.names != BLENDSHAPES:
        raise DataError(
            "Cannot write JSONL v2.0: it stores the 52 ARKit blend shapes, the animation has "
            f"{len(animation.names)} retargeted curves. Write .npz or .json instead.",
            code="not_arkit52",
        )
    if isinstance(target, (str, os.PathLike)):
        with atomic_open(target) as stream:
            write_jsonl(animation, stream)
        return
    for index, (time, weights) in enumerate(zip(animation.times, animation.weights, strict=True)):
        target.write(frame_line(index, float(time), weights, animation.fps))


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """Write v2.0 lines to a file; see `write_jsonl`."""
    write_jsonl(animation, path)


def read(path: Path) -> Animation:
    """Read v2.0 or v1.0 lines; see `read_jsonl`."""
    return read_jsonl(path)


def read_jsonl(path: str | os.PathLike[str], fps: int | None = None) -> Animation:
    """Read v2.0 or v1.0 lines of 52 weights each, in BLENDSHAPES order.

    Args:
        path: The file.
        fps: Frames per second; by default derived from the timestamps.

    Returns:
        The animation.

    Raises:
        DataError: As `read_table`.
    """
    times, rows = read_table(path, len(BLENDSHAPES))
    if fps is None:
        fps = round(1 / frame_interval(times)) if len(times) > 1 else 30
    return Animation(times, rows, BLENDSHAPES, max(fps, 1))


def frame_interval(times: npt.NDArray[np.float64]) -> float:
    """Return the frame interval in seconds of increasing times (T > 1,).

    It is a mean because times are often rounded, at 60 fps to 16 and 17 ms. Intervals that span
    missing frames are excluded.
    """
    steps = np.diff(times)
    return float(steps[steps < 1.5 * np.median(steps)].mean())


def read_table(
    path: str | os.PathLike[str], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Read the times and values of all lines.

    Args:
        path: The file.
        count: Values expected per line.

    Returns:
        Times (T,) in seconds and values (T, count).

    Raises:
        DataError: The file cannot be read (code "unreadable") or has no frames ("no_frames"); a
            line is not such a JSON object or has another number of values ("bad_line"), or its
            timestamp does not increase ("bad_timestamp"). The message names the line.
    """
    times: list[float] = []
    rows: list[list[float]] = []
    try:
        with Path(path).open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    time, row = _parse_line(line, count, f"Cannot read {path}, line {number}")
                    if times and time <= times[-1]:
                        raise DataError(
                            f"Cannot read {path}, line {number}: timestamp {time} is not after "
                            f"the previous one, {times[-1]}.",
                            code="bad_timestamp",
                        )
                    times.append(time)
                    rows.append(row)
    except UnicodeDecodeError as error:
        raise DataError(
            f"Cannot read {path}: it is not UTF-8 text, expected JSON lines.", code="unreadable"
        ) from error
    except OSError as error:
        raise DataError(
            f"Cannot read {path}: {error.strerror or error}.", code="unreadable"
        ) from error
    if not rows:
        raise DataError(f"Cannot read {path}: it has no frames.", code="no_frames")
    return np.asarray(times), np.asarray(rows, np.float32)


def _parse_line(line: str, count: int, where: str) -> tuple[float, list[float]]:
    try:
        frame = json.loads(line)
        time = float(frame["timestamp"])
        row = [float(value) for value in frame["blendshapes"]]
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise DataError(
            f'{where}: expected a JSON object with "timestamp" and "blendshapes".', code="bad_line"
        ) from error
    if len(row) != count:
        raise DataError(f"{where}: {len(row)} blendshapes, expected {count}.", code="bad_line")
    if not np.isfinite([time, *row]).all():
        raise DataError(f"{where}: a number is not finite.", code="bad_line")
    return time, row
