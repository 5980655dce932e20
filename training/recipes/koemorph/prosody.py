"""How loud and how high a voice is over time: what teacher and rules hear besides phones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...phones import SILENCE, Phone

RATE = 16000
HOP = 160
_QUIET_DB = 36.0
_LONGEST_TAIL = 0.04


def loudness(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Level of a clip relative to its own loud moments, every 10 ms: (1 + n // 160,), 0 to about 1.

    0 is 40 dB below the 95th percentile. Value k is centred on second k / 100 (25 ms windows).
    """
    padded = np.pad(np.asarray(samples, np.float64), 200)
    power = sliding_window_view(padded, 400)[::HOP][: 1 + len(samples) // HOP]
    decibels = 10 * np.log10((power**2).mean(1) + 1e-10)
    relative: NDArray[np.floating] = decibels - np.percentile(decibels, 95)
    return np.clip(1 + relative / 40, 0, 1.5).astype(np.float32)


def pitch(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Semitones above this voice's median, every 10 ms; 0 where unvoiced.

    Autocorrelation, 60-400 Hz. Good enough for melody (brows); it is no feature of the model.
    """
    padded = np.pad(np.asarray(samples, np.float64)[: len(samples)], 320)
    windows = sliding_window_view(padded, 640)[::HOP][: 1 + len(samples) // HOP]
    windows = (windows - windows.mean(1, keepdims=True)) * np.hanning(640)
    spectrum = np.fft.rfft(windows, 1536)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:, :267]
    lags = np.arange(RATE // 400, RATE // 60)
    peaks = correlation[:, lags] / (correlation[:, :1] + 1e-9) * (1 + lags / 640)
    best = peaks.argmax(1)
    voiced = (peaks.max(1) > 0.5) & (loudness(samples) > 0.35)
    if not voiced.any():
        return np.zeros(len(windows), np.float32)
    semitones = 12 * np.log2(RATE / lags[best] / 100)
    semitones = np.where(voiced, semitones - np.median(semitones[voiced]), 0)
    return np.clip(semitones, -12, 12).astype(np.float32)


def settle_pauses(phones: Sequence[Phone], samples: NDArray[np.floating]) -> list[Phone]:
    """Phones whose edges at pauses follow the sound: none lasts on into silence.

    Aligners and synthesisers give the silence after a word to its last phone. Beside a pause, a
    phone ends at most 40 ms after (begins at most 40 ms before) its last (first) loud moment.
    """
    level = loudness(samples)
    loud = np.flatnonzero(level > 1 - _QUIET_DB / 40) * HOP / RATE
    settled: list[Phone] = []
    for k, phone in enumerate(phones):
        start, end = phone.start, phone.end
        inside = loud[(loud >= start) & (loud < end)]
        if phone.name != SILENCE and len(inside):
            if k == len(phones) - 1 or phones[k + 1].name == SILENCE:
                end = min(end, inside[-1] + _LONGEST_TAIL)
            if k == 0 or phones[k - 1].name == SILENCE:
                start = max(start, inside[0] - _LONGEST_TAIL)
        settled.append(Phone(phone.name, float(start), float(end)))
    return settled
