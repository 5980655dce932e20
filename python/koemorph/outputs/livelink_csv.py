"""Live Link Face recordings as CSV: written by the iPhone app, read by Unreal's importers."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX, LIVE_LINK_ROTATIONS, PASCAL_NAMES
from koemorph.errors import DataError
from koemorph.outputs import WriteOptions
from koemorph.outputs.atomic import atomic_open
from koemorph.outputs.jsonl import frame_interval, timecode

# The app writes these before their left counterparts, and some readers use column positions.
_RIGHT_FIRST = ("jawRight", "mouthRight")
_COLUMNS = sorted(INDEX.values(), key=lambda k: k - 1.5 * (BLENDSHAPES[k] in _RIGHT_FIRST))

HEADER = (
    *("Timecode", "BlendShapeCount"),
    *(PASCAL_NAMES[column] for column in _COLUMNS),
    *LIVE_LINK_ROTATIONS,
)
_COUNT = len(_COLUMNS) + len(LIVE_LINK_ROTATIONS)
_NO_ROTATION = ["0.0000000000"] * len(LIVE_LINK_ROTATIONS)
_TIMECODE_FPS = 60
"""Of the timecodes, for any animation's fps: as the app counts and Unreal's importer reads."""
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+(?:\.\d+)?)")
_DAY = 86400.0


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """Write one row a frame: timecode `HH:MM:SS:FF.fff`, 61, 52 weights, nine rotations of 0.

    FF counts sixtieths of a second, so at 30 fps every second number is used.

    Raises:
        DataError: The animation is retargeted (code "not_arkit52").
        OutputError: The file cannot be written.

    Source: recordings of the Live Link Face app; Unreal's Live Link Face Importer plugin.
    """
    if animation.names != BLENDSHAPES:
        raise DataError(
            f"Cannot write {path}: a Live Link Face CSV stores the 52 ARKit blend shapes, the "
            f"animation has {len(animation.names)} retargeted curves. Remove --retarget; Unreal "
            "retargets with the character's pose asset.",
            code="not_arkit52",
        )
    with atomic_open(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for time, weights in zip(animation.times, animation.weights, strict=True):
            frame, within = divmod(round(float(time) * _TIMECODE_FPS * 1000), 1000)
            stamp = f"{timecode(frame, _TIMECODE_FPS)}.{within:03d}"
            values = [f"{value:.10f}" for value in weights[_COLUMNS].tolist()]
            writer.writerow([stamp, _COUNT, *values, *_NO_ROTATION])


def _seconds(stamp: str) -> float:
    found = _TIMECODE.fullmatch(stamp.strip())
    if found is None:
        raise ValueError(stamp)
    hours, minutes, seconds, frames = map(float, found.groups())
    return hours * 3600 + minutes * 60 + seconds + frames / _TIMECODE_FPS


def read(path: Path) -> Animation:
    """Read a Live Link Face recording, of the app or of `write`.

    Columns are found by name, in any order and case; rotations are ignored. The app's timecode
    is the time of day, so times start at 0; a file that starts within a second after midnight is
    KoeMorph's own and keeps its times.

    Returns:
        The animation of the 52 blend shapes; its fps is derived from the timecodes.

    Raises:
        DataError: The file cannot be read (code "unreadable") or is no Live Link Face recording
            ("bad_csv"); the message names the row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise DataError(
            f"Cannot read {path}: {error.strerror or error}.", code="unreadable"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"Cannot read {path}: it is not a CSV text.", code="bad_csv") from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    missing = [name for name in ("Timecode", *PASCAL_NAMES) if name.lower() not in header]
    if missing:
        raise DataError(
            f"Cannot read {path}: expected a Live Link Face recording, the columns "
            f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''} are missing.",
            code="bad_csv",
        )
    columns = [header.index(name.lower()) for name in PASCAL_NAMES]
    times, weights = [], []
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        try:
            times.append(_seconds(row[header.index("timecode")]))
            weights.append([float(row[column]) for column in columns])
        except (IndexError, ValueError) as error:
            raise DataError(
                f"Cannot read {path}, row {number}: expected a timecode HH:MM:SS:FF.fff and 52 "
                "numbers.",
                code="bad_csv",
            ) from error
    return _animation(path, np.array(times), np.array(weights, np.float32))


def _animation(path: Path, times: np.ndarray, weights: np.ndarray) -> Animation:
    if not len(times):
        raise DataError(f"Cannot read {path}: it has no frames.", code="no_frames")
    times = times + _DAY * np.cumsum(np.diff(times, prepend=times[0]) < -_DAY / 2)
    if times[0] >= 1:
        times = times - times[0]
    keep = np.diff(times, prepend=-1.0) > 0
    if not keep.all():
        raise DataError(
            f"Cannot read {path}, row {int(np.argmin(keep)) + 2}: its timecode is not after the "
            "one before.",
            code="bad_csv",
        )
    fps = round(1 / frame_interval(times)) if len(times) > 1 else _TIMECODE_FPS
    return Animation(times, weights, BLENDSHAPES, max(fps, 1))
