"""Reader of the facial JSON of the BEAT data set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from koemorph.errors import DataError

from .captures import estimate_fps
from .converters import CaptureTable, make_table, require_fps


def read_beat(path: Path, fps: float = 60.0) -> CaptureTable:
    """Read {"names": [...], "frames": [{"weights": [...], "time": seconds}, ...]}.

    Args:
        path: the JSON file.
        fps: frames per second, where frames have no time.

    Returns:
        The table.

    Raises:
        DataError: the file is not such a JSON object (invalid_table), only some frames have a time
            (invalid_times), or see `make_table`.
    """
    require_fps(fps)
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
        names = tuple(str(name) for name in stored["names"])
        rows = [list(frame["weights"]) for frame in stored["frames"]]
        stored_times = [frame.get("time") for frame in stored["frames"]]
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}.", code="not_readable"
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not a facial JSON with names and frames ({error}).", code="invalid_table"
        ) from error
    times = np.arange(len(rows)) / fps
    timed = any(time is not None for time in stored_times)
    if timed:
        try:
            times = np.array(stored_times, np.float64)
        except (OverflowError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}: not every frame has a time in seconds ({error}).", code="invalid_times"
            ) from error
    table = make_table(path, rows, times, names, fps, "BEAT JSON")
    return replace(table, fps=estimate_fps(times)) if timed and len(times) > 1 else table
