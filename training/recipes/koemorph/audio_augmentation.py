"""Augmentation of audio: microphones, rooms, telephone lines and vocal tracts.

All functions take and return audio (n,), float32 at 16 kHz, and keep its timing. `rng` draws the
strength of the effect.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from ...datasets.utterances import SAMPLE_RATE

Audio = NDArray[np.float32]


def active_level(samples: Audio) -> float:
    """Compute the root mean square of the louder half of the 10 ms blocks of a clip."""
    power = np.sort(np.square(samples[: len(samples) // 160 * 160].reshape(-1, 160)).mean(1))
    return float(np.sqrt(power[len(power) // 2 :].mean() + 1e-12)) if len(power) else 1e-6


def set_level(samples: Audio, decibels: float) -> Audio:
    """Scale audio so that its `active_level` is `decibels` dBFS."""
    return np.asarray(samples * (10 ** (decibels / 20) / active_level(samples)), np.float32)


def equalize(samples: Audio, rng: np.random.Generator, depth: float = 8.0) -> Audio:
    """Apply a smooth random frequency response within +- `depth` dB, as of a microphone."""
    gains = rng.uniform(-depth, depth, 7)
    response = np.interp(np.linspace(0, 6, 257), np.arange(7), gains)
    kernel = np.fft.fftshift(np.fft.irfft(10 ** (response / 20))) * np.hanning(512)
    return np.asarray(fftconvolve(samples, kernel, mode="same"), np.float32)


def reverberate(samples: Audio, rng: np.random.Generator) -> Audio:
    """Add the decaying noise of a small to large room to the direct sound."""
    time = np.arange(int(rng.uniform(0.1, 0.6) * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(time)) * np.exp(-6.9 * time / (time[-1] + 1e-3))
    tail[: int(0.003 * SAMPLE_RATE)] = 0
    tail *= rng.uniform(0.15, 0.8) / np.sqrt(np.square(tail).sum() + 1e-9)
    return np.asarray(samples + fftconvolve(samples, tail)[: len(samples)], np.float32)


def telephone(samples: Audio, rng: np.random.Generator) -> Audio:
    """Limit the band and quantize coarsely (mu-law), as telephones and bad headsets do."""
    low, high = rng.uniform(150, 350), rng.uniform(3000, 4500)
    narrow = sosfilt(butter(4, [low, high], "band", fs=SAMPLE_RATE, output="sos"), samples)
    peak = np.abs(narrow).max() + 1e-6
    steps = 2.0 ** rng.integers(6, 10)
    compressed = np.sign(narrow) * np.log1p(255 * np.abs(narrow) / peak) / np.log(256)
    quantized = np.round(compressed * steps) / steps
    expanded = np.sign(quantized) * peak * np.expm1(np.abs(quantized) * np.log(256)) / 255
    return np.asarray(expanded, np.float32)


def clip_peaks(samples: Audio, rng: np.random.Generator) -> Audio:
    """Saturate the peaks, as an overdriven input does."""
    limit = rng.uniform(0.3, 0.8) * (np.abs(samples).max() + 1e-6)
    return np.asarray(np.tanh(samples / limit) * limit, np.float32)


def shift_formants(samples: Audio, factor: float) -> Audio:
    """Scale formant frequencies and keep the pitch, as of another vocal tract length.

    The spectral envelope (30 cepstral coefficients) of each 32 ms frame is stretched in frequency.

    Args:
        samples: (n,) at 16 kHz.
        factor: of the frequencies; below 1 for a longer vocal tract.

    Returns:
        (n,).
    """
    size, hop = 512, 128
    window = np.hanning(size + 1)[:size]
    padded = np.pad(samples, (size, size + hop))
    starts = np.arange(0, len(padded) - size, hop)
    frames = padded[starts[:, None] + np.arange(size)] * window
    spectra = np.fft.rfft(frames)
    logs = np.log(np.abs(spectra) + 1e-5)
    cepstra = np.fft.irfft(logs)
    cepstra[:, 30:-29] = 0
    envelope = np.fft.rfft(cepstra).real
    source = np.clip(np.arange(envelope.shape[1]) / factor, 0, envelope.shape[1] - 1.001)
    below, ratio = source.astype(int), source - source.astype(int)
    moved = envelope[:, below] * (1 - ratio) + envelope[:, below + 1] * ratio
    frames = np.fft.irfft(spectra * np.exp(np.clip(moved - envelope, -3, 3))) * window
    out, weight = np.zeros(len(padded)), np.zeros(len(padded))
    for start, frame in zip(starts, frames, strict=True):
        out[start : start + size] += frame
        weight[start : start + size] += window**2
    return (out / np.maximum(weight, 1e-3))[size : size + len(samples)].astype(np.float32)


def simulate_recording(voice: Audio, background: Audio, rng: np.random.Generator) -> Audio:
    """Degrade a voice as a random microphone in a random room does.

    About a third only gets a random level and hiss, like a studio recording.

    Args:
        voice: (n,) at 16 kHz.
        background: (n,), other sounds that may be mixed in.
        rng: draws the degradations.

    Returns:
        (n,) in [-1, 1].
    """
    level = rng.uniform(-42, -14) if rng.random() < 0.75 else rng.uniform(-52, -42)
    if rng.random() < 0.65:
        voice = equalize(voice, rng)
        if rng.random() < 0.4:
            voice = reverberate(voice, rng)
        if rng.random() < 0.15:
            voice = clip_peaks(voice, rng)
        if rng.random() < 0.5:
            noise = set_level(background, -rng.uniform(5, 30))
            voice = set_level(voice, 0) + noise[: len(voice)]
        if rng.random() < 0.15:
            voice = telephone(voice, rng)
    hiss = rng.standard_normal(len(voice)) * 10 ** (rng.uniform(-90, -65) / 20)
    return np.clip(set_level(voice, level) + hiss, -1, 1).astype(np.float32)
