"""Live sessions: complete, punctual, and robust against failing sources and receivers."""

from __future__ import annotations

import gc
import io
import itertools
import os
import struct
import tracemalloc
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from chord import chord
from rich.cells import cell_len
from simulated_clock import SimulatedClock

from koemorph.audio import open_audio
from koemorph.controls import load_preset
from koemorph.live.clock import Clock, realtime_priority
from koemorph.live.outputs import time_of_day_frame
from koemorph.live.schedule import DeviceSchedule
from koemorph.live.session import Session
from koemorph.live.sources import FloatArray, RecordingSource, Source
from koemorph.live.status import StatusLine, meter
from koemorph.model import Model
from koemorph.outputs.jsonl import read_jsonl
from koemorph.outputs.livelink import LiveLinkOutput
from koemorph.outputs.network import Frame, Output
from koemorph.outputs.stream_file import JsonlOutput
from koemorph.outputs.udp import JsonUdpOutput


class Collector(Output):
    """Stores frames with their arrival times."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("collector")
        self.clock = clock
        self.frames: list[tuple[float, int, np.ndarray]] = []

    def write(self, frame: Frame) -> None:
        self.frames.append((self.clock.now(), frame.index, frame.weights))


class Noise(Source):
    """Endless noise, available exactly at its time."""

    sample_rate, channels, exact = 16000, 1, True

    def start(self, now: float) -> None:
        self._began, self._given = now, 0
        self._block = np.random.default_rng(0).normal(0, 0.1, (16000, 1)).astype(np.float32)

    def read(self, now: float) -> FloatArray:
        count = int((now - self._began) * self.sample_rate + 0.01) - self._given
        self._given += count
        return np.resize(self._block, (count, 1))


@pytest.fixture(scope="module")
def tiny(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


def test_a_live_recording_has_the_frames_of_animate(
    tiny: Model, speech: Path, tmp_path: Path
) -> None:
    clock, source = SimulatedClock(), RecordingSource(speech)
    collector, file = Collector(clock), JsonlOutput(tmp_path / "live.jsonl")
    stream = tiny.stream(source.sample_rate, source.channels)
    session = Session(source, stream, [collector, file], clock=clock)
    session.run()
    file.close()
    source.close()
    offline = tiny.animate(speech)
    recorded = read_jsonl(tmp_path / "live.jsonl")
    frames = len(offline)
    assert session.statistics.frames == len(recorded)
    assert abs(len(recorded) - frames) <= 1
    np.testing.assert_allclose(
        recorded.weights[:frames], offline.weights[: len(recorded)], atol=2e-6
    )
    assert [index for _, index, _ in collector.frames] == list(range(len(recorded) + 1))
    # After the last frame, displays get a neutral face.
    np.testing.assert_array_equal(collector.frames[-1][2], 0)
    # From sample to packet, including the model's lookahead.
    times = np.array([at for at, _, _ in collector.frames[:-1]])
    latency = times - np.arange(len(times)) / 30
    assert latency.max() < 0.05
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=1e-9)


@pytest.mark.parametrize("fps", [30, 60])
def test_a_session_ends_after_its_duration(tiny_models: dict[int, Path], fps: int) -> None:
    clock, source = SimulatedClock(), Noise()
    collector = Collector(clock)
    stream = Model(tiny_models[fps]).stream(16000)
    session = Session(source, stream, [collector], clock=clock)
    session.run(1.5)
    rest = collector.frames.pop()
    assert session.statistics.frames == len(collector.frames) == rest[1] == 1.5 * fps


def test_a_long_session_neither_drifts_nor_grows(tiny: Model) -> None:
    clock = SimulatedClock()
    source, output = Noise(), JsonUdpOutput("127.0.0.1", 9)
    session = Session(source, tiny.stream(16000), [output], clock=clock)
    marks: list[tuple[float, int]] = []

    def watch(running: Session) -> None:
        if running.statistics.frames in (600, 1500):
            gc.collect()
            marks.append((clock.now() - running.time, tracemalloc.get_traced_memory()[0]))

    session._on_frame = watch
    tracemalloc.start()
    try:
        session.run(duration=51)
    finally:
        tracemalloc.stop()
        output.close()
    (early_lag, early_bytes), (late_lag, late_bytes) = marks
    assert late_lag == pytest.approx(early_lag, abs=1e-6)
    assert late_bytes - early_bytes < 60_000
    assert session.statistics.dropped == 0


class RepeatedRecording(RecordingSource):
    """A recording, repeated forever."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with open_audio(path) as recording:
            sound = np.concatenate(list(recording.blocks))
        self._blocks = itertools.repeat(sound)


HOURS = float(os.environ.get("KOEMORPH_LIVE_HOURS", "0"))


@pytest.mark.skipif(not HOURS, reason="takes minutes; set KOEMORPH_LIVE_HOURS=8 to run it")
def test_a_bundled_model_runs_for_hours(speech: Path, tmp_path: Path) -> None:
    """Print a table: KOEMORPH_LIVE_HOURS=8 pytest -s tests/python/test_live.py -k for_hours."""
    clock, source = SimulatedClock(), RepeatedRecording(speech)
    outputs = [JsonUdpOutput("127.0.0.1", 9), LiveLinkOutput("127.0.0.1", 9, "Long", 0)]
    outputs.append(JsonlOutput(tmp_path / "live.jsonl"))
    stream = Model("30").stream(source.sample_rate, source.channels)
    session = Session(source, stream, outputs, clock=clock)
    marks: list[tuple[float, float]] = []

    def watch(running: Session) -> None:
        # After one minute, then every half hour.
        if running.statistics.frames % 54000 == 1800:
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            marks.append((clock.now() - running.time, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))
            lag, megabytes = marks[-1]
            print(f"{clock.now() / 3600:6.2f} h  {1000 * lag:.6f} ms behind  {megabytes:.1f} MB")

    session._on_frame = watch
    session.run(duration=HOURS * 3600)
    for output in outputs:
        output.close()
    lags, sizes = zip(*marks, strict=True)
    assert max(lags) - min(lags) < 1e-6
    assert max(sizes) - sizes[0] < 2
    assert session.statistics.dropped == 0


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="the system has no such call")
def test_realtime_priority_ends_with_its_block() -> None:
    with realtime_priority() as allowed:
        assert (os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR) == allowed
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_late_audio_delays_only_an_inexact_source() -> None:
    schedule = DeviceSchedule(0.0, 30, 0.033, exact=False)
    before = schedule.due(10)
    schedule.sent(10, 0.2)
    assert schedule.due(10) == pytest.approx(before + 0.2, abs=1e-4)
    for _ in range(4000):
        schedule.sent(10, 0.0)
    assert schedule.due(10) == pytest.approx(before, abs=0.02)
    exact = DeviceSchedule(0.0, 30, 0.033, exact=True)
    exact.sent(10, 0.2)
    assert exact.due(10) == pytest.approx(before)


@pytest.mark.parametrize("clock_error", [-1e-4, 1e-4])
def test_the_schedule_follows_a_drifting_clock_for_eight_hours(clock_error: float) -> None:
    schedule = DeviceSchedule(0.0, 30, 0.033, exact=False)
    latencies, lates = [], []
    for frame in range(8 * 3600 * 30):
        heard = (frame / 30 + 0.033) * (1 + clock_error)
        late = max(0.0, heard - schedule.due(frame))
        schedule.sent(frame, late if late > 0.001 else 0.0)
        latencies.append(max(schedule.due(frame), heard) - heard)
        lates.append(late)
    assert max(latencies) < 0.03
    assert np.percentile(lates, 99) < 0.002
    # Otherwise the reported latency would be off by seconds.
    assert schedule.origin == pytest.approx(8 * 3600 * clock_error, abs=0.1)


def test_a_dropout_is_caught_up_and_files_keep_every_frame(tiny: Model, tmp_path: Path) -> None:
    clock = SimulatedClock()
    collector, file = Collector(clock), JsonlOutput(tmp_path / "live.jsonl")
    session = Session(Noise(), tiny.stream(16000), [collector, file], clock=clock)

    def suspend(running: Session) -> None:
        if running.statistics.frames == 20:
            clock.time += 2.0

    session._on_frame = suspend
    session.run(duration=5)
    file.close()
    assert session.statistics.dropped > 40
    assert len(read_jsonl(tmp_path / "live.jsonl")) >= 150
    at, index, _ = collector.frames[-2]
    assert at - index / 30 < 0.1


@pytest.mark.parametrize("exact", [True, False])
def test_a_long_suspend_loses_no_frame_of_a_file(tiny: Model, tmp_path: Path, exact: bool) -> None:
    clock, source = SimulatedClock(), Noise()
    source.exact = exact
    collector, file = Collector(clock), JsonlOutput(tmp_path / "live.jsonl")
    session = Session(source, tiny.stream(16000), [collector, file], clock=clock)

    def stand(running: Session) -> None:  # as after Ctrl-Z
        if running.statistics.frames == 20:
            clock.time += 25.0

    session._on_frame = stand
    session.run(duration=30)
    file.close()
    assert len(read_jsonl(tmp_path / "live.jsonl")) == 900
    # Receivers get current frames at once.
    at, index, _ = next(frame for frame in collector.frames if frame[0] > 25)
    assert at - index / 30 < 0.5
    at, index, _ = collector.frames[-2]
    assert at - index / 30 < 0.1


class Devices(Source):
    """One sound from successive devices: sample rate (Hz), channels, start and end (s)."""

    exact = True

    def __init__(self, *devices: tuple[int, int, float, float]) -> None:
        self._devices = list(devices)
        self.sample_rate, self.channels, self._from, _ = devices[0]
        self._given = 0

    def start(self, now: float) -> None:
        self._began = now - self._from

    def read(self, now: float) -> FloatArray:
        rate, channels, begin, end = self._devices[0]
        self.sample_rate, self.channels = rate, channels
        sound = chord(rate, begin, min(end, now - self._began + 1e-6))[self._given :]
        self._given += len(sound)
        if now - self._began >= end:
            self._devices, self._given = self._devices[1:], 0
            self.ended = not self._devices
        return np.repeat(sound[:, None], channels, axis=1)


def send_devices(*devices: tuple[int, int, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return when each frame was sent, and its weights."""
    clock, source = SimulatedClock(), Devices(*devices)
    stream = Model("30-fast").stream(
        source.sample_rate, source.channels, controls=load_preset("raw")
    )
    collector = Collector(clock)
    Session(source, stream, [collector], clock=clock).run()
    times, _, weights = zip(*collector.frames[:-1], strict=True)
    return np.array(times), np.stack(weights)


def test_a_stream_continues_with_another_device() -> None:
    times, changed = send_devices((48000, 1, 0, 1.01), (44100, 2, 1.01, 2.02), (48000, 1, 2.02, 3))
    _, one = send_devices((48000, 1, 0, 3))
    assert len(changed) == len(one) == 90  # no gap
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=0.002)
    np.testing.assert_allclose(changed, one, atol=0.01)
    # A new stream without history differs more.
    _, fresh = send_devices((44100, 2, 1.01, 2.02))
    assert np.abs(fresh[1:20] - one[32:51]).max() > 0.06


@pytest.mark.parametrize("rate", [60, 20, 7, 1])
def test_the_last_frame_is_neutral_at_any_rate(tiny: Model, rate: float) -> None:
    clock = SimulatedClock()
    collector = Collector(clock)
    collector.max_rate = rate
    Session(Noise(), tiny.stream(16000), [collector], clock=clock).run(duration=1)
    weights = [weights for _, _, weights in collector.frames]
    assert any(before.any() for before in weights[:-1])
    assert not weights[-1].any()


class ClosedTerminal(io.StringIO):
    """A closed terminal."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_closed_terminal_does_not_end_the_session(tiny: Model) -> None:
    clock, line = SimulatedClock(), StatusLine(ClosedTerminal())
    output = Collector(clock)
    session = Session(Noise(), tiny.stream(16000), [output], clock=clock, on_frame=line.show)
    session.run(1)
    line.finish([session])
    assert len(output.frames) > 30


def test_the_status_line_reports_errors(tiny: Model) -> None:
    assert meter(0) == "█" * 10
    assert meter(-200).strip() == ""
    stream, clock = io.StringIO(), SimulatedClock()
    source, line = Noise(), StatusLine(stream)
    source.error = "the microphone was lost"
    output = Collector(clock)
    session = Session(source, tiny.stream(16000), [output], clock=clock, on_frame=line.show)
    session.run(1)
    assert stream.getvalue() == "the microphone was lost\n"
    output.error = "No space left on device"
    line.finish([session])
    assert stream.getvalue().endswith("; collector: No space left on device\n")


@pytest.mark.parametrize(("columns", "trouble"), [(80, ""), (80, "声" * 30), (30, ""), (200, "x")])
def test_the_status_line_never_wraps(tiny: Model, columns: int, trouble: str) -> None:
    pty, fcntl, termios = map(pytest.importorskip, ("pty", "fcntl", "termios"))
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        line = StatusLine(stream)
        source = Noise()
        source.error = trouble
        clock = SimulatedClock()
        outputs = [Collector(clock)]
        session = Session(source, tiny.stream(16000), outputs, clock=clock, on_frame=line.show)
        session.run(1)
        *_, shown = os.read(main, 65536).decode().split("\r\x1b[K")
    os.close(main)
    assert cell_len(shown) < columns
    assert " dB" in shown
    assert ("声" in shown) == ("声" in trouble)
    assert ("sent" in shown) == (columns == 200)


def test_frame_numbers_start_at_the_time_of_day() -> None:
    assert time_of_day_frame(30, datetime(2026, 1, 1, 1, 0, 2)) == 30 * 3602
