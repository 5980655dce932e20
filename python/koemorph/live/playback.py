"""Playback times of audio that arrives in bursts: those of a player that receives it now.

The player has no latency. It plays each sample as soon as it has received it and played the
previous ones, and it is silent while it has none.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SILENCE_AFTER_SECONDS = 0.1
"""Without audio for this long silence follows. A shorter gap only moves the rest of the audio."""
_FIRST_SILENCE_SECONDS = 1.0
"""Likewise before the first audio, so that recordings begin with it when it arrives soon."""
_MAX_SILENCE_SECONDS = 5.0
"""Longer silence at once, after a suspend, is not animated."""
_KEPT_SEGMENTS_SECONDS = 120.0
# A writer in real time whose clock is fast, or that caught up after a stall, leaves a small backlog
# that never shrinks. It is played slightly faster.
_BACKLOG_SECONDS = (0.04, 2.0)
_CATCH_UP = 5e-4
_ARRIVING_SECONDS = 0.25

Int16Array = npt.NDArray[np.int16]


@dataclass
class Segment:
    """A part of the stream that is played without a pause.

    Attributes:
        start: Sample of the stream at which it starts.
        playback_time: When this sample is played, seconds on the session's clock.
        sound: False for inserted silence.
        lag: Seconds after its sound that a frame of the segment is sent.
    """

    start: int
    playback_time: float
    sound: bool
    lag: float = 0.0


class PlaybackQueue:
    """Queued 16-bit mono audio and the segments that map stream time to playback time.

    One thread calls `write`, another one everything else.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._arrivals: deque[tuple[float, Int16Array]] = deque()
        self._odd_byte = b""
        self._written = 0
        # Audio with a playback time that `read` has not returned.
        self._queued: deque[Int16Array] = deque()
        self._placed = 0
        self._last_arrival = -math.inf
        # Samples of the stream, with inserted silence: those returned, and those with a time.
        self._returned = 0
        self._end = 0
        self._segments: deque[Segment] = deque()
        self._started: float | None = None
        self._last_read = 0.0
        self._resumed: int | None = None

    # ---- the writer's thread ----------------------------------------------------------------

    def write(self, data: bytes, now: float) -> None:
        """Add little-endian 16-bit samples that arrived at `now`; they may end with half a one."""
        data = self._odd_byte + data
        size = len(data) // 2 * 2
        self._odd_byte = data[size:]
        if size:
            self._written += size // 2
            self._arrivals.append((now, np.frombuffer(data[:size], "<i2")))

    # ---- the session's thread ---------------------------------------------------------------

    @property
    def waiting_seconds(self) -> float:
        """Seconds of audio that `read` has not returned; any thread may ask."""
        unplaced = self._written - self._placed
        return max(0, self._end - self._returned + unplaced) / self.sample_rate

    @property
    def empty(self) -> bool:
        """Whether `read` has returned everything."""
        return not self._arrivals and self._returned == self._end

    @property
    def silent(self) -> bool:
        """Whether silence is inserted at present."""
        return bool(self._segments) and not self._segments[-1].sound

    @property
    def has_sound(self) -> bool:
        """Whether any audio has been placed."""
        return self._placed > 0

    @property
    def resumed(self) -> float:
        """Stream time of the first audio since the last `interrupt`, inf without any; seconds."""
        return math.inf if self._resumed is None else self._resumed / self.sample_rate

    def read(self, now: float, lead: float = 0.0, ending: bool = False) -> Int16Array:
        """Return the next samples of the stream, with silence where the player has no audio.

        Args:
            now: The time.
            lead: Seconds before its playback that audio is returned.
            ending: No more audio will come, so that no silence follows.
        """
        self._started = now if self._started is None else self._started
        while self._arrivals:
            self._place(*self._arrivals.popleft())
        if not ending:
            self._insert_silence(now)
        elif not self._segments:  # there was no audio at all
            self._begin(now, sound=False)
        self._catch_up(now)
        self._last_read = now
        if not self._segments:
            return np.zeros(0, np.int16)
        last = self._segments[-1]
        due = last.start + math.floor((now + lead - last.playback_time) * self.sample_rate + 1e-6)
        self._discard_segments()
        return self._take(min(due, self._end) - self._returned)

    def playback_time(self, time: float) -> float:
        """Return when a stream time is played, in seconds on the session's clock."""
        segment = self.segment(time)
        if segment is None:
            return math.inf
        return segment.playback_time + time - segment.start / self.sample_rate

    def segment(self, time: float) -> Segment | None:
        """Return the segment of a stream time, None before the first."""
        # Frame times such as 1/30 are rounded; half a sample is no difference.
        sample = time * self.sample_rate + 0.5
        for segment in reversed(self._segments):
            if segment.start <= sample:
                return segment
        return self._segments[0] if self._segments else None

    def interrupt(self, now: float) -> None:
        """Discard all audio that was not returned; silence follows until new audio arrives."""
        self._queued.clear()
        while self._arrivals:
            self._placed += len(self._arrivals.popleft()[1])
        self._end = self._returned
        self._resumed = None
        if self._segments:
            self._begin(now, sound=False)

    # ---- placing ----------------------------------------------------------------------------

    def _end_time(self) -> float:
        """Return when everything placed so far has been played."""
        last = self._segments[-1]
        return last.playback_time + (self._end - last.start) / self.sample_rate

    def _begin(self, playback_time: float, *, sound: bool, lag: float = 0.0) -> None:
        if sound and self._resumed is None:
            self._resumed = self._end
        self._segments.append(Segment(self._end, playback_time, sound, lag))

    def _place(self, arrival: float, samples: Int16Array) -> None:
        """Give audio its playback time."""
        if not self._segments:
            self._begin(arrival, sound=True)
        else:
            gap = arrival - self._end_time()
            if not self.silent and gap >= SILENCE_AFTER_SECONDS:
                self._begin(self._end_time(), sound=False)
            if self.silent:
                self._append_silence(gap)
                self._begin(arrival, sound=True)
            elif gap > 0:
                self._begin(arrival, sound=True, lag=self._segments[-1].lag)
        self._queued.append(samples)
        self._end += len(samples)
        self._placed += len(samples)
        self._last_arrival = arrival

    def _insert_silence(self, now: float) -> None:
        """Insert silence up to `now` when the audio ended some time ago."""
        if not self._segments:
            assert self._started is not None
            if now - self._started >= _FIRST_SILENCE_SECONDS:
                self._begin(now, sound=False)
            return
        gap = now - self._end_time()
        if not self.silent and gap >= SILENCE_AFTER_SECONDS:
            self._begin(self._end_time(), sound=False)
        if self.silent:
            self._append_silence(gap)

    def _append_silence(self, seconds: float) -> None:
        if seconds > _MAX_SILENCE_SECONDS:
            self._begin(self._end_time() + seconds, sound=False)
            return
        count = round(seconds * self.sample_rate)
        if count > 0:
            self._queued.append(np.zeros(count, np.int16))
            self._end += count

    def _catch_up(self, now: float) -> None:
        """Move the audio of a writer in real time earlier while it has a small backlog."""
        minimum, maximum = _BACKLOG_SECONDS
        arriving = now - self._last_arrival < _ARRIVING_SECONDS
        if arriving and self._segments and minimum < self._end_time() - now < maximum:
            self._segments[-1].playback_time -= _CATCH_UP * min(now - self._last_read, 0.1)

    def _take(self, count: int) -> Int16Array:
        parts = []
        while count > 0:
            part = self._queued[0][:count]
            rest = self._queued.popleft()[len(part) :]
            if len(rest):
                self._queued.appendleft(rest)
            parts.append(part)
            count -= len(part)
            self._returned += len(part)
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _discard_segments(self) -> None:
        """Discard segments that no frame still refers to."""
        oldest = self._returned - _KEPT_SEGMENTS_SECONDS * self.sample_rate
        while len(self._segments) > 1 and self._segments[1].start < oldest:
            self._segments.popleft()
