"""Live sessions: read audio, animate it and send the frames on schedule; several at once."""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls
from koemorph.errors import KoemorphError
from koemorph.live.clock import Clock
from koemorph.live.interruption import Interruption
from koemorph.live.schedule import COMPUTE_LEAD, DeviceSchedule, Schedule
from koemorph.live.sources import FloatArray, Source
from koemorph.live.statistics import Statistics
from koemorph.outputs.network import Frame, Output
from koemorph.retarget import RetargetMap
from koemorph.stream import Stream

_POLL = 0.001
_PART_SECONDS = 0.2
"""Less than the audio buffer of a stream in a batch."""
_BACKLOG_SECONDS = 0.25
"""A frame later than this is dropped, so that displays catch up at once after a dropout."""


@dataclass
class _Held:
    """A frame that waits for its send time; `latency` is that of its sound without a delay."""

    index: int
    weights: FloatArray
    due: float
    latency: float
    late: float
    in_time: bool


class Session:
    """Sends frames from a source to outputs until the source ends or `stop` is called.

    `run` or `run_sessions` runs it. `stop`, `interrupt` and `set_controls` may be called from any
    thread and from signal handlers.

    Args:
        source: The audio.
        stream: A new stream with the source's format.
        outputs: Where the frames are sent; they stay open.
        name: The stream's name in frames and status messages.
        clock: The time.
        retarget: A retarget map for outputs that send names.
        delay: Seconds after its capture or arrival that the sound is played elsewhere: frames are
            sent that much later.
        on_frame: Called after each frame.
    """

    def __init__(
        self,
        source: Source,
        stream: Stream,
        outputs: Sequence[Output],
        *,
        name: str = "",
        clock: Clock | None = None,
        retarget: RetargetMap | None = None,
        delay: float = 0.0,
        on_frame: Callable[[Session], None] | None = None,
    ) -> None:
        self.source = source
        self.outputs = outputs
        self.name = name
        self.statistics = Statistics()
        self._stream = stream
        self._controls = stream.controls
        self._clock = clock or Clock()
        self._retarget = retarget
        self._delay = delay
        self._on_frame = on_frame
        self._fps: int = stream.info.fps
        self._device = source.sample_rate, source.channels
        self._requests: deque[Callable[[], None]] = deque()
        self._schedule: Schedule | None = None
        self._last_read = 0.0
        # Frames that were computed, then those that wait for their send time.
        self._waiting: deque[FloatArray] = deque()
        self._held: deque[_Held] = deque()
        self._next = 0
        self._end = math.inf
        self._last_weights = np.zeros(len(BLENDSHAPES), np.float32)
        self._last_index = -1
        self._interruption: Interruption | None = None
        self._stopped = False
        self._flushed = False
        self._failure: KoemorphError | None = None
        self._done = False

    @property
    def fps(self) -> int:
        """Frames per second."""
        return self._fps

    @property
    def time(self) -> float:
        """Stream time after the last frame that was sent, in seconds."""
        return (self._last_index + 1) / self._fps

    def stop(self) -> None:
        """Stop after the current frame; files still get the frames of all received audio."""
        self._stopped = True

    def interrupt(self) -> None:
        """Discard queued audio and frames and fade to rest; the next audio is animated at once."""
        self._requests.append(self._interrupt)

    def set_controls(self, controls: Controls) -> None:
        """Change the stream's controls, with a transition.

        Raises:
            ValueError: A value is out of range.
        """
        controls.check()
        chosen = controls.copy()
        self._controls = chosen

        def apply() -> None:
            self._stream.controls = chosen

        self._requests.append(apply)

    @property
    def controls(self) -> Controls:
        """A copy of the controls, as `set_controls` set them last."""
        return self._controls.copy()

    def run(self, duration: float | None = None) -> None:
        """Run until the source ends, `stop` is called or `duration` seconds; outputs stay open.

        Raises:
            KoemorphError: The source failed; the outputs have received a neutral frame.
        """
        run_sessions([self], duration)

    # ---- one step of the loop ---------------------------------------------------------------

    def _start(self, duration: float | None) -> None:
        now = self._clock.now()
        self._end = math.inf if duration is None else duration * self._fps
        self.source.start(now)
        self._schedule = self.source.schedule(now, self._fps, self._stream.info.latency)
        self._last_read = now

    def _wake_time(self) -> float:
        """Return when the session needs its next step."""
        times = [self._last_read + self.source.poll_seconds]
        if self._held:
            times.append(self._held[0].due + self._delay)
        if self._stopped:
            times.append(self._last_read)
        elif self._schedule is None:  # a device opens slowly
            times.append(self._last_read + _POLL)
        elif self._ended:
            if not self._held:
                times.append(self._schedule.due(self._next) + self._delay)
        elif self._waiting:
            times.append(self._schedule.due(self._next))
        else:
            # Repeatedly, when the audio of the next frame is late.
            due = self._schedule.due(self._next) - COMPUTE_LEAD
            times.append(max(due, self._last_read + _POLL))
        return min(times)

    def _receive(self, now: float) -> None:
        """Read the audio that has arrived and push it."""
        while self._requests:
            self._requests.popleft()()
        if self._flushed:
            self._last_read = now
            return
        try:
            count = self._read_audio(now)
        except KoemorphError as error:
            self._failure, count = error, 0
        ending = self._stopped or self.source.ended or self._failure is not None
        if self._schedule is None and (count or ending):
            # Its first block may be long.
            origin = now - count / self.source.sample_rate
            latency = self._stream.info.latency
            self._schedule = DeviceSchedule(origin, self._fps, latency, exact=False)
        if ending:
            self._stream.flush()
            self._flushed = True

    def _read_audio(self, now: float) -> int:
        """Push the audio that has arrived and return its sample count."""
        self._last_read = now
        audio = self.source.read(now)
        if len(audio):
            self._update_input_format()
        # In parts: after a suspend it is more than a stream's frame history.
        size = max(1, int(_PART_SECONDS * self.source.sample_rate))
        for start in range(0, len(audio), size):
            part = audio[start : start + size]
            self.statistics.add_audio(part)
            self._stream.push(part)
            if self._stream.batch is not None and len(audio) > size:
                self._stream.batch.process()
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

    def _advance(self, now: float) -> None:
        """Send what is due; the frames have been computed."""
        self._collect()
        if self._schedule is None:
            return
        while self._waiting and self._next < self._end and self._is_due(now):
            self._hold_next(now)
        while self._held and (self._stopped or self._held[0].due + self._delay <= now):
            self._send(self._held.popleft())
        if self._ended and not self._held and self._is_due(now, self._delay):
            self._finish()

    @property
    def _ended(self) -> bool:
        """Whether every frame has its send time."""
        return self._next >= self._end or (self._flushed and not self._waiting)

    def _is_due(self, now: float, delay: float = 0.0) -> bool:
        assert self._schedule is not None
        return self._stopped or self._schedule.due(self._next) + delay <= now

    def _hold_next(self, now: float) -> None:
        """Give the next frame its send time: its regular one, or now when its audio was late."""
        schedule = self._schedule
        assert schedule is not None
        # After a dropout a device delivers a backlog; continue with the newest frames.
        while len(self._waiting) > schedule.max_waiting and not self._stopped:
            self._append_held(now, in_time=False)
            schedule.skipped()
        late = now - schedule.due(self._next)
        schedule.sent(self._next, late if late > _POLL else 0.0, len(self._waiting) - 1)
        self._append_held(now, in_time=not self._stopped, late=late)

    def _append_held(self, now: float, *, in_time: bool, late: float = 0.0) -> None:
        assert self._schedule is not None
        latency = now - self._schedule.playback_time(self._next)
        frame = _Held(self._next, self._waiting.popleft(), now, latency, late, in_time)
        self._held.append(frame)
        self._next += 1

    # ---- sending ----------------------------------------------------------------------------

    def _send(self, held: _Held) -> None:
        waited = self._clock.now() - held.due - self._delay
        in_time = held.in_time and held.late + max(0.0, waited) < _BACKLOG_SECONDS
        if self._interruption is not None:
            assert self._schedule is not None
            time, resumed = held.index / self._fps, self._schedule.resumed()
            held.weights, over = self._interruption.apply(time, held.weights, resumed)
            self._interruption = None if over else self._interruption
        self._last_weights, self._last_index = held.weights, held.index
        frame = self._frame(held.index, held.weights)
        if not in_time:
            self.statistics.dropped += 1
        for output in self.outputs:
            if in_time or output.accepts_late_frames:
                output.send(frame)
        self.statistics.add_frame(held.latency + waited, held.late + waited)
        if self._on_frame is not None:
            self._on_frame(self)

    def _frame(self, index: int, weights: FloatArray) -> Frame:
        """Return a frame for weights (52,)."""
        names, values = BLENDSHAPES, weights
        if self._retarget is not None:
            names, values = self._retarget.names, self._retarget.apply(weights[None])[0]
        return Frame(index, index / self._fps, self._fps, weights, names, values, self.name)

    def _finish(self) -> None:
        """Send a neutral face to displays."""
        rest = self._frame(self._next, np.zeros(len(BLENDSHAPES), np.float32))
        for output in self.outputs:
            if not output.accepts_late_frames:
                output.send(rest, last=True)
        self._done = True

    def _interrupt(self) -> None:
        now = self._clock.now()
        self.source.interrupt(now)
        # All frames whose audio was pushed.
        lookahead = math.ceil(self._stream.info.latency * self._fps)
        end = (self._next + len(self._waiting) + lookahead) / self._fps
        self._interruption = Interruption(self._last_weights, self._last_index / self._fps, end)


def run_sessions(sessions: Sequence[Session], duration: float | None = None) -> None:
    """Run sessions in the calling thread until all have ended.

    Streams of one `koemorph.StreamBatch` are computed together. All sessions get the clock of the
    first one.

    Args:
        sessions: The sessions.
        duration: Seconds after which to stop; None for no limit.

    Raises:
        KoemorphError: A source failed; the other sessions ran to their end.
    """
    clock = sessions[0]._clock
    for session in sessions:
        session._clock = clock
    # A garbage collection would cause jitter; present objects are excluded.
    gc.collect()
    gc.freeze()
    try:
        with clock.priority():
            _run(sessions, duration, clock)
    finally:
        gc.unfreeze()
    for session in sessions:
        if session._failure is not None:
            raise session._failure


def _run(sessions: Sequence[Session], duration: float | None, clock: Clock) -> None:
    for session in sessions:
        session._start(duration)
    batches = {id(batch): batch for each in sessions if (batch := each._stream.batch) is not None}
    active = list(sessions)
    try:
        while active:
            clock.sleep_until(min(session._wake_time() for session in active))
            for session in active:
                session._receive(clock.now())
            for batch in batches.values():
                batch.process()
            for session in active:
                session._advance(clock.now())
            active = [session for session in active if not session._done]
    except BaseException:
        # Receivers get a neutral face, whatever ended the loop.
        for session in active:
            session._finish()
        raise
