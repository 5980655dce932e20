"""Send times of frames: evenly spaced, as early as the audio reliably arrives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from koemorph.live.playback import PlaybackQueue

COMPUTE_LEAD = 0.003
"""Seconds before its send time that a frame is computed."""
MARGIN = COMPUTE_LEAD + 0.001
_BLOCK = 0.012
"""Devices deliver blocks of 10 ms; waiting for a block is no delay."""
_ADVANCE = 5e-6
"""Seconds per frame by which send times move earlier, to probe for a smaller delay."""
_RECOVERY = 0.005
"""Share of an excess delay that is removed per frame, after a device's dropout."""
_DRIFT = 1e-4
"""Fraction of a delay that is attributed per frame to the drift of the audio device's clock."""


class Schedule(ABC):
    """Maps frames to the session's clock: when their sound is played and when they are sent."""

    max_waiting: float = math.inf
    """Frames that may wait; after a dropout a device delivers a backlog, which is dropped."""

    @abstractmethod
    def playback_time(self, frame: int) -> float:
        """Return when the sound of a frame is played, in seconds."""

    @abstractmethod
    def due(self, frame: int) -> float:
        """Return the send time of a frame in seconds."""

    @abstractmethod
    def sent(self, frame: int, late: float, waiting: int = 0) -> None:
        """Record that a frame was sent.

        Args:
            frame: The frame.
            late: Seconds after its due time, because its audio was late.
            waiting: Further frames that are ready; with any, all can be earlier.
        """

    def skipped(self) -> None:  # noqa: B027 (only devices have backlogs)
        """Record that a frame was skipped; the next one takes its place."""

    def resumed(self) -> float:
        """Return the stream time at which audio starts after an interruption, inf if unknown."""
        return math.inf


class DeviceSchedule(Schedule):
    """The schedule of a source that delivers audio continuously and in real time.

    Frame k is due at origin + k / fps + latency + delay. A frame whose audio is late increases
    the delay of all later frames, which then decreases slowly. `origin`, the capture time of the
    first sample, follows the audio device's clock, which drifts by seconds a day. With an exact
    source the delay stays 0.
    """

    def __init__(self, origin: float, fps: int, latency: float, exact: bool) -> None:
        self.origin = origin
        self.max_waiting = math.inf if exact else 4
        self._fps = fps
        self._min_latency = latency + MARGIN
        self._delay = 0.0
        self._exact = exact

    def playback_time(self, frame: int) -> float:
        return self.origin + frame / self._fps

    def due(self, frame: int) -> float:
        return self.playback_time(frame) + self._min_latency + self._delay

    def skipped(self) -> None:
        self._delay -= 1 / self._fps

    def sent(self, frame: int, late: float, waiting: int = 0) -> None:
        if self._exact:
            return
        behind = max(0.0, self._delay - _BLOCK, waiting / self._fps)
        self._delay += late if late > 0 else -_ADVANCE - _RECOVERY * behind
        drifted = _DRIFT * (self._delay - min(max(self._delay, -_BLOCK), _BLOCK))
        self.origin += drifted
        self._delay -= drifted


class PlaybackSchedule(Schedule):
    """The schedule of audio that arrives in bursts: frames are sent when their sound is played.

    Where audio arrives only just in time, a frame has to wait for its lookahead. It then delays
    the rest of its segment, by at most the latency, so that frames stay evenly spaced.
    """

    def __init__(self, queue: PlaybackQueue, fps: int, latency: float) -> None:
        self._queue = queue
        self._fps = fps
        self._max_lag = latency + MARGIN

    def playback_time(self, frame: int) -> float:
        return self._queue.playback_time(frame / self._fps)

    def due(self, frame: int) -> float:
        segment = self._queue.segment(frame / self._fps)
        if segment is None:
            return math.inf
        return self.playback_time(frame) + (segment.lag if segment.sound else self._max_lag)

    def sent(self, frame: int, late: float, waiting: int = 0) -> None:
        segment = self._queue.segment(frame / self._fps)
        if segment is not None and late > 0:
            segment.lag = min(segment.lag + late, self._max_lag)

    def resumed(self) -> float:
        return self._queue.resumed
