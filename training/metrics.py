"""Metrics of blend shape curves against captures, (T, 52) arrays at one frame rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cache import TrackFeatures

FloatArray = NDArray[np.float32]
Measure = NDArray[np.float64]
# A frame is speech within so many dB of the loud parts of a recording (their 95th percentile).
SPEECH_RANGE_DB = 30.0
LOUD_PERCENTILE = 95
# Frames at or below this level are silence in any context: white noise at -59 dBFS.
SILENCE_DB = 0.0
MIN_PAUSE = 0.3  # seconds
CLOSED_JAW = 0.05  # jawOpen of a closed mouth
MIN_DEVIATION = 1e-5  # of a curve that moves


def speech_frames(features: TrackFeatures, mel_scale: float = 0.5) -> NDArray[np.bool_]:
    """Detect speech by level: frames within SPEECH_RANGE_DB of the loud parts, or near two of them.

    Args:
        features: of the recording.
        mel_scale: of the mel features, per factor of 10 in power.

    Returns:
        (T,) bool; all False where there is only silence.
    """
    if not len(features):
        return np.zeros(0, np.bool_)
    decibels = np.asarray(features.mel, np.float64) / mel_scale * 10
    power = 10 * np.log10((10 ** (decibels / 10)).sum(axis=1))
    loud = power > max(np.percentile(power, LOUD_PERCENTILE) - SPEECH_RANGE_DB, SILENCE_DB)
    # Close gaps: the silence inside a /p/ belongs to speech.
    radius = 2
    counts = np.convolve(loud, np.ones(2 * radius + 1))[radius : radius + len(loud)]
    speech: NDArray[np.bool_] = counts >= 2
    return speech


def correlation(output: FloatArray, target: FloatArray) -> Measure:
    """Compute Pearson r of each column.

    Args:
        output: (T, N).
        target: (T, N).

    Returns:
        (N,); NaN where one of them does not move, and for less than three frames.
    """
    if len(output) < 3:
        return np.full(output.shape[1], np.nan)
    a = output.astype(np.float64) - output.mean(axis=0, dtype=np.float64)
    b = target.astype(np.float64) - target.mean(axis=0, dtype=np.float64)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    moves = (a.std(axis=0) > MIN_DEVIATION) & (b.std(axis=0) > MIN_DEVIATION)
    return np.where(moves, (a * b).sum(axis=0) / np.where(moves, scale, 1.0), np.nan)


def mean_absolute_error(output: FloatArray, target: FloatArray) -> Measure:
    """Compute the mean absolute error of each column, (T, N) to (N,)."""
    error: Measure = np.abs(output.astype(np.float64) - target).mean(axis=0)
    return error


def amplitude(output: FloatArray, target: FloatArray) -> Measure:
    """Compute the standard deviation relative to the target's, (T, N) to (N,)."""
    return relative(output.std(axis=0), target.std(axis=0))


def lag(
    outputs: Sequence[FloatArray],
    targets: Sequence[FloatArray],
    fps: float,
    max_shift: float = 0.5,
) -> Measure:
    """Measure by how much outputs are late, at the maximum of the cross-correlation.

    The maximum is refined by a parabola. A recording is shifted against its own capture only.

    Args:
        outputs: (T, N) of each recording.
        targets: (T, N) of each recording.
        fps: frames per second.
        max_shift: in seconds.

    Returns:
        (N,) seconds; negative if early. NaN where nothing moves or no recording has three frames.
    """
    limit = min(round(max_shift * fps), max(map(len, outputs)) // 3)
    if limit < 1:
        return np.full(outputs[0].shape[1], np.nan)
    table = []
    for shift in range(-limit, limit + 1):
        pairs = zip(outputs, targets, strict=True)
        parts = [_shifted(output, target, shift) for output, target in pairs]
        output, target = (np.concatenate(each) for each in zip(*parts, strict=True))
        table.append(correlation(output, target))
    scores = np.nan_to_num(np.stack(table), nan=-2.0)
    best = np.clip(scores.argmax(axis=0), 1, len(scores) - 2)
    columns = np.arange(scores.shape[1])
    before, peak, after = (scores[best + step, columns] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    fraction = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, 1), 0.0)
    seconds = (best - limit + np.clip(fraction, -0.5, 0.5)) / fps
    return np.where(scores.max(axis=0) > -2.0, seconds, np.nan)


def _shifted(output: FloatArray, target: FloatArray, shift: int) -> tuple[FloatArray, FloatArray]:
    """The frames of an output, and those of its target `shift` frames before."""
    if shift < 0:
        return output[:shift], target[-shift:]
    return output[shift:], target[: max(0, len(target) - shift)]


def jitter(curves: Sequence[FloatArray]) -> Measure:
    """Compute the mean absolute second difference.

    Args:
        curves: (T, N) of each recording.

    Returns:
        (N,); NaN where no recording has three frames.
    """
    differences = [np.abs(np.diff(each.astype(np.float64), n=2, axis=0)) for each in curves]
    joined = np.concatenate(differences)
    return joined.mean(axis=0) if len(joined) else np.full(joined.shape[1], np.nan)


def masked_mean(values: NDArray[np.floating[Any]]) -> float:
    """Compute the mean of the values that are finite; NaN where none is."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def relative(measure: Measure, reference: Measure) -> Measure:
    """Divide a measure by that of the capture; NaN where the capture does not move."""
    moves = reference > MIN_DEVIATION
    return np.where(moves, measure / np.where(moves, reference, 1.0), np.nan)


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


def pause_metrics(
    outputs: Sequence[FloatArray], speech: Sequence[NDArray[np.bool_]], jaw: int, fps: float
) -> tuple[float, float]:
    """Measure the jaw in pauses of at least MIN_PAUSE.

    A mouth is closed below CLOSED_JAW, or a tenth of the recording's mean in speech if that is
    more. All frames count the same, in any number of recordings.

    Args:
        outputs: (T, N) of each recording.
        speech: (T,) of each recording, see `speech_frames`.
        jaw: column of jawOpen.
        fps: frames per second.

    Returns:
        The mean of jawOpen in pauses, and the mean time in seconds from the end of speech to a
        closed mouth; NaN where there are no pauses.
    """
    levels: list[float] = []
    delays: list[float] = []
    for output, is_speech in zip(outputs, speech, strict=True):
        curve = output[:, jaw].astype(np.float64)
        closed = CLOSED_JAW
        if is_speech.any():
            closed = max(CLOSED_JAW, 0.1 * float(curve[is_speech].mean()))
        for pause in _runs(~is_speech):
            inside = curve[pause]
            if len(inside) < MIN_PAUSE * fps:
                continue
            levels.extend(inside)
            if pause.start > 0:
                below = np.flatnonzero(inside < closed)
                delays.append(float(below[0] if len(below) else len(inside)) / fps)
    return masked_mean(np.array(levels)), masked_mean(np.array(delays))


def per_blendshape(
    measure: Callable[[FloatArray, FloatArray], Measure], output: FloatArray, target: FloatArray
) -> FloatArray:
    """Apply a measure to the labelled frames of each blend shape.

    Args:
        measure: from output and target (n, 1) to (1,).
        output: (T, N).
        target: (T, N), NaN where there is no label.

    Returns:
        (N,); NaN for blend shapes without labels.
    """
    result = np.full(target.shape[1], np.nan, np.float32)
    labelled = np.isfinite(target)
    for index in np.flatnonzero(labelled.any(axis=0)):
        rows = labelled[:, index]
        result[index] = measure(output[rows, index : index + 1], target[rows, index : index + 1])[0]
    return result


def mean_over_recordings(
    measure: Callable[[FloatArray, FloatArray], Measure],
    outputs: Sequence[FloatArray],
    targets: Sequence[FloatArray],
) -> FloatArray:
    """Apply a measure within each recording, and average over recordings.

    Unlike a measure of all frames together, it does not depend on differences of level and scale
    between speakers and cameras.

    Args:
        measure: from output and target (n, 1) to (1,).
        outputs: (T, N) of each recording.
        targets: (T, N) of each recording, NaN where there is no label.

    Returns:
        (N,), the mean over recordings in which the measure is finite; NaN where there is none.
    """
    pairs = zip(outputs, targets, strict=True)
    table = np.stack([per_blendshape(measure, output, target) for output, target in pairs])
    return np.array([masked_mean(column) for column in table.T], np.float32)


def over_unbroken_runs(
    measure: Callable[[Sequence[FloatArray], Sequence[FloatArray]], Measure],
    outputs: Sequence[FloatArray],
    targets: Sequence[FloatArray],
) -> FloatArray:
    """Apply a measure of neighboring frames to the unbroken runs of labelled frames.

    The last frame of a recording, or before a gap in its capture, has no neighbor.

    Args:
        measure: from outputs and targets, (n, 1) of each run, to (1,).
        outputs: (T, N) of each recording.
        targets: (T, N) of each recording, NaN where there is no label.

    Returns:
        (N,); NaN for blend shapes without labels.
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


def _runs(condition: NDArray[np.bool_]) -> list[slice]:
    """The unbroken runs of True in (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], condition, [False]])))
    return [slice(first, end) for first, end in edges.reshape(-1, 2)]
