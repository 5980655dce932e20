"""Audio messages from a browser: reading them, and dropping audio that arrives too late.

Audio is delayed when the machine or the network is too slow. If all of it were processed, the face
would stay behind until the speaker pauses. The oldest audio is therefore dropped and counted.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_DELAY = 0.5
"""Delay in seconds from which audio is dropped."""
RESUME_DELAY = 0.1
"""Delay in seconds at which audio is accepted again: one gap is better than many."""
_MAX_AHEAD = 2.0
"""Seconds that a browser may be ahead of real time; more is taken for an attack."""
_CLOCK_DRIFT = 1e-4
"""Assumed largest drift between two computers' clocks, seconds per second."""
HEADER = struct.Struct("<dd")
"""Header of a message: the samples before it, and its capture time in seconds."""


class RefusedError(Exception):
    """A message that ends the stream. The text is sent to the browser, at most 123 bytes."""


class InvalidMessageError(RefusedError):
    """A message that is not audio."""


@dataclass(frozen=True)
class AudioMessage:
    """One audio message.

    Attributes:
        first_sample: Position of its first sample since the start.
        capture_time: Capture time by the browser's clock, seconds.
        samples: (samples,).
    """

    first_sample: int
    capture_time: float
    samples: npt.NDArray[np.float32]


def read_message(message: bytes) -> AudioMessage:
    """Read a binary message.

    Raises:
        InvalidMessageError: It is not a header and 32-bit float samples.
    """
    if len(message) < HEADER.size or len(message) % 4:
        raise InvalidMessageError("invalid message: expected position, time and float32 samples")
    first, time = HEADER.unpack_from(message)
    if not (math.isfinite(first) and math.isfinite(time) and first >= 0 and first == int(first)):
        raise InvalidMessageError("invalid header: expected whole samples and a time in seconds")
    return AudioMessage(int(first), time, np.frombuffer(message, "<f4", offset=HEADER.size))


class AudioReceiver:
    """Accepts or drops the audio of one browser by its delay.

    Args:
        sample_rate: Hz.
        now: Time of the start by this computer's clock, seconds.
    """

    def __init__(self, sample_rate: int, now: float) -> None:
        self._sample_rate = sample_rate
        self._start = self._last = now
        self._accepted = self._dropped = 0
        self._capture_times: tuple[float, float] | None = None  # the first and the latest
        self._min_offset = math.inf
        self._is_dropping = False
        # (seconds accepted before a gap, seconds dropped up to its end)
        self._gaps: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=64)

    @property
    def dropped_seconds(self) -> float:
        """Seconds of audio that were dropped or lost."""
        return self._dropped / self._sample_rate

    def accept(self, message: AudioMessage, now: float) -> bool:
        """Decide about the next message.

        Args:
            message: The message; messages must come in order.
            now: Time by this computer's clock, seconds.

        Returns:
            True to process its samples, False to drop them.

        Raises:
            RefusedError: The message is out of order or too far ahead of real time.
        """
        self._check(message, now)
        missing = message.first_sample - self._accepted - self._dropped
        limit = RESUME_DELAY if self._is_dropping else MAX_DELAY
        self._is_dropping = self._delay(message, now) > limit
        count = len(message.samples)
        lost = missing + (count if self._is_dropping else 0)
        if lost:
            self._add_gap(lost)
        if not self._is_dropping:
            self._accepted += count
        return not self._is_dropping

    def _add_gap(self, samples: int) -> None:
        position = self._accepted / self._sample_rate
        if self._gaps[-1][0] == position:  # The last gap continues.
            self._gaps.pop()
        self._dropped += samples
        self._gaps.append((position, self.dropped_seconds))

    def source_times(self, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Convert times in the accepted audio to times in the browser's audio, seconds."""
        starts, dropped = np.array(self._gaps).T
        index = np.maximum(np.searchsorted(starts, times, "right") - 1, 0)
        shifts: npt.NDArray[np.float64] = dropped[index]
        return times + shifts

    def _check(self, message: AudioMessage, now: float) -> None:
        time = message.capture_time
        first, latest = self._capture_times or (time, time)
        if message.first_sample < self._accepted + self._dropped or time < latest:
            raise RefusedError("audio out of order")
        self._capture_times = first, time
        end = (message.first_sample + len(message.samples)) / self._sample_rate
        if max(end, time - first) > now - self._start + _MAX_AHEAD:
            raise RefusedError(f"audio more than {_MAX_AHEAD:g} s ahead of real time")

    def _delay(self, message: AudioMessage, now: float) -> float:
        """Return the delay in seconds relative to the most punctual message."""
        offset = now - message.capture_time
        self._min_offset = min(offset, self._min_offset + _CLOCK_DRIFT * (now - self._last))
        self._last = now
        return offset - self._min_offset
