"""A test signal that is exact at any sample rate."""

from __future__ import annotations

import numpy as np


def chord(sample_rate: int, begin: float, end: float) -> np.ndarray:
    """Return seven tones up to 6.1 kHz with tremolo, from `begin` to `end` seconds."""
    time = np.arange(round(begin * sample_rate), round(end * sample_rate)) / sample_rate
    tones = sum(
        np.sin(2 * np.pi * hz * time + hz) for hz in (140, 470, 910, 1730, 2890, 4410, 6100)
    )
    return (0.05 * tones * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)
