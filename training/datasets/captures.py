"""Captured faces: blend shape weights over time, and their resampling to a frame rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES, PASCAL_NAMES
from koemorph.errors import DataError
from koemorph.outputs.jsonl import frame_interval

COMMON_RATES = (24.0, 25.0, 30.0, 50.0, 60.0)
# Intervals between timestamps of three decimals are off by up to 2 %.
FPS_TOLERANCE = 0.02


@dataclass(frozen=True)
class Capture:
    """A captured face over time.

    Attributes:
        weights: (T, 52) in [0, 1], in the order of BLENDSHAPES; unlabelled columns are zero.
        times: (T,) seconds after the first audio sample, increasing.
        labelled: (52,) bool, False for blend shapes that the source does not capture.
    """

    weights: NDArray[np.float32]
    times: NDArray[np.float64]
    labelled: NDArray[np.bool_]


def exact_fps(fps: float) -> Fraction:
    """Convert a decimal frame rate to the rational one it stands for.

    Args:
        fps: frames per second, such as 29.97 or 25.0.

    Returns:
        30000/1001 for 29.97, 25 for 25.0.
    """
    for base in (24, 30, 48, 60, 120):
        if abs(fps - base * 1000 / 1001) < 5e-3:
            return Fraction(base * 1000, 1001)
    return Fraction(fps).limit_denominator(1000)


def frame_times(count: int, fps: float, start: float = 0.0) -> NDArray[np.float64]:
    """Compute the times of evenly spaced frames without accumulating rounding errors.

    Args:
        count: number of frames.
        fps: frames per second.
        start: time of the first frame in seconds.

    Returns:
        (count,) seconds: start + k / fps.
    """
    rate = exact_fps(fps)
    return start + np.arange(count, dtype=np.float64) * rate.denominator / rate.numerator


def blendshape_index(name: str) -> int | None:
    """Find a blend shape by any of its spellings: jawOpen, JawOpen, mouthSmile_L.

    Args:
        name: a column name.

    Returns:
        Its index in BLENDSHAPES; None for a name that is not one of them.
    """
    for short, long in (("_L", "Left"), ("_R", "Right")):
        if name.endswith(short):
            name = name[: -len(short)] + long
    name = name[:1].upper() + name[1:]
    return PASCAL_NAMES.index(name) if name in PASCAL_NAMES else None


def to_arkit_order(
    table: NDArray[np.floating[Any]], names: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Arrange the named columns of a table in the order of BLENDSHAPES.

    Columns with other names (head rotations, _neutral) are dropped.

    Args:
        table: (T, N) values.
        names: the N column names.

    Returns:
        weights (T, 52), clipped to [0, 1], and labelled (52,), True for columns that were found.

    Raises:
        DataError: the shape does not match the names (invalid_shape), no name is a blend shape
            (unknown_blendshapes), or two names are the same one (duplicate_blendshape).
    """
    if table.ndim != 2 or table.shape[1] != len(names):
        raise DataError(
            f"table shape {table.shape} does not match its {len(names)} column names.",
            code="invalid_shape",
        )
    weights = np.zeros((len(table), len(BLENDSHAPES)), np.float32)
    labelled = np.zeros(len(BLENDSHAPES), np.bool_)
    for column, name in enumerate(names):
        index = blendshape_index(name)
        if index is None:
            continue
        if labelled[index]:
            raise DataError(
                f"duplicate column: two names are {BLENDSHAPES[index]}.",
                code="duplicate_blendshape",
            )
        weights[:, index] = table[:, column]
        labelled[index] = True
    if not labelled.any():
        raise DataError(
            f"no column is one of ARKit's 52 blend shapes: found {', '.join(names[:5])} ...",
            code="unknown_blendshapes",
        )
    return np.clip(weights, 0.0, 1.0), labelled


def resample_capture(capture: Capture, fps: float, frames: int) -> NDArray[np.float32]:
    """Interpolate a capture linearly to the times k / fps.

    Before the first and after the last captured frame, that frame is held.

    Args:
        capture: the face.
        fps: frames per second of the result.
        frames: number of frames of the result.

    Returns:
        weights (frames, 52).
    """
    if len(capture.times) == 1:
        return np.repeat(capture.weights, frames, axis=0)
    wanted = frame_times(frames, fps)
    after = np.clip(np.searchsorted(capture.times, wanted), 1, len(capture.times) - 1)
    before = after - 1
    span = capture.times[after] - capture.times[before]
    ratio = np.clip((wanted - capture.times[before]) / span, 0.0, 1.0).astype(np.float32)[:, None]
    return capture.weights[before] * (1 - ratio) + capture.weights[after] * ratio


def estimate_fps(times: NDArray[np.float64], expected: float | None = None) -> float:
    """Estimate the frame rate of timestamps, some of which may be missing.

    Args:
        times: (T > 1,) seconds.
        expected: frame rate that the source states, if any.

    Returns:
        `expected` or a common frame rate where the timestamps agree within 2 %, else the measured
        rate.
    """
    measured = 1.0 / frame_interval(times)
    if expected is not None and abs(expected - measured) < FPS_TOLERANCE * measured:
        return float(expected)
    common = min(COMMON_RATES, key=lambda rate: abs(rate - measured))
    return common if abs(common - measured) < FPS_TOLERANCE * common else measured
