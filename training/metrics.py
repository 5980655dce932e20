"""Measures of curves against captures; all work on (T, 52) arrays at one frame rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cache import TrackFeatures

FloatArray = NDArray[np.float32]
Measure = NDArray[np.float64]

# Speech is what lies within this many dB of a recording's loud parts (their 95th percentile).
SPEECH_RANGE_DB = 30.0
LOUD_PERCENTILE = 95


def speech_frames(features: TrackFeatures, mel_scale: float = 0.5) -> NDArray[np.bool_]:
    """(T,): frames whose power is within SPEECH_RANGE_DB of the loud ones, or next to two such."""
    if not len(features):
        return np.zeros(0, np.bool_)
    decibels = np.asarray(features.mel, np.float64) / mel_scale * 10
    power = 10 * np.log10((10 ** (decibels / 10)).sum(axis=1))
    loud = power > np.percentile(power, LOUD_PERCENTILE) - SPEECH_RANGE_DB
    # Bridge stops: the silence inside a /p/ belongs to speech.
    around = 2
    counted = np.convolve(loud, np.ones(2 * around + 1))[around : around + len(loud)]
    near: NDArray[np.bool_] = counted >= 2
    return near


def correlation(output: FloatArray, target: FloatArray) -> Measure:
    """Pearson r per coefficient, (52,); NaN where either does not move."""
    if len(output) < 3:
        return np.full(output.shape[1], np.nan)
    a = output.astype(np.float64) - output.mean(axis=0, dtype=np.float64)
    b = target.astype(np.float64) - target.mean(axis=0, dtype=np.float64)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    moves = (a.std(axis=0) > 1e-5) & (b.std(axis=0) > 1e-5)
    return np.where(moves, (a * b).sum(axis=0) / np.where(moves, scale, 1.0), np.nan)


def mean_absolute_error(output: FloatArray, target: FloatArray) -> Measure:
    """Per coefficient, (52,)."""
    error: Measure = np.abs(output.astype(np.float64) - target).mean(axis=0)
    return error


def lag(output: FloatArray, target: FloatArray, fps: float, reach: float = 0.5) -> Measure:
    """Seconds by which the output is late, per coefficient, at the best cross-correlation, (52,).

    The peak is refined with a parabola; negative is early; NaN where nothing moves, and for fewer
    than three frames.
    """
    most = min(round(reach * fps), len(output) // 3)
    if most < 1:
        return np.full(output.shape[1], np.nan)
    shifts = range(-most, most + 1)
    table = []
    for shift in shifts:
        late = output[shift:] if shift >= 0 else output[:shift]
        base = target[: len(target) - shift] if shift >= 0 else target[-shift:]
        table.append(correlation(late, base))
    scores = np.nan_to_num(np.stack(table), nan=-2.0)
    best = np.clip(scores.argmax(axis=0), 1, len(scores) - 2)
    columns = np.arange(scores.shape[1])
    before, peak, after = (scores[best + step, columns] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    offset = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, 1), 0.0)
    result = (best - most + np.clip(offset, -0.5, 0.5)) / fps
    return np.where(scores.max(axis=0) > -2.0, result, np.nan)


def jitter(output: FloatArray) -> Measure:
    """Mean absolute second difference per coefficient, (52,); NaN for fewer than three frames."""
    if len(output) < 3:
        return np.full(output.shape[1], np.nan)
    bend: Measure = np.abs(np.diff(output.astype(np.float64), n=2, axis=0)).mean(axis=0)
    return bend


def known_mean(values: NDArray[np.floating[Any]]) -> float:
    """The mean of the values that are finite; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def relative(measure: Measure, capture: Measure) -> Measure:
    """A measure as a multiple of the capture's own; NaN where the capture does not move."""
    moves = capture > 1e-5
    return np.where(moves, measure / np.where(moves, capture, 1.0), np.nan)


def circular_shift(target: FloatArray) -> FloatArray:
    """The mismatch control: the same capture, half its length later."""
    return np.roll(target, len(target) // 2, axis=0)


def silence(
    output: FloatArray, speech: NDArray[np.bool_], jaw: int, fps: float, shortest: float = 0.3
) -> tuple[float, float]:
    """Mean jawOpen in pauses, and seconds from the end of speech to a closed mouth (NaN if none).

    Pauses last at least `shortest` seconds; closed: below 0.05, or a tenth of the mean in speech.
    """
    curve = output[:, jaw].astype(np.float64)
    closed = max(0.05, 0.1 * float(curve[speech].mean())) if speech.any() else 0.05
    quiet = np.concatenate([[False], ~speech, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    levels: list[float] = []
    delays: list[float] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first < shortest * fps:
            continue
        levels.extend(curve[first:last])
        if first > 0:
            below = np.flatnonzero(curve[first:last] < closed)
            delays.append(float(below[0] if len(below) else last - first) / fps)
    mean = float(np.mean(levels)) if levels else float("nan")
    return mean, float(np.mean(delays)) if delays else float("nan")


def per_coefficient(
    measure: Callable[[FloatArray, FloatArray], Measure], output: FloatArray, target: FloatArray
) -> FloatArray:
    """A measure of each coefficient's labelled frames, (52,); NaN in the target means no label."""
    result = np.full(target.shape[1], np.nan, np.float32)
    known = np.isfinite(target)
    for index in np.flatnonzero(known.any(axis=0)):
        rows = known[:, index]
        result[index] = measure(output[rows, index : index + 1], target[rows, index : index + 1])[0]
    return result
