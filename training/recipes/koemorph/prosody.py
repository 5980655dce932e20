"""Loudness and pitch of a voice over time, and phone boundaries at pauses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...datasets.utterances import SAMPLE_RATE
from ...phones import SILENCE, Phone

HOP = 160  # samples between values
_RANGE_DB = 40
_QUIET_DB = 36.0
_MAX_TAIL = 0.04  # seconds


def loudness(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Measure the level of a clip relative to its loud parts, every 10 ms in windows of 25 ms.

    Args:
        samples: (n,) at 16 kHz.

    Returns:
        (1 + n // 160,): 0 is 40 dB below the 95th percentile of the level, 1 is that percentile,
        the maximum is 1.5. Value k is centered at k / 100 s.
    """
    padded = np.pad(np.asarray(samples, np.float64), 200)
    power = sliding_window_view(padded, 400)[::HOP][: 1 + len(samples) // HOP]
    decibels = 10 * np.log10((power**2).mean(1) + 1e-10)
    relative: NDArray[np.floating] = decibels - np.percentile(decibels, 95)
    return np.clip(1 + relative / _RANGE_DB, 0, 1.5).astype(np.float32)


def pitch(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Measure the pitch by autocorrelation (60 to 400 Hz), every 10 ms.

    For brow motion of the recipe only; it is not a feature of the model.

    Args:
        samples: (n,) at 16 kHz.

    Returns:
        (1 + n // 160,) semitones above the median of the voice, in [-12, 12]; 0 where unvoiced.
    """
    padded = np.pad(np.asarray(samples, np.float64), 320)
    windows = sliding_window_view(padded, 640)[::HOP][: 1 + len(samples) // HOP]
    windows = (windows - windows.mean(1, keepdims=True)) * np.hanning(640)
    spectrum = np.fft.rfft(windows, 1536)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:, :267]
    lags = np.arange(SAMPLE_RATE // 400, SAMPLE_RATE // 60)
    peaks = correlation[:, lags] / (correlation[:, :1] + 1e-9) * (1 + lags / 640)
    best = peaks.argmax(1)
    voiced = (peaks.max(1) > 0.5) & (loudness(samples) > 0.35)
    if not voiced.any():
        return np.zeros(len(windows), np.float32)
    semitones = 12 * np.log2(SAMPLE_RATE / lags[best] / 100)
    semitones = np.where(voiced, semitones - np.median(semitones[voiced]), 0)
    return np.clip(semitones, -12, 12).astype(np.float32)


def align_pauses(phones: Sequence[Phone], samples: NDArray[np.floating]) -> list[Phone]:
    """Correct phone boundaries at pauses by the level of the audio.

    Aligners and synthesizers add the silence after a word to its last phone. Next to a pause, a
    phone ends at most 40 ms after its last loud value, and begins at most 40 ms before its first.

    Args:
        phones: in order of time.
        samples: (n,) at 16 kHz.

    Returns:
        The phones with new boundaries.
    """
    level = loudness(samples)
    loud = np.flatnonzero(level > 1 - _QUIET_DB / _RANGE_DB) * HOP / SAMPLE_RATE
    aligned: list[Phone] = []
    for k, phone in enumerate(phones):
        start, end = phone.start, phone.end
        inside = loud[(loud >= start) & (loud < end)]
        if phone.name != SILENCE and len(inside):
            if k == len(phones) - 1 or phones[k + 1].name == SILENCE:
                end = min(end, inside[-1] + _MAX_TAIL)
            if k == 0 or phones[k - 1].name == SILENCE:
                start = max(start, inside[0] - _MAX_TAIL)
        aligned.append(Phone(phone.name, float(start), float(end)))
    return aligned
