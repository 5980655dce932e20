"""KoeMorph v2.0 frames: one JSON object a line, and the reading of v2.0 and v1.0 lines."""

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
"""On the command line, standard output instead of a file."""


def timecode(frame: int, fps: int) -> str:
    """Non-drop SMPTE timecode of a frame, `HH:MM:SS:FF`; hours wrap after 24."""
    seconds, within = divmod(frame, fps)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % 24:02d}:{minute:02d}:{second:02d}:{within:02d}"


def frame_line(index: int, time: float, weights: npt.NDArray[np.float32], fps: int) -> str:
    """One frame as a v2.0 line, with its line feed; weights (52,)."""
    frame = {
        "frame_index": index,
        "timestamp": time,
        "timecode": timecode(round(time * fps), fps),
        "blendshapes": np.round(weights.astype(np.float64), 6).tolist(),
    }
    return json.dumps(frame) + "\n"


def write_jsonl(animation: Animation, target: IO[str] | str | os.PathLike[str]) -> None:
    """Write an animation of the 52 blendshapes as v2.0 lines, to an open text stream or a path."""
    if animation.names != BLENDSHAPES:
        raise DataError(
            "JSONL v2.0 holds ARKit's 52 blendshapes; save a retargeted animation as NPZ or JSON."
        )
    if isinstance(target, (str, os.PathLike)):
        with atomic_open(target) as stream:
            write_jsonl(animation, stream)
        return
    for index, (time, weights) in enumerate(zip(animation.times, animation.weights, strict=True)):
        target.write(frame_line(index, float(time), weights, animation.fps))


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """The writer of the registry in `koemorph.outputs`."""
    write_jsonl(animation, path)


def read_jsonl(path: str | os.PathLike[str], fps: int | None = None) -> Animation:
    """Read v2.0 or v1.0 lines of 52 values each, in BLENDSHAPES' order.

    `fps` defaults to the one the times show. Raises DataError, naming the line, for anything else.
    """
    times, rows = read_table(path, len(BLENDSHAPES))
    if fps is None:
        fps = round(1 / frame_interval(times)) if len(times) > 1 else 30
    return Animation(times, rows, BLENDSHAPES, max(fps, 1))


def frame_interval(times: npt.NDArray[np.float64]) -> float:
    """Seconds from a frame to the next one, of times (T > 1,) that increase.

    The mean, for times are often rounded: at 60 frames a second to 16 and 17 milliseconds. Steps
    over missing frames do not count.
    """
    steps = np.diff(times)
    return float(steps[steps < 1.5 * np.median(steps)].mean())


def read_table(
    path: str | os.PathLike[str], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Times (T,) in seconds and `count` values a line (T, count), as they stand in the file.

    Raises DataError, with file and line, for broken JSON, another number of values, a value that is
    not a number, and time that does not increase.
    """
    times: list[float] = []
    rows: list[list[float]] = []
    try:
        with Path(path).open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    time, row = _parse_line(line, count, f"{path}, line {number}")
                    if times and time <= times[-1]:
                        raise DataError(
                            f"{path}, line {number}: timestamp {time} is not after {times[-1]}."
                        )
                    times.append(time)
                    rows.append(row)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text, so it is no JSONL file.") from error
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from error
    if not rows:
        raise DataError(f"{path} has no frames.")
    return np.asarray(times), np.asarray(rows, np.float32)


def _parse_line(line: str, count: int, where: str) -> tuple[float, list[float]]:
    try:
        frame = json.loads(line)
        time = float(frame["timestamp"])
        row = [float(value) for value in frame["blendshapes"]]
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: expected a JSON object with a timestamp and blendshapes."
        ) from error
    if len(row) != count:
        raise DataError(f"{where}: {len(row)} blendshapes where {count} were expected.")
    if not np.isfinite([time, *row]).all():
        raise DataError(f"{where}: expected finite blendshapes and a finite timestamp.")
    return time, row
