"""A sound that is the same whatever the rate of the device that hears it."""

from __future__ import annotations

import numpy as np


def chord(rate: int, begin: float, end: float) -> np.ndarray:
    """A swelling sound of up to 6.1 kHz from `begin` to `end` seconds, exact at any rate."""
    time = np.arange(round(begin * rate), round(end * rate)) / rate
    tones = sum(
        np.sin(2 * np.pi * hz * time + hz) for hz in (140, 470, 910, 1730, 2890, 4410, 6100)
    )
    return (0.05 * tones * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)
