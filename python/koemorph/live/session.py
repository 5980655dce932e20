"""A live session: a loop that reads audio, animates it and sends frames on schedule."""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES
from koemorph.live.clock import Clock
from koemorph.live.schedule import COMPUTE_LEAD, Schedule
from koemorph.live.sources import FloatArray, Source
from koemorph.live.statistics import Statistics
from koemorph.outputs.network import Frame, Output
from koemorph.stream import Stream

_POLL = 0.001
_MAX_WAITING_FRAMES = 4
_BACKLOG_SECONDS = 0.25
"""A frame later than this is dropped, so that displays catch up at once after a dropout."""


class Session:
    """Sends frames from a source to outputs until the source ends or `stop` is called."""

    def __init__(
        self,
        source: Source,
        stream: Stream,
        outputs: Sequence[Output],
        *,
        clock: Clock | None = None,
        retarget: _native.RetargetMap | None = None,
        on_frame: Callable[[Session], None] | None = None,
    ) -> None:
        self.source = source
        self.outputs = outputs
        self.statistics = Statistics()
        self._stream = stream
        self._clock = clock or Clock()
        self._retarget = retarget
        self._on_frame = on_frame
        self._fps: int = stream.info.fps
        self._device = source.sample_rate, source.channels
        self._waiting: deque[FloatArray] = deque()
        self._next = 0
        self._stopped = False

    @property
    def fps(self) -> int:
        """Frames per second."""
        return self._fps

    @property
    def time(self) -> float:
        """Stream time of the next frame in seconds."""
        return self._next / self._fps

    def stop(self) -> None:
        """Stop after the current frame; files still get the frames of all received audio."""
        self._stopped = True

    def run(self, duration: float | None = None) -> None:
        """Run until the source ends, `stop` is called or `duration` seconds; outputs stay open."""
        # A garbage collection would cause jitter; present objects are excluded.
        gc.collect()
        gc.freeze()
        try:
            with self._clock.priority():
                self._run(duration)
        finally:
            gc.unfreeze()

    def _run(self, duration: float | None) -> None:
        schedule = Schedule(
            self._start_source(), self._fps, self._stream.info.latency, self.source.exact
        )
        end = math.inf if duration is None else duration * self._fps
        try:
            while self._next < end and not self._stopped and not self.source.ended:
                self._send_next(schedule)
        finally:  # a broken recording ends with a neutral face, too
            self._finish(schedule, end)

    def _start_source(self) -> float:
        """Start the source and return the capture time of its first sample."""
        began = self._clock.now()
        self.source.start(began)
        if self.source.exact:
            return began
        # A device opens slowly, and its first block may be long.
        while not (count := self._read_audio()) and not self._stopped and not self.source.ended:
            self._clock.sleep_until(self._clock.now() + _POLL)
        return self._clock.now() - count / self.source.sample_rate

    def _read_audio(self) -> int:
        """Animate the audio that has arrived and return its sample count."""
        audio = self.source.read(self._clock.now())
        if len(audio):
            self._update_input_format()
        # In parts: after a suspend it is more than a stream's frame history.
        for start in range(0, len(audio), self.source.sample_rate):
            part = audio[start : start + self.source.sample_rate]
            self.statistics.add_audio(part)
            self._stream.push(part)
            self._collect()
        return len(audio)

    def _update_input_format(self) -> None:
        """Continue the stream with the format of a source that changed its device."""
        device = self.source.sample_rate, self.source.channels
        if device != self._device:
            self._stream.set_input_format(*device)
            self._device = device

    def _collect(self) -> None:
        self._waiting.extend(self._stream.pull().weights)

    def _send_next(self, schedule: Schedule) -> None:
        """Send the next frame at its time, or as soon as its audio has arrived."""
        due = schedule.due(self._next)
        self._clock.sleep_until(due - COMPUTE_LEAD)
        self._read_audio()
        while not self._waiting and not self._stopped and not self.source.ended:
            self._clock.sleep_until(self._clock.now() + _POLL)
            self._read_audio()
        if not self._waiting:
            return
        self._clock.sleep_until(due)
        now = self._clock.now()
        # After a dropout a device delivers a backlog; continue with the newest frames.
        while not self.source.exact and len(self._waiting) > _MAX_WAITING_FRAMES:
            self._send(in_time=False)
            schedule.skipped()
        schedule.sent(now - due if now - due > _POLL else 0.0, len(self._waiting) - 1)
        self._send(now - due < _BACKLOG_SECONDS)
        self.statistics.add_frame(now - schedule.origin - (self._next - 1) / self._fps, now - due)
        if self._on_frame is not None:
            self._on_frame(self)

    def _frame(self, weights: FloatArray) -> Frame:
        """Return the next frame for weights (52,)."""
        names, values = BLENDSHAPES, weights
        if self._retarget is not None:
            names, values = self._retarget.names, self._retarget.apply(weights[None])[0]
        frame = Frame(self._next, self._next / self._fps, self._fps, weights, names, values)
        self._next += 1
        return frame

    def _send(self, in_time: bool) -> None:
        frame = self._frame(self._waiting.popleft())
        if not in_time:
            self.statistics.dropped += 1
        for output in self.outputs:
            if in_time or output.accepts_late_frames:
                output.send(frame)

    def _finish(self, schedule: Schedule, end: float) -> None:
        """Send the frames that wait for their lookahead, then a neutral face to displays."""
        if not self.source.ended:
            self._read_audio()
        self._stream.flush()
        self._collect()
        while self._waiting and self._next < end:
            if not self._stopped:
                self._clock.sleep_until(schedule.due(self._next))
            self._send(in_time=not self._stopped)
            self.statistics.frames += 1
        self._clock.sleep_until(schedule.due(self._next))
        rest = self._frame(np.zeros(len(BLENDSHAPES), np.float32))
        for output in self.outputs:
            if not output.accepts_late_frames:
                output.send(rest, last=True)
