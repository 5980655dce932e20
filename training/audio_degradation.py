"""Degradations of audio, for measures of robustness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from .synthetic_sounds import SAMPLE_RATE, music

FloatArray = NDArray[np.float32]
# From samples (n,), their rate in Hz and a random generator to samples (n,).
Degrade = Callable[[FloatArray, int, np.random.Generator], FloatArray]


def _add_noise(snr_db: float) -> Degrade:
    def degrade(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
        level = float(np.sqrt(np.mean(audio.astype(np.float64) ** 2))) * 10 ** (-snr_db / 20)
        return (audio + level * rng.standard_normal(len(audio))).astype(np.float32)

    return degrade


def _attenuate(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(audio * 0.1, np.float32)


def _telephone(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
    limits = [300, min(3400, 0.45 * sample_rate)]
    band = butter(4, limits, "band", fs=sample_rate, output="sos")
    return np.asarray(sosfilt(band, audio), np.float32)


def _reverberate(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
    """Add a tail of 0.4 s, 6 dB below the direct sound."""
    times = np.arange(round(0.4 * sample_rate)) / sample_rate
    tail = rng.standard_normal(len(times)) * np.exp(-6.9 * times / 0.4)
    tail *= 0.5 / np.sqrt((tail**2).sum())
    return np.asarray(audio + fftconvolve(audio, tail)[: len(audio)], np.float32)


def _add_hiss(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
    noise = rng.standard_normal(len(audio)) * 10 ** (-40 / 20)
    return (audio + noise).astype(np.float32)


def _add_music(audio: FloatArray, sample_rate: int, rng: np.random.Generator) -> FloatArray:
    count = max(SAMPLE_RATE, round(len(audio) / sample_rate * SAMPLE_RATE))
    background = resample_poly(music(count, rng), sample_rate, SAMPLE_RATE)[: len(audio)]
    level = np.sqrt(np.mean(background**2)) + 1e-12
    background = np.resize(background, len(audio)) / level * 10 ** (-30 / 20)
    return np.asarray(audio + background, np.float32)


CONDITIONS: dict[str, Degrade] = {
    "noise, 20 dB": _add_noise(20.0),
    "noise, 10 dB": _add_noise(10.0),
    "noise, 5 dB": _add_noise(5.0),
    "20 dB quieter": _attenuate,
    "telephone": _telephone,
    "reverberation": _reverberate,
    "noise at -40 dBFS": _add_hiss,
    "music at -30 dBFS": _add_music,
}
