"""Measures of curves against captures; all work on (T, 52) arrays at one frame rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cache import TrackFeatures

FloatArray = NDArray[np.float32]
Measure = NDArray[np.float64]

# Speech is what lies within this many dB of a recording's loud parts (their 95th percentile).
SPEECH_RANGE_DB = 30.0
LOUD_PERCENTILE = 95
# What is no louder than this is silence whatever it stands beside: white noise at -59 dBFS.
SILENCE_DB = 0.0


def speech_frames(features: TrackFeatures, mel_scale: float = 0.5) -> NDArray[np.bool_]:
    """(T,): frames whose power is within SPEECH_RANGE_DB of the loud ones, or next to two such.

    None where nothing but silence is heard.
    """
    if not len(features):
        return np.zeros(0, np.bool_)
    decibels = np.asarray(features.mel, np.float64) / mel_scale * 10
    power = 10 * np.log10((10 ** (decibels / 10)).sum(axis=1))
    loud = power > max(np.percentile(power, LOUD_PERCENTILE) - SPEECH_RANGE_DB, SILENCE_DB)
    # Bridge stops: the silence inside a /p/ belongs to speech.
    around = 2
    counted = np.convolve(loud, np.ones(2 * around + 1))[around : around + len(loud)]
    near: NDArray[np.bool_] = counted >= 2
    return near


def correlation(output: FloatArray, target: FloatArray) -> Measure:
    """Pearson r per blendshape, (52,); NaN where either does not move."""
    if len(output) < 3:
        return np.full(output.shape[1], np.nan)
    a = output.astype(np.float64) - output.mean(axis=0, dtype=np.float64)
    b = target.astype(np.float64) - target.mean(axis=0, dtype=np.float64)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    moves = (a.std(axis=0) > 1e-5) & (b.std(axis=0) > 1e-5)
    return np.where(moves, (a * b).sum(axis=0) / np.where(moves, scale, 1.0), np.nan)


def mean_absolute_error(output: FloatArray, target: FloatArray) -> Measure:
    """Per blendshape, (52,)."""
    error: Measure = np.abs(output.astype(np.float64) - target).mean(axis=0)
    return error


def lag(
    outputs: Sequence[FloatArray], targets: Sequence[FloatArray], fps: float, reach: float = 0.5
) -> Measure:
    """Seconds by which outputs of recordings, (T, 52) each, are late at the best cross-correlation.

    The peak is refined with a parabola; negative is early; NaN where nothing moves, and where no
    recording has three frames. (52,); a recording is shifted against its own capture only.
    """
    most = min(round(reach * fps), max(map(len, outputs)) // 3)
    if most < 1:
        return np.full(outputs[0].shape[1], np.nan)
    table = []
    for shift in range(-most, most + 1):
        pairs = zip(outputs, targets, strict=True)
        parts = [_shifted(output, target, shift) for output, target in pairs]
        late, base = (np.concatenate(each) for each in zip(*parts, strict=True))
        table.append(correlation(late, base))
    scores = np.nan_to_num(np.stack(table), nan=-2.0)
    best = np.clip(scores.argmax(axis=0), 1, len(scores) - 2)
    columns = np.arange(scores.shape[1])
    before, peak, after = (scores[best + step, columns] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    offset = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, 1), 0.0)
    result = (best - most + np.clip(offset, -0.5, 0.5)) / fps
    return np.where(scores.max(axis=0) > -2.0, result, np.nan)


def _shifted(output: FloatArray, target: FloatArray, shift: int) -> tuple[FloatArray, FloatArray]:
    """The frames of an output and those of its target `shift` frames before."""
    if shift < 0:
        return output[:shift], target[-shift:]
    return output[shift:], target[: max(0, len(target) - shift)]


def jitter(curves: Sequence[FloatArray]) -> Measure:
    """Mean absolute second difference within recordings, (T, 52) each: (52,).

    NaN where no recording has three frames.
    """
    bends = [np.abs(np.diff(each.astype(np.float64), n=2, axis=0)) for each in curves]
    together = np.concatenate(bends)
    return together.mean(axis=0) if len(together) else np.full(together.shape[1], np.nan)


def known_mean(values: NDArray[np.floating[Any]]) -> float:
    """The mean of the values that are finite; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def relative(measure: Measure, capture: Measure) -> Measure:
    """A measure as a multiple of the capture's own; NaN where the capture does not move."""
    moves = capture > 1e-5
    return np.where(moves, measure / np.where(moves, capture, 1.0), np.nan)


def mismatch_controls(targets: Sequence[FloatArray]) -> list[FloatArray]:
    """Pair each recording with another recording's capture, for a chance-level baseline.

    A measure of outputs against these controls shows what it gives for unrelated motion of the same
    kind. Training and `koemorph evaluate` use this one definition.

    Args:
        targets: one capture (T, 52) per recording.

    Returns:
        For each recording the capture of the next one (of the first one for the last), repeated or
        cut to its own length. For a single recording: its own capture, rotated by half its length.
    """
    if len(targets) == 1:
        return [np.roll(targets[0], len(targets[0]) // 2, axis=0)]
    following = [*targets[1:], *targets[:1]]
    return [
        np.resize(other, target.shape) for target, other in zip(targets, following, strict=True)
    ]


def silence(
    outputs: Sequence[FloatArray],
    speeches: Sequence[NDArray[np.bool_]],
    jaw: int,
    fps: float,
    shortest: float = 0.3,
) -> tuple[float, float]:
    """Mean jawOpen in the pauses of recordings, (T, 52) and (T,) each, and the mean of the seconds
    from where speech ends to a closed mouth (NaN if none).

    Pauses last at least `shortest` seconds; closed: below 0.05, or a tenth of the recording's mean
    in speech. Every frame of a pause counts alike, in however many recordings they lie.
    """
    levels: list[float] = []
    delays: list[float] = []
    for output, speech in zip(outputs, speeches, strict=True):
        curve = output[:, jaw].astype(np.float64)
        closed = max(0.05, 0.1 * float(curve[speech].mean())) if speech.any() else 0.05
        for pause in _runs(~speech):
            inside = curve[pause]
            if len(inside) < shortest * fps:
                continue
            levels.extend(inside)
            if pause.start > 0:
                below = np.flatnonzero(inside < closed)
                delays.append(float(below[0] if len(below) else len(inside)) / fps)
    return known_mean(np.array(levels)), known_mean(np.array(delays))


def per_blendshape(
    measure: Callable[[FloatArray, FloatArray], Measure], output: FloatArray, target: FloatArray
) -> FloatArray:
    """A measure of each blendshape's labelled frames, (52,); NaN in the target means no label."""
    result = np.full(target.shape[1], np.nan, np.float32)
    known = np.isfinite(target)
    for index in np.flatnonzero(known.any(axis=0)):
        rows = known[:, index]
        result[index] = measure(output[rows, index : index + 1], target[rows, index : index + 1])[0]
    return result


def of_recordings(
    measure: Callable[[Sequence[FloatArray], Sequence[FloatArray]], Measure],
    outputs: Sequence[FloatArray],
    targets: Sequence[FloatArray],
) -> FloatArray:
    """A measure of each blendshape over what recordings, (T, 52) each, label of it: (52,), or NaN.

    What looks at neighbouring frames must not take one recording's first for the next of another,
    nor the first after a gap of its capture for the next of the last before.
    """
    width = targets[0].shape[1]
    result = np.full(width, np.nan, np.float32)
    for index in range(width):
        column = slice(index, index + 1)
        pairs = [
            (output[run, column], target[run, column])
            for output, target in zip(outputs, targets, strict=True)
            for run in _runs(np.isfinite(target[:, index]))
        ]
        if pairs:
            result[index] = measure(*zip(*pairs, strict=True))[0]
    return result


def _runs(wanted: NDArray[np.bool_]) -> list[slice]:
    """The stretches of frames (T,) that are so without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]])))
    return [slice(first, end) for first, end in edges.reshape(-1, 2)]
