"""Live audio sources: a recording in real time, raw samples from a pipe or from the program."""

from __future__ import annotations

import os
import select
import threading
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph.audio import check_sample_rate, open_audio
from koemorph.errors import AudioError
from koemorph.live.clock import Clock
from koemorph.live.playback import PlaybackQueue
from koemorph.live.schedule import MARGIN, DeviceSchedule, PlaybackSchedule, Schedule

FloatArray = npt.NDArray[np.float32]


class Source(ABC):
    """Audio that arrives in real time; `read` is called from one thread and never blocks.

    Attributes:
        sample_rate: Hz, of the audio that `read` returned last; a new device may change it.
        channels: Channel count, likewise.
        exact: Whether audio is available exactly at its time, so that no delay is needed.
        error: Why there is silence, "" without a problem.
        ended: Whether no more audio will come.
        poll_seconds: Longest time between two reads.
    """

    sample_rate: int
    channels: int
    exact = False
    error = ""
    ended = False
    poll_seconds = 0.05

    @abstractmethod
    def start(self, now: float) -> None:
        """Start; the first sample's time is `now` on the session's clock."""

    @abstractmethod
    def read(self, now: float) -> FloatArray:
        """Return the audio that has arrived by `now`, (samples, channels), possibly empty."""

    def schedule(self, now: float, fps: int, latency: float) -> Schedule | None:
        """Return the schedule of the frames; None until the first audio, which starts it.

        Args:
            now: The time of the start.
            fps: Frames per second.
            latency: Seconds of lookahead that the model needs.
        """
        return DeviceSchedule(now, fps, latency, exact=True) if self.exact else None

    def interrupt(self, now: float) -> None:  # noqa: B027 (real-time sources queue nothing)
        """Discard the audio that is queued and has not been read."""

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


class QueueSource(Source):
    """16-bit little-endian mono audio that a program writes, for example from a TTS engine.

    Audio may be written faster than real time, in pieces of any size. It is played from the moment
    it is written, or after the previous audio; `koemorph.live.playback` has the exact times. Where
    there is none, the stream gets silence.

    Args:
        sample_rate: Hz.
        clock: The session's clock.

    Raises:
        AudioError: The sample rate is not supported.
    """

    channels = 1
    poll_seconds = 0.005

    def __init__(self, sample_rate: int, clock: Clock | None = None) -> None:
        check_sample_rate(sample_rate, "The audio source")
        self.sample_rate = sample_rate
        self._clock = clock or Clock()
        self._queue = PlaybackQueue(sample_rate)
        self._lead = 0.0
        self._finished = threading.Event()

    def write(self, data: bytes) -> None:
        """Add samples; they may end with half a sample. One thread at a time may write."""
        self._queue.write(data, self._clock.now())

    def finish(self) -> None:
        """End the audio: the session ends when everything written was played."""
        self._finished.set()

    @property
    def waiting_seconds(self) -> float:
        """Seconds of audio that are queued."""
        return self._queue.waiting_seconds

    def start(self, now: float) -> None:
        """Nothing to start: audio may have been written before."""

    def schedule(self, now: float, fps: int, latency: float) -> Schedule:
        # Read as early as the first frame's computation needs it.
        self._lead = latency + 2 * MARGIN
        return PlaybackSchedule(self._queue, fps, latency)

    def read(self, now: float) -> FloatArray:
        # Checked before the queue, so that the last samples are not missed.
        finished = self._finished.is_set()
        samples = self._queue.read(now, self._lead, ending=finished)
        self.ended = finished and self._queue.empty
        audio = samples[:, None].astype(np.float32)
        audio *= np.float32(1 / 32768)
        return audio

    def interrupt(self, now: float) -> None:
        self._queue.interrupt(now)


class PipeSource(QueueSource):
    """Raw 16-bit little-endian mono samples from a pipe, which may arrive in bursts.

    A writer is blocked while two minutes of audio are queued.
    """

    _MAX_QUEUED_SECONDS = 120.0
    _RETRY_SECONDS = 0.02
    _READ_BYTES = 65536

    def __init__(self, descriptor: int, sample_rate: int, clock: Clock | None = None) -> None:
        """Prepare to read.

        Args:
            descriptor: The end of the pipe to read from.
            sample_rate: Hz.
            clock: The session's clock.

        Raises:
            AudioError: The sample rate is not supported.
        """
        super().__init__(sample_rate, clock)
        self._descriptor = descriptor
        self._owned = False
        self._closed = False

    @classmethod
    def open_fifo(
        cls, path: str | Path, sample_rate: int, clock: Clock | None = None
    ) -> PipeSource:
        """Open a named pipe; writers may come and go, and the session does not end with them.

        Raises:
            AudioError: There is no named pipe at the path, or the sample rate is not supported.
        """
        if not Path(path).is_fifo():
            raise AudioError(
                f"Cannot read {path}: it is no named pipe. Create one with: mkfifo {path}",
                code="not_a_fifo",
            )
        # Open for writing as well, so that it does not end with its writer.
        source = cls(os.open(path, os.O_RDWR), sample_rate, clock)
        source._owned = True
        return source

    def start(self, now: float) -> None:
        threading.Thread(target=self._receive, daemon=True, name="pipe").start()

    def _receive(self) -> None:
        # Not a buffered reader: Python aborts at exit when a blocked thread holds its lock.
        with suppress(OSError):  # a broken pipe has ended
            while not self._closed:
                if self._owned and not select.select([self._descriptor], [], [], 0.2)[0]:
                    continue
                data = os.read(self._descriptor, self._READ_BYTES)
                if not data:
                    break
                self.write(data)
                while self.waiting_seconds > self._MAX_QUEUED_SECONDS and not self._closed:
                    time.sleep(self._RETRY_SECONDS)
        self.finish()
        if self._owned:
            os.close(self._descriptor)

    def read(self, now: float) -> FloatArray:
        samples = super().read(now)
        waiting = self._queue.silent and not self._queue.has_sound
        self.error = "no audio on the pipe yet" if waiting else ""
        return samples

    def close(self) -> None:
        """Let the reading thread end, which then closes a named pipe."""
        self._closed = True
