"""What rooms, microphones and lines do to a voice. Everything leaves timing as it was.

All functions take and give (n,) float32 at 16 kHz; `random` decides how much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from ...datasets.utterances import SAMPLE_RATE

Sound = NDArray[np.float32]
Random = np.random.Generator


def level(sound: Sound) -> float:
    """Root mean square of the sounding half of a clip."""
    power = np.sort(np.square(sound[: len(sound) // 160 * 160].reshape(-1, 160)).mean(1))
    return float(np.sqrt(power[len(power) // 2 :].mean() + 1e-12)) if len(power) else 1e-6


def to_level(sound: Sound, decibels: float) -> Sound:
    """Scaled so that its sounding half lies at `decibels` of full scale."""
    return np.asarray(sound * (10 ** (decibels / 20) / level(sound)), np.float32)


def equalise(sound: Sound, random: Random, depth: float = 8.0) -> Sound:
    """A smooth random frequency response, +- `depth` dB: microphones and distances."""
    gains = random.uniform(-depth, depth, 7)
    response = np.interp(np.linspace(0, 6, 257), np.arange(7), gains)
    kernel = np.fft.fftshift(np.fft.irfft(10 ** (response / 20))) * np.hanning(512)
    return np.asarray(fftconvolve(sound, kernel, mode="same"), np.float32)


def reverberate(sound: Sound, random: Random) -> Sound:
    """A small to large room: decaying noise behind the direct sound."""
    time = np.arange(int(random.uniform(0.1, 0.6) * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.standard_normal(len(time)) * np.exp(-6.9 * time / (time[-1] + 1e-3))
    tail[: int(0.003 * SAMPLE_RATE)] = 0
    tail *= random.uniform(0.15, 0.8) / np.sqrt(np.square(tail).sum() + 1e-9)
    return np.asarray(sound + fftconvolve(sound, tail)[: len(sound)], np.float32)


def telephone(sound: Sound, random: Random) -> Sound:
    """A narrow band and coarse steps: telephones and bad headsets."""
    low, high = random.uniform(150, 350), random.uniform(3000, 4500)
    narrow = sosfilt(butter(4, [low, high], "band", fs=SAMPLE_RATE, output="sos"), sound)
    peak = np.abs(narrow).max() + 1e-6
    steps = 2.0 ** random.integers(6, 10)
    folded = np.sign(narrow) * np.log1p(255 * np.abs(narrow) / peak) / np.log(256)
    coarse = np.round(folded * steps) / steps
    opened = np.sign(coarse) * peak * np.expm1(np.abs(coarse) * np.log(256)) / 255
    return np.asarray(opened, np.float32)


def clip_peaks(sound: Sound, random: Random) -> Sound:
    """An overdriven input."""
    limit = random.uniform(0.3, 0.8) * (np.abs(sound).max() + 1e-6)
    return np.asarray(np.tanh(sound / limit) * limit, np.float32)


def other_tract(sound: Sound, factor: float) -> Sound:
    """Formants moved by `factor` with the pitch kept: a longer (< 1) or shorter vocal tract.

    The spectral envelope (30 cepstral blendshapes) of each 32 ms frame is stretched in frequency.
    """
    size, hop = 512, 128
    window = np.hanning(size + 1)[:size]
    padded = np.pad(sound, (size, size + hop))
    starts = np.arange(0, len(padded) - size, hop)
    frames = padded[starts[:, None] + np.arange(size)] * window
    spectra = np.fft.rfft(frames)
    logs = np.log(np.abs(spectra) + 1e-5)
    cepstra = np.fft.irfft(logs)
    cepstra[:, 30:-29] = 0
    envelope = np.fft.rfft(cepstra).real
    at = np.clip(np.arange(envelope.shape[1]) / factor, 0, envelope.shape[1] - 1.001)
    below, share = at.astype(int), at - at.astype(int)
    moved = envelope[:, below] * (1 - share) + envelope[:, below + 1] * share
    frames = np.fft.irfft(spectra * np.exp(np.clip(moved - envelope, -3, 3))) * window
    out, weight = np.zeros(len(padded)), np.zeros(len(padded))
    for start, frame in zip(starts, frames, strict=True):
        out[start : start + size] += frame
        weight[start : start + size] += window**2
    return (out / np.maximum(weight, 1e-3))[size : size + len(sound)].astype(np.float32)


def record(voice: Sound, background: Sound, random: Random) -> Sound:
    """A voice as some microphone in some room hears it, with `background` behind it.

    A third stays a clean studio recording at a random level; the rest gets one or more faults.
    """
    loud = random.uniform(-42, -14) if random.random() < 0.75 else random.uniform(-52, -42)
    if random.random() < 0.65:
        voice = equalise(voice, random)
        if random.random() < 0.4:
            voice = reverberate(voice, random)
        if random.random() < 0.15:
            voice = clip_peaks(voice, random)
        if random.random() < 0.5:
            noise = to_level(background, -random.uniform(5, 30))
            voice = to_level(voice, 0) + noise[: len(voice)]
        if random.random() < 0.15:
            voice = telephone(voice, random)
    hiss = random.standard_normal(len(voice)) * 10 ** (random.uniform(-90, -65) / 20)
    return np.clip(to_level(voice, loud) + hiss, -1, 1).astype(np.float32)
