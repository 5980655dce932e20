"""One voice, one loop: wait for a frame's moment, hear, compute, send."""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES
from koemorph.live.clock import Clock
from koemorph.live.schedule import HEAD_START, Schedule
from koemorph.live.sources import FloatArray, Source
from koemorph.live.statistics import Statistics
from koemorph.outputs.network import Frame, Output
from koemorph.stream import Stream

_POLL = 0.001
_LUMP_FRAMES = 4
_BACKLOG_SECONDS = 0.25
"""A frame later than this is not sent any more: after a hiccup the face catches up at once."""


class Session:
    """Carries frames from a source to outputs until the source ends or `stop` is called."""

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
        """Frames a second."""
        return self._fps

    @property
    def time(self) -> float:
        """Stream time of the next frame, seconds."""
        return self._next / self._fps

    def stop(self) -> None:
        """End after the frame under way; frames whose audio has come are still written to files."""
        self._stopped = True

    def run(self, duration: float | None = None) -> None:
        """Run until the source ends, `stop`, or `duration` seconds; outputs are left open."""
        # A collection in mid-frame would show as jitter; what is there now stays.
        gc.collect()
        gc.freeze()
        try:
            with self._clock.priority():
                self._run(duration)
        finally:
            gc.unfreeze()

    def _run(self, duration: float | None) -> None:
        schedule = Schedule(self._begin(), self._fps, self._stream.info.latency, self.source.exact)
        end = math.inf if duration is None else duration * self._fps
        try:
            while self._next < end and not self._stopped and not self.source.ended:
                self._step(schedule)
        finally:  # a recording that is broken in the middle leaves no open mouth
            self._finish(schedule, end)

    def _begin(self) -> float:
        """Start the source; returns when, on the clock, its first sample was spoken."""
        began = self._clock.now()
        self.source.start(began)
        if self.source.exact:
            return began
        # A device takes its time to open, and its first block may be a long one.
        while not (heard := self._hear()) and not self._stopped and not self.source.ended:
            self._clock.sleep_until(self._clock.now() + _POLL)
        return self._clock.now() - heard / self.source.sample_rate

    def _hear(self) -> int:
        """Animate what has arrived; returns how many samples that were."""
        audio = self.source.read(self._clock.now())
        if len(audio):
            self._follow_device()
        # After the program stood still it is more than a stream keeps frames of.
        for start in range(0, len(audio), self.source.sample_rate):
            part = audio[start : start + self.source.sample_rate]
            self.statistics.heard(part)
            self._stream.push(part)
            self._collect()
        return len(audio)

    def _follow_device(self) -> None:
        """Let the voice go on where the source gives what another device has heard."""
        device = self.source.sample_rate, self.source.channels
        if device != self._device:
            self._stream.set_input_format(*device)
            self._device = device

    def _collect(self) -> None:
        self._waiting.extend(self._stream.pull().weights)

    def _step(self, schedule: Schedule) -> None:
        """Send the next frame when it is due, or as soon after as its audio comes."""
        due = schedule.due(self._next)
        self._clock.sleep_until(due - HEAD_START)
        self._hear()
        while not self._waiting and not self._stopped and not self.source.ended:
            self._clock.sleep_until(self._clock.now() + _POLL)
            self._hear()
        if not self._waiting:
            return
        self._clock.sleep_until(due)
        now = self._clock.now()
        # After a device's hiccup its sound comes in one lump: on with the newest.
        while not self.source.exact and len(self._waiting) > _LUMP_FRAMES:
            self._send(in_time=False)
            schedule.skipped()
        schedule.sent(now - due if now - due > _POLL else 0.0, len(self._waiting) - 1)
        self._send(now - due < _BACKLOG_SECONDS)
        self.statistics.sent(now - schedule.origin - (self._next - 1) / self._fps, now - due)
        if self._on_frame is not None:
            self._on_frame(self)

    def _frame(self, weights: FloatArray) -> Frame:
        """The next frame, of weights (52,)."""
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
        """The frames before `end` that wait for their lookahead, then a face at rest to see."""
        if not self.source.ended:
            self._hear()
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
