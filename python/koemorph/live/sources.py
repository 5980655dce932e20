"""Where live audio comes from: a recording at the pace of a clock, or standard input."""

from __future__ import annotations

import os
import queue
import threading
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph.audio import check_sample_rate, open_audio

FloatArray = npt.NDArray[np.float32]


class Source(ABC):
    """Audio that arrives in real time; `read` is called from one thread and never waits.

    sample_rate in Hz and channels are those of what `read` gave last: a device that took another's
    place brings its own. `exact` when audio is there the moment its time has come, so that the
    sender need not wait for stragglers; `trouble` is "" or says why there is silence.
    """

    sample_rate: int
    channels: int
    exact = False
    error = ""
    ended = False

    @abstractmethod
    def start(self, now: float) -> None:
        """Begin: the first sample's time is `now` on the session's clock."""

    @abstractmethod
    def read(self, now: float) -> FloatArray:
        """All audio that has arrived by `now`, (n, channels), possibly none."""

    def close(self) -> None:  # noqa: B027 (nothing to close is a common case)
        """Free what the source holds; called once."""


class RecordingSource(Source):
    """A recording, as if it were spoken now."""

    exact = True

    def __init__(self, path: str | Path) -> None:
        """Raises AudioError when the recording cannot be read."""
        self._stack = ExitStack()
        recording = self._stack.enter_context(open_audio(path, block_seconds=0.25))
        self.sample_rate = recording.sample_rate
        self.channels = recording.channels
        self._blocks = recording.blocks
        self._waiting = np.zeros((0, self.channels), np.float32)
        self._given = 0
        self._began = 0.0

    def start(self, now: float) -> None:
        self._began = now

    def read(self, now: float) -> FloatArray:
        # A hair more than the clock says: its floats are rounded, and a frame waits for its last
        # sample.
        count = int((now - self._began) * self.sample_rate + 0.01) - self._given
        parts = []
        while count > 0 and not self.ended:
            if not len(self._waiting):
                block = next(self._blocks, None)
                if block is None:
                    self.ended = True
                    break
                self._waiting = block
            part, self._waiting = self._waiting[:count], self._waiting[count:]
            parts.append(part)
            count -= len(part)
            self._given += len(part)
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)

    def close(self) -> None:
        self._stack.close()


class PipeSource(Source):
    """Raw 16-bit little-endian mono samples from a pipe, taken no faster than they are spoken.

    Whoever writes faster is held back by the pipe, and a pause in the pipe is silence.
    """

    channels = 1
    _BLOCK_SECONDS = 0.01
    _HELD_SECONDS = 1.0

    def __init__(self, descriptor: int, sample_rate: int) -> None:
        """`descriptor`: the pipe's end to read from. AudioError for a rate that is not animated."""
        check_sample_rate(sample_rate, "Standard input")
        self.sample_rate = sample_rate
        self._descriptor = descriptor
        self._block = max(1, int(self._BLOCK_SECONDS * sample_rate))
        self._queue: queue.Queue[bytes] = queue.Queue(int(self._HELD_SECONDS / self._BLOCK_SECONDS))
        self._waiting = b""
        self._given = 0
        self._began = 0.0
        self._finished = threading.Event()

    def start(self, now: float) -> None:
        self._began = now
        threading.Thread(target=self._receive, daemon=True, name="stdin").start()

    def _receive(self) -> None:
        # Not through a buffered reader: it would be locked while the pipe is quiet, and Python
        # aborts when it finds it so at its end.
        block, size = b"", self._block * 2
        with suppress(OSError):  # one that breaks has ended
            while data := os.read(self._descriptor, size - len(block)):
                block += data
                if len(block) == size:
                    self._queue.put(block)
                    block = b""
        self._queue.put(block)
        self._finished.set()

    def read(self, now: float) -> FloatArray:
        count = int((now - self._began) * self.sample_rate) - self._given
        # In this order: what was queued before the end must not be overlooked.
        finished = self._finished.is_set()
        while len(self._waiting) < 2 * count and not self._queue.empty():
            self._waiting += self._queue.get_nowait()
        data, self._waiting = self._waiting[: 2 * count], self._waiting[2 * count :]
        if len(data) % 2:
            data, self._waiting = data[:-1], data[-1:] + self._waiting
        samples = np.frombuffer(data, "<i2")[:, None].astype(np.float32)
        samples *= np.float32(1 / 32768)
        self._given += len(samples)
        self.ended = finished and self._queue.empty() and len(self._waiting) < 2
        late = count - len(samples) - int(self._HELD_SECONDS * self.sample_rate)
        if late > 0 and not self.ended:
            # The pipe has been dry for a while: time goes on, as silence.
            self._given += late
            samples = np.concatenate([samples, np.zeros((late, 1), np.float32)])
        self.error = "nothing comes through standard input" if late > 0 else ""
        return samples
