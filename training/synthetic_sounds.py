"""Sounds that are no voice: a face must rest through them. All synthesised, (n,) at 16 kHz."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt

from .datasets.utterances import SAMPLE_RATE
from .recipes.koemorph.audio_augmentation import Random, Sound


def _band(sound: NDArray[np.floating], low: float, high: float) -> NDArray[np.floating]:
    filtered: NDArray[np.floating] = sosfilt(
        butter(2, [low, high], "band", fs=SAMPLE_RATE, output="sos"), sound
    )
    return filtered


def room(n: int, random: Random) -> Sound:
    """Noise of any colour, slowly swelling, sometimes with mains hum."""
    spectrum = np.fft.rfft(random.standard_normal(n))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20) ** random.uniform(0, 1.2)
    noise = np.fft.irfft(spectrum, n)
    noise /= np.abs(noise).max() + 1e-9
    time = np.arange(n) / SAMPLE_RATE
    noise *= 1 + 0.5 * np.sin(2 * np.pi * random.uniform(0.02, 0.5) * time + random.uniform(0, 6))
    if random.random() < 0.3:
        hum = random.choice([50.0, 60.0])
        noise += 0.1 * sum(np.sin(2 * np.pi * hum * k * time) / k for k in (1, 2, 3, 5))
    return noise.astype(np.float32)


def breath(n: int, random: Random) -> Sound:
    """Breathing: soft noise that comes and goes every few seconds."""
    envelope = np.zeros(n)
    at = 0.0
    while at < n:
        length = int(random.uniform(0.4, 1.5) * SAMPLE_RATE)
        span = slice(int(at), min(n, int(at) + length))
        envelope[span] += np.hanning(length)[: span.stop - span.start] * random.uniform(0.3, 1)
        at += length + random.uniform(0.3, 3) * SAMPLE_RATE
    noise = _band(random.standard_normal(n), random.uniform(200, 800), random.uniform(2500, 7000))
    return (noise * envelope * 0.3).astype(np.float32)


def typing(n: int, random: Random) -> Sound:
    """Keys, clicks and knocks."""
    sound = np.zeros(n)
    for start in random.integers(0, max(n - 2000, 1), int(n / SAMPLE_RATE * random.uniform(1, 9))):
        length = int(random.integers(100, min(1800, max(n - start, 101))))
        click = random.standard_normal(length) * np.exp(-np.arange(length) / (length / 6))
        tone = np.sin(2 * np.pi * random.uniform(80, 3000) * np.arange(length) / SAMPLE_RATE)
        click = click + tone * np.exp(-np.arange(length) / (length / 4)) * random.uniform(0, 2)
        sound[start : start + length] += click[: n - start] * random.uniform(0.1, 1)
    return (sound * 0.2).astype(np.float32)


def music(n: int, random: Random) -> Sound:
    """Chords, a melody, a bass and drums in a random key, tempo and timbre."""
    beat = int(SAMPLE_RATE * 60 / random.uniform(60, 160))
    scale = np.array(random.choice([[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]]))
    key = random.uniform(90, 200)
    partials = random.integers(1, 9)
    fall = random.uniform(0.5, 2)
    sound = np.zeros(n + 4 * beat)
    for start in range(0, n, beat):
        length = int(beat * random.choice([0.5, 1, 1, 2, 4]))
        degrees = random.choice(7, random.integers(1, 4))
        for degree in degrees:
            note = key * 2 ** ((scale[degree] + 12 * random.integers(0, 3)) / 12)
            time = np.arange(length) / SAMPLE_RATE
            shape = np.exp(-time * random.uniform(0.5, 5)) * np.minimum(time * 80, 1)
            wave = sum(
                np.sin(2 * np.pi * note * k * time + random.uniform(0, 6)) / k**fall
                for k in range(1, partials + 1)
                if note * k < 7500
            )
            sound[start : start + length] += (wave * shape)[: len(sound) - start]
        if random.random() < 0.6:
            hit = random.standard_normal(beat // 2) * np.exp(-np.arange(beat // 2) / 900)
            sound[start : start + beat // 2] += hit * random.uniform(0.1, 1.5)
    return np.asarray(sound[:n] / (np.abs(sound).max() + 1e-9), np.float32)


def swelling(sound: Sound, random: Random) -> Sound:
    """The same with its level wandering over 20 dB within seconds, as voices do."""
    wander = gaussian_filter1d(random.standard_normal(len(sound) // 160 + 2), 40)
    wander = wander / (wander.std() + 1e-9) * random.uniform(0, 8)
    gain = np.interp(np.arange(len(sound)) / 160, np.arange(len(wander)), wander)
    return np.asarray(sound * 10 ** (gain / 20), np.float32)


Kind = Callable[[int, Random], Sound]
KINDS: tuple[Kind, ...] = (room, breath, typing, music)


def background(n: int, random: Random) -> Sound:
    """One of KINDS, or two of them mixed."""
    first = KINDS[random.integers(len(KINDS))](n, random)
    if random.random() < 0.3:
        first = first + KINDS[random.integers(len(KINDS))](n, random) * random.uniform(0.1, 1)
    return swelling(first, random)
