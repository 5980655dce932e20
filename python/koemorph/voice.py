"""Which of a browser's sound is worth hearing: a voice that came late is caught up with.

Sound waits when a machine cannot keep up or a network stalls. Heard to the end, it would keep the
face behind for as long as somebody speaks; so the oldest is left out, counted, and told.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_BEHIND = 0.5
"""Seconds that sound may be late; from there on it is left out."""
CAUGHT_UP = 0.1
"""Seconds late at which sound is heard again: one gap is better than many."""
_AHEAD = 2.0
"""Seconds that a browser may run ahead of real time before it is taken for an attack."""
_DRIFT = 1e-4
"""By how much two computers' clocks may differ, seconds a second."""
HEADER = struct.Struct("<dd")
"""Before the samples of a message: samples spoken before it, and its time in seconds."""


class RefusedError(Exception):
    """A message that ends its stream; the text goes to the browser, in 123 bytes at most."""


class NotUnderstoodError(RefusedError):
    """A message that is no sound."""


@dataclass(frozen=True)
class Block:
    """One message: where it begins, in samples, when it was spoken (s), and its sound."""

    first: int
    spoken: float
    samples: npt.NDArray[np.float32]


def read(message: bytes) -> Block:
    """The message's block; NotUnderstoodError when it is none."""
    if len(message) < HEADER.size or len(message) % 4:
        raise NotUnderstoodError("only a position, a time and 32-bit float samples are understood")
    first, spoken = HEADER.unpack_from(message)
    if not (math.isfinite(first) and math.isfinite(spoken) and first >= 0 and first == int(first)):
        raise NotUnderstoodError(
            "a position is a whole number of samples, and a time a number of seconds"
        )
    return Block(int(first), spoken, np.frombuffer(message, "<f4", offset=HEADER.size))


class Voice:
    """The voice of one browser, as late as it is."""

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._began = self._seen = now
        self._heard = self._left_out = 0
        self._spoken: tuple[float, float] | None = None  # the first and the latest time
        self._least = math.inf
        self._catching_up = False
        self._gaps: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=64)

    @property
    def left_out(self) -> float:
        """Seconds of sound that nobody heard."""
        return self._left_out / self._rate

    def wants(self, block: Block, now: float) -> bool:
        """Whether to hear this block, whose turn has come; RefusedError for an impossible one."""
        self._check(block, now)
        missing = block.first - self._heard - self._left_out
        self._catching_up = self._behind(block, now) > (
            CAUGHT_UP if self._catching_up else MAX_BEHIND
        )
        count = len(block.samples)
        lost = missing + (count if self._catching_up else 0)
        if lost:
            self._leave_out(lost)
        if not self._catching_up:
            self._heard += count
        return not self._catching_up

    def _leave_out(self, samples: int) -> None:
        at = self._heard / self._rate
        if self._gaps[-1][0] == at:  # the same gap, grown
            self._gaps.pop()
        self._left_out += samples
        self._gaps.append((at, self.left_out))

    def times(self, heard: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Times in what was heard, as times in what was spoken (s)."""
        begins, lost = np.array(self._gaps).T
        shifts: npt.NDArray[np.float64] = lost[
            np.maximum(np.searchsorted(begins, heard, "right") - 1, 0)
        ]
        return heard + shifts

    def _check(self, block: Block, now: float) -> None:
        first, latest = self._spoken or (block.spoken, block.spoken)
        if block.first < self._heard + self._left_out or block.spoken < latest:
            raise RefusedError("sound must come in the order in which it was spoken")
        self._spoken = first, block.spoken
        end = (block.first + len(block.samples)) / self._rate
        if max(end, block.spoken - first) > now - self._began + _AHEAD:
            raise RefusedError("audio came faster than it can be spoken")

    def _behind(self, block: Block, now: float) -> float:
        """Seconds by which this block is later than the most punctual one was."""
        late = now - block.spoken
        self._least = min(late, self._least + _DRIFT * (now - self._seen))
        self._seen = now
        return late - self._least
