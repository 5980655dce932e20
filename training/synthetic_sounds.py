"""Synthetic non-speech sounds: for training, a face must rest during them; for tests of robustness.

All functions return audio (n,), float32 at 16 kHz; `rng` draws the sound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt

SAMPLE_RATE = 16000
Audio = NDArray[np.float32]


def _band(sound: NDArray[np.floating], low: float, high: float) -> NDArray[np.floating]:
    filtered: NDArray[np.floating] = sosfilt(
        butter(2, [low, high], "band", fs=SAMPLE_RATE, output="sos"), sound
    )
    return filtered


def room(n: int, rng: np.random.Generator) -> Audio:
    """Make room noise: noise of any color, slowly modulated, sometimes with mains hum."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20) ** rng.uniform(0, 1.2)
    noise = np.fft.irfft(spectrum, n)
    noise /= np.abs(noise).max() + 1e-9
    time = np.arange(n) / SAMPLE_RATE
    noise *= 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.02, 0.5) * time + rng.uniform(0, 6))
    if rng.random() < 0.3:
        hum = rng.choice([50.0, 60.0])
        noise += 0.1 * sum(np.sin(2 * np.pi * hum * k * time) / k for k in (1, 2, 3, 5))
    return noise.astype(np.float32)


def breath(n: int, rng: np.random.Generator) -> Audio:
    """Make breaths: soft noise bursts every few seconds."""
    envelope = np.zeros(n)
    at = 0.0
    while at < n:
        length = int(rng.uniform(0.4, 1.5) * SAMPLE_RATE)
        span = slice(int(at), min(n, int(at) + length))
        envelope[span] += np.hanning(length)[: span.stop - span.start] * rng.uniform(0.3, 1)
        at += length + rng.uniform(0.3, 3) * SAMPLE_RATE
    noise = _band(rng.standard_normal(n), rng.uniform(200, 800), rng.uniform(2500, 7000))
    return (noise * envelope * 0.3).astype(np.float32)


def typing(n: int, rng: np.random.Generator) -> Audio:
    """Make keystrokes, clicks and knocks."""
    sound = np.zeros(n)
    for start in rng.integers(0, max(n - 2000, 1), int(n / SAMPLE_RATE * rng.uniform(1, 9))):
        length = int(rng.integers(100, min(1800, max(n - start, 101))))
        click = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 6))
        tone = np.sin(2 * np.pi * rng.uniform(80, 3000) * np.arange(length) / SAMPLE_RATE)
        click = click + tone * np.exp(-np.arange(length) / (length / 4)) * rng.uniform(0, 2)
        sound[start : start + length] += click[: n - start] * rng.uniform(0.1, 1)
    return (sound * 0.2).astype(np.float32)


def music(n: int, rng: np.random.Generator) -> Audio:
    """Make music: chords and drums in a random key, tempo and timbre."""
    beat = int(SAMPLE_RATE * 60 / rng.uniform(60, 160))
    scale = np.array(rng.choice([[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]]))
    key = rng.uniform(90, 200)
    partials = rng.integers(1, 9)
    rolloff = rng.uniform(0.5, 2)
    sound = np.zeros(n + 4 * beat)
    for start in range(0, n, beat):
        length = int(beat * rng.choice([0.5, 1, 1, 2, 4]))
        degrees = rng.choice(7, rng.integers(1, 4))
        for degree in degrees:
            note = key * 2 ** ((scale[degree] + 12 * rng.integers(0, 3)) / 12)
            time = np.arange(length) / SAMPLE_RATE
            envelope = np.exp(-time * rng.uniform(0.5, 5)) * np.minimum(time * 80, 1)
            wave = sum(
                np.sin(2 * np.pi * note * k * time + rng.uniform(0, 6)) / k**rolloff
                for k in range(1, partials + 1)
                if note * k < 7500
            )
            sound[start : start + length] += (wave * envelope)[: len(sound) - start]
        if rng.random() < 0.6:
            drum = rng.standard_normal(beat // 2) * np.exp(-np.arange(beat // 2) / 900)
            sound[start : start + beat // 2] += drum * rng.uniform(0.1, 1.5)
    return np.asarray(sound[:n] / (np.abs(sound).max() + 1e-9), np.float32)


def modulate_level(samples: Audio, rng: np.random.Generator) -> Audio:
    """Modulate the level by up to about 20 dB within seconds, as of voices."""
    decibels = gaussian_filter1d(rng.standard_normal(len(samples) // 160 + 2), 40)
    decibels = decibels / (decibels.std() + 1e-9) * rng.uniform(0, 8)
    gain = np.interp(np.arange(len(samples)) / 160, np.arange(len(decibels)), decibels)
    return np.asarray(samples * 10 ** (gain / 20), np.float32)


SOUNDS: tuple[Callable[[int, np.random.Generator], Audio], ...] = (room, breath, typing, music)


def background(n: int, rng: np.random.Generator) -> Audio:
    """Make one of the sounds, or a mix of two."""
    first = SOUNDS[rng.integers(len(SOUNDS))](n, rng)
    if rng.random() < 0.3:
        first = first + SOUNDS[rng.integers(len(SOUNDS))](n, rng) * rng.uniform(0.1, 1)
    return modulate_level(first, rng)
