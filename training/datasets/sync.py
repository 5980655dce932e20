"""Measurement of the offset between audio and face from the signals themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import INDEX
from koemorph.model import Model

from .captures import resample_capture
from .recordings import Recording, read_audio

SIGNAL_RATE = 100  # Hz, of the compared signals
MAX_OFFSET = 0.4  # seconds to either side
MAX_DURATION = 600.0  # seconds of audio, after which more of it no longer improves the estimate
MIN_CORRECTION = 0.015  # seconds; a smaller offset is not corrected
# The correlation of unrelated signals has a standard deviation of 1 / sqrt(samples). Speech has
# about so many independent movements per second; an offset is significant from so many deviations.
INDEPENDENT_SAMPLES_PER_SECOND, SIGNIFICANCE = 5.0, 5.0


@dataclass(frozen=True)
class Offset:
    """By how much a face is later than its audio.

    Attributes:
        seconds: the offset; negative if the face is early.
        correlation: Pearson r of the audio and jaw signals at this offset.
        duration: seconds of audio that were compared.
    """

    seconds: float
    correlation: float
    duration: float

    @property
    def significant(self) -> bool:
        """Whether the correlation is too high to be chance."""
        samples = INDEPENDENT_SAMPLES_PER_SECOND * self.duration
        return self.correlation * math.sqrt(samples) >= SIGNIFICANCE

    @property
    def needs_correction(self) -> bool:
        """Whether the offset is significant and large enough to be corrected."""
        return self.significant and abs(self.seconds) >= MIN_CORRECTION


@dataclass(frozen=True)
class SyncSignals:
    """Speeds of the jaw, predicted from audio and captured, at SIGNAL_RATE.

    Attributes:
        predicted: (2, n), by the bundled model, and by the loudness in dB.
        jaw: (n,), of the capture.
    """

    predicted: NDArray[np.float64]
    jaw: NDArray[np.float64]

    def segment(self, first: int, last: int) -> SyncSignals:
        """Cut out the samples first <= k < last."""
        return SyncSignals(self.predicted[:, first:last], self.jaw[first:last])


def measure_offset(recordings: Iterable[Recording]) -> Offset:
    """Measure how late the face is over recordings that were made the same way.

    Args:
        recordings: read one by one until there are MAX_DURATION seconds.

    Returns:
        The offset; see `estimate_offset`.
    """

    def until_enough() -> Iterator[SyncSignals]:
        duration = 0.0
        for recording in recordings:
            signals = sync_signals(recording)
            if signals is not None:
                yield signals
                duration += len(signals.jaw) / SIGNAL_RATE
            if duration >= MAX_DURATION:
                return

    return estimate_offset(until_enough())


def estimate_offset(recordings: Iterable[SyncSignals]) -> Offset:
    """Find the shift at which captured and predicted jaw speed correlate best.

    Speeds are compared because positions change slowly and give a blunt peak. The prediction of the
    model is used where its peak is significant; else that of the loudness, which is less exact.

    Args:
        recordings: signals of each recording.

    Returns:
        The offset; 0 s with correlation 0 where there are no signals.
    """
    max_shift = round(MAX_OFFSET * SIGNAL_RATE)
    total = np.zeros((2, 2 * max_shift + 1))
    count = 0
    for signals in recordings:
        size = len(signals.jaw)
        curves = [_cross_correlation(each, signals.jaw, max_shift) for each in signals.predicted]
        total += size * np.stack(curves)
        count += size
    if count == 0:
        return Offset(0.0, 0.0, 0.0)
    by_model, by_loudness = (_peak(curve / count, count / SIGNAL_RATE) for curve in total)
    return by_loudness if by_loudness.significant and not by_model.significant else by_model


def _peak(curve: NDArray[np.float64], duration: float) -> Offset:
    """The maximum of a cross-correlation from -MAX_OFFSET to MAX_OFFSET, refined by a parabola."""
    best = int(np.clip(curve.argmax(), 1, len(curve) - 2))
    before, peak, after = curve[best - 1 : best + 2]
    bend = before - 2 * peak + after
    fraction = 0.5 * (before - after) / bend if bend < 0 else 0.0
    shift = best - len(curve) // 2 + float(np.clip(fraction, -1, 1))
    return Offset(shift / SIGNAL_RATE, float(peak), duration)


def sync_signals(recording: Recording) -> SyncSignals | None:
    """Compute the jaw speeds that a recording's audio predicts, and its capture shows.

    Args:
        recording: the recording.

    Returns:
        The signals; None where jawOpen is not labelled or does not move, and for less than a second
        of audio.
    """
    if not recording.capture.labelled[INDEX["jawOpen"]]:
        return None
    audio, sample_rate = read_audio(recording.audio)
    count = len(audio) * SIGNAL_RATE // sample_rate
    if count < SIGNAL_RATE:
        return None
    face = resample_capture(recording.capture, SIGNAL_RATE, count)
    jaw = face[:, INDEX["jawOpen"]].astype(np.float64)
    if jaw.std() < 1e-6:
        return None
    animation = _bundled_model().animate(audio, sample_rate=sample_rate, preset="raw")
    opening = animation.weights[:, INDEX["jawOpen"]].astype(np.float64)
    expected = np.interp(np.arange(count) / SIGNAL_RATE, animation.times, opening)
    # The energy around each time, half an interval to either side.
    edges = (2 * np.arange(count + 1) - 1) * sample_rate // (2 * SIGNAL_RATE)
    edges = np.maximum(edges, 0)
    energy = np.add.reduceat(audio[: edges[-1]].astype(np.float64) ** 2, edges[:-1])
    loudness = 10 * np.log10(np.convolve(energy, np.hanning(9), mode="same") + 1e-7)
    predicted = np.gradient(np.stack([expected, loudness]), axis=1)
    return SyncSignals(predicted, np.gradient(jaw))


@cache
def _bundled_model() -> Model:
    return Model()


def _cross_correlation(
    predicted: NDArray[np.float64], jaw: NDArray[np.float64], max_shift: int
) -> NDArray[np.float64]:
    """Pearson r where the signals overlap, with the jaw -max_shift ... max_shift samples late."""
    result = np.zeros(2 * max_shift + 1)
    for shift in range(-max_shift, max_shift + 1):
        first, last = max(0, -shift), len(jaw) - max(0, shift)
        a, b = predicted[first:last], jaw[first + shift : last + shift]
        a, b = a - a.mean(), b - b.mean()
        scale = math.sqrt(float(a @ a) * float(b @ b))
        result[shift + max_shift] = a @ b / scale if scale > 1e-9 else 0.0
    return result
