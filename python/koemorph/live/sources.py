"""Live audio sources: a recording in real time, or raw samples from a pipe."""

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
    """Audio that arrives in real time; `read` is called from one thread and never blocks.

    Attributes:
        sample_rate: Hz, of the audio that `read` returned last; a new device may change it.
        channels: Channel count, likewise.
        exact: Whether audio is available exactly at its time, so that no delay is needed.
        error: Why there is silence, "" without a problem.
        ended: Whether no more audio will come.
    """

    sample_rate: int
    channels: int
    exact = False
    error = ""
    ended = False

    @abstractmethod
    def start(self, now: float) -> None:
        """Start; the first sample's time is `now` on the session's clock."""

    @abstractmethod
    def read(self, now: float) -> FloatArray:
        """Return the audio that has arrived by `now`, (samples, channels), possibly empty."""

    def close(self) -> None:  # noqa: B027 (nothing to close is a common case)
        """Release all resources; called once."""


class RecordingSource(Source):
    """An audio file in real time."""

    exact = True

    def __init__(self, path: str | Path) -> None:
        """Open the file.

        Raises:
            AudioError: The file cannot be read.
        """
        self._stack = ExitStack()
        recording = self._stack.enter_context(open_audio(path, block_seconds=0.25))
        self.sample_rate = recording.sample_rate
        self.channels = recording.channels
        self._blocks = recording.blocks
        self._waiting = np.zeros((0, self.channels), np.float32)
        self._returned = 0
        self._start_time = 0.0

    def start(self, now: float) -> None:
        self._start_time = now

    def read(self, now: float) -> FloatArray:
        # Rounded up slightly: clock times are rounded, and a frame needs its last sample.
        count = int((now - self._start_time) * self.sample_rate + 0.01) - self._returned
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
            self._returned += len(part)
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)

    def close(self) -> None:
        self._stack.close()


class PipeSource(Source):
    """Raw 16-bit little-endian mono samples from a pipe, read in real time.

    A faster writer is blocked by the pipe; a pause of the writer is silence.
    """

    channels = 1
    _BLOCK_SECONDS = 0.01
    _QUEUE_SECONDS = 1.0

    def __init__(self, descriptor: int, sample_rate: int) -> None:
        """`descriptor`: the pipe's end to read from. AudioError for a rate that is not animated."""
        check_sample_rate(sample_rate, "Standard input")
        self.sample_rate = sample_rate
        self._descriptor = descriptor
        self._block = max(1, int(self._BLOCK_SECONDS * sample_rate))
        self._queue: queue.Queue[bytes] = queue.Queue(
            int(self._QUEUE_SECONDS / self._BLOCK_SECONDS)
        )
        self._waiting = b""
        self._returned = 0
        self._start_time = 0.0
        self._finished = threading.Event()

    def start(self, now: float) -> None:
        self._start_time = now
        threading.Thread(target=self._receive, daemon=True, name="stdin").start()

    def _receive(self) -> None:
        # Not a buffered reader: Python aborts at exit when a blocked thread holds its lock.
        block, size = b"", self._block * 2
        with suppress(OSError):  # a broken pipe has ended
            while data := os.read(self._descriptor, size - len(block)):
                block += data
                if len(block) == size:
                    self._queue.put(block)
                    block = b""
        self._queue.put(block)
        self._finished.set()

    def read(self, now: float) -> FloatArray:
        count = int((now - self._start_time) * self.sample_rate) - self._returned
        # Checked before the queue, so that the last block is not missed.
        finished = self._finished.is_set()
        while len(self._waiting) < 2 * count and not self._queue.empty():
            self._waiting += self._queue.get_nowait()
        data, self._waiting = self._waiting[: 2 * count], self._waiting[2 * count :]
        if len(data) % 2:
            data, self._waiting = data[:-1], data[-1:] + self._waiting
        samples = np.frombuffer(data, "<i2")[:, None].astype(np.float32)
        samples *= np.float32(1 / 32768)
        self._returned += len(samples)
        self.ended = finished and self._queue.empty() and len(self._waiting) < 2
        late = count - len(samples) - int(self._QUEUE_SECONDS * self.sample_rate)
        if late > 0 and not self.ended:
            # Underrun: time continues with silence.
            self._returned += late
            samples = np.concatenate([samples, np.zeros((late, 1), np.float32)])
        self.error = "no audio on standard input" if late > 0 else ""
        return samples
