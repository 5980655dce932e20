"""Statistics of a session: level, latency, jitter and frame counts."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

_WINDOW = 900
"""Frames that percentiles cover: 30 s at 30 fps."""


@dataclass
class Statistics:
    """Frame counts since the start, level in dB of full scale, times of the last frames in s."""

    frames: int = 0
    dropped: int = 0
    level: float = -120.0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    jitters: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))

    def add_audio(self, audio: np.ndarray) -> None:
        """Update the level with a block of audio."""
        if audio.size:
            power = float(np.mean(np.square(audio, dtype=np.float64)))
            self.level = 10 * math.log10(max(power, 1e-12))

    def add_frame(self, latency: float, jitter: float) -> None:
        """Count a frame sent `latency` s after its time and `jitter` s off its schedule."""
        self.frames += 1
        self.latencies.append(latency)
        self.jitters.append(abs(jitter))

    def summary(self) -> dict[str, float]:
        """Return the counts and milliseconds that `koemorph live --json` prints."""
        latency = np.array(self.latencies or [0.0]) * 1000
        jitter = np.array(self.jitters or [0.0]) * 1000
        return {
            "frames": self.frames,
            "dropped": self.dropped,
            "latency_p50_ms": round(float(np.percentile(latency, 50)), 2),
            "latency_p99_ms": round(float(np.percentile(latency, 99)), 2),
            "jitter_p99_ms": round(float(np.percentile(jitter, 99)), 3),
        }
