"""Reader of Live Link Face recordings (CSV)."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError
from koemorph.outputs.jsonl import frame_interval

from .captures import COMMON_RATES, estimate_fps
from .converters import CaptureTable, make_table, require_fps
from .timecode import timecode_difference

HEADER = ("Timecode", "BlendShapeCount")
FRACTION_ROUNDING = 2e-3  # of the three decimals of a frame number


def read_live_link(path: Path, timecode_fps: float | None = None) -> CaptureTable:
    """Read a Live Link Face recording: Timecode, BlendShapeCount and 61 columns, a row per frame.

    Timecodes may count faster than frames follow: of a 30 fps take with timecodes at 60 fps every
    second number is used. The frame rate is that of the rows.

    Args:
        path: the CSV.
        timecode_fps: frames per second of the timecodes; None: where their frame numbers wrap.

    Returns:
        The table; its times begin at the first row of the file.

    Raises:
        DataError: the file is not such a CSV (invalid_table), a row is broken (invalid_row), a
            timecode is (invalid_timecode), the timecodes do not show their rate (unknown_fps), or
            see `make_table`.
    """
    require_fps(timecode_fps)
    names, rows = _read_csv(path)
    codes: list[str] = []
    values: list[list[float]] = []
    for number, row in enumerate(rows, 2):
        if not row or (len(row) > 1 and row[1] == "0"):
            continue  # the app writes a row without values when it detects no face
        try:
            values.append([float(value) for value in row[2:]])
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}.", code="invalid_row") from error
        if len(row) != len(names) + 2:
            raise DataError(
                f"{path}, line {number}: {len(row) - 2} values, expected {len(names)}.",
                code="invalid_row",
            )
        codes.append(row[0])
    if not values:
        raise DataError(f"{path}: no frame has a face.", code="no_frames")
    begin = next(row[0] for row in rows if row)
    try:
        rate = _timecode_rate(codes) if timecode_fps is None else timecode_fps
        if rate is None:
            raise DataError(
                f"{path}: unknown frame rate: the timecodes do not show it. Use --fps.",
                code="unknown_fps",
            )
        times = np.array([timecode_difference(begin, code, rate) for code in codes])
    except (OverflowError, ValueError) as error:
        raise DataError(
            f"{path}: a timecode is not HH:MM:SS:FF ({error}).", code="invalid_timecode"
        ) from error
    table = make_table(path, values, times, names, rate, "Live Link Face CSV")
    return replace(table, fps=_frame_rate(times, rate))


def _read_csv(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    """The names of the weight columns, and the rows below the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}.", code="not_readable"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a UTF-8 CSV ({error}).", code="invalid_table") from error
    if len(rows) < 2 or tuple(rows[0][:2]) != HEADER:
        raise DataError(
            f"{path}: not a Live Link Face recording: expected columns {', '.join(HEADER)}, ...",
            code="invalid_table",
        )
    return tuple(rows[0][2:]), rows[1:]


def _timecode_rate(codes: Sequence[str]) -> float | None:
    """The rate at which frame numbers wrap, None where they do not wrap.

    Only some numbers may be used: 24 fps in timecodes at 60 fps has every 2.5th. Drop-frame (`;`)
        with a nominal rate of 30 is 29.97.
    ValueError for a text that is not a timecode.
    """
    parts = [code.replace(";", ":").rpartition(":") for code in codes]
    wraps = len({second for second, _, _ in parts}) > 1
    numbers = [float(frame) for _, _, frame in parts]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a frame number is not finite")
    steps = [after - before for before, after in pairwise(numbers) if after > before]
    highest = max(numbers)
    rate = next((each for each in COMMON_RATES if each > highest), None)
    if rate is None or not wraps or not steps:
        return None
    if rate - highest > median(steps) + FRACTION_ROUNDING:
        return None
    return round(rate * 1000 / 1001, 2) if ";" in codes[0] else rate


def _frame_rate(times: NDArray[np.float64], timecode_fps: float) -> float:
    """The rate of rows, which may be a fraction of that of their timecodes."""
    if len(times) < 2:
        return timecode_fps
    numbers_per_row = max(1, round(frame_interval(times) * timecode_fps))
    return estimate_fps(times, timecode_fps / numbers_per_row)
