"""Audio in bursts: frames are sent when a player of the same audio plays their sound."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_clock import SimulatedClock
from waiting import wait_for

from koemorph.blendshapes import INDEX
from koemorph.errors import AudioError
from koemorph.live.playback import SILENCE_AFTER_SECONDS, PlaybackQueue
from koemorph.live.session import Session
from koemorph.live.sources import FloatArray, PipeSource, QueueSource
from koemorph.model import Model
from koemorph.outputs.network import Frame, Output

RATE = 16000


class Receiver(Output):
    """Stores frames with their arrival times."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__("receiver")
        self.clock = clock
        self.times: list[float] = []
        self.frames: list[Frame] = []

    def write(self, frame: Frame) -> None:
        self.times.append(self.clock.now())
        self.frames.append(frame)


class Recorded(QueueSource):
    """Stores what the source returns: the stream's audio."""

    def __init__(self, sample_rate: int, clock: SimulatedClock) -> None:
        super().__init__(sample_rate, clock)
        self.parts: list[FloatArray] = []

    def read(self, now: float) -> FloatArray:
        samples = super().read(now)
        self.parts.append(samples)
        return samples

    @property
    def audio(self) -> np.ndarray:
        return np.concatenate(self.parts)[:, 0]


class Run:
    """A session of `pieces`: (time of the writing, seconds of audio, value of its samples)."""

    def __init__(
        self,
        model: Model,
        pieces: list[tuple[float, float, int]],
        delay: float = 0.0,
        rate: int = RATE,
        finish: float = 0.0,
    ) -> None:
        self.clock = SimulatedClock()
        queue = self.source = Recorded(rate, self.clock)
        self.receiver = Receiver(self.clock)
        self.fps, self.rate = model.fps, rate
        self.session = Session(
            self.source, model.stream(rate), [self.receiver], clock=self.clock, delay=delay
        )
        end = finish
        for time, seconds, value in pieces:
            data = np.full(round(seconds * rate), value, "<i2").tobytes()
            self.clock.at(time, lambda data=data: queue.write(data))
            end = max(end, time) + seconds
        self.clock.at(end + 0.5, queue.finish)

    def lags(self, value: int, heard: float) -> np.ndarray:
        """Return the lags of the frames within the audio of a value, which is heard at `heard`."""
        samples = np.flatnonzero(np.rint(self.source.audio * 32768) == value)
        begin, end = samples[0] / self.rate, (samples[-1] + 1) / self.rate
        return np.array(
            [
                time - (heard + frame.time - begin)
                for time, frame in zip(self.receiver.times, self.receiver.frames, strict=True)
                if begin <= frame.time < end - self.session._stream.info.latency
            ]
        )

    def check_complete(self) -> None:
        indices = [frame.index for frame in self.receiver.frames]
        assert indices == list(range(len(indices)))
        assert self.session.statistics.dropped == 0


@pytest.fixture(scope="module")
def tiny(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


@settings(max_examples=60, deadline=None)
@given(
    rate=st.integers(8000, 48000),
    chunks=st.lists(st.tuples(st.floats(0, 0.6), st.integers(1, 12000)), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 4001), min_size=1, max_size=4),
    step=st.floats(0.002, 0.05),
)
def test_playback_times_are_those_of_an_ideal_player(
    rate: int, chunks: list[tuple[float, int]], cuts: list[int], step: float
) -> None:
    """Any bursts and pauses, in writes of any byte count, read at any interval."""
    queue, writes, expected = PlaybackQueue(rate), [], []
    now, end, shortened = 0.0, 0.0, 0.0
    for value, (pause, count) in enumerate(chunks, start=1):
        now += pause
        if value > 1 and 0 < now - end < SILENCE_AFTER_SECONDS:
            shortened += now - end
        end = max(now, end)
        expected.append((value, end))
        end += count / rate
        data = np.full(count, value, "<i2").tobytes()
        while data:
            size = cuts[len(writes) % len(cuts)]
            writes.append((now, data[:size]))
            data = data[size:]
    stream = [queue.read(0.0, 0.04)]
    time = 0.0
    while time < end + 0.5:
        time += step
        while writes and writes[0][0] <= time:
            queue.write(writes[0][1], writes[0][0])
            writes.pop(0)
        stream.append(queue.read(time, 0.04))
    audio = np.concatenate(stream)
    # No sample is lost and none is out of order.
    np.testing.assert_array_equal(
        audio[audio != 0], np.repeat(np.arange(1, len(chunks) + 1), [n for _, n in chunks])
    )
    for value, heard in expected:
        first = np.flatnonzero(audio == value)[0]
        assert queue.playback_time(first / rate) == pytest.approx(heard, abs=0.004)
    # The stream is in real time, but for gaps that are too short for silence.
    duration = time - chunks[0][0] - shortened
    assert len(audio) / rate == pytest.approx(duration, abs=0.01)


def test_utterances_after_pauses_are_in_time(tiny: Model) -> None:
    pieces = [(0.3, 1.0, 1), (2.817, 0.5, 2), (4.2, 3.0, 3), (7.9, 0.7, 4), (17.9, 0.4, 5)]
    run = Run(tiny, pieces)
    run.session.run()
    run.check_complete()
    for time, seconds, value in pieces:
        lags = run.lags(value, time)
        assert len(lags) >= seconds * run.fps - 3
        assert lags.min() > -0.002
        assert lags.max() < 0.035
    assert len(run.receiver.frames) == pytest.approx((18.8 - 0.3) * run.fps, abs=5)


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_chunks_in_real_time_give_evenly_spaced_frames(tiny: Model, rate: int) -> None:
    random = np.random.default_rng(1)
    pieces = [(0.2 + 0.02 * i + random.uniform(0, 0.008), 0.02, 1) for i in range(150)]
    run = Run(tiny, pieces, rate=rate)
    run.session.run()
    run.check_complete()
    lags = run.lags(1, 0.2)
    assert lags.min() > 0
    assert lags.max() < 0.05
    speech = np.diff(run.receiver.times[10:80])
    np.testing.assert_allclose(speech, 1 / 30, atol=0.003)


def test_a_backlog_at_the_start_is_sent_in_time_with_its_true_latency(tiny: Model) -> None:
    run = Run(tiny, [(0.0, 10.0, 1)])
    run.session.run()
    run.check_complete()
    lags = run.lags(1, 0.0)
    assert len(lags) > 295
    assert np.abs(lags).max() < 0.01
    reported = run.session.statistics.summary()["latency_p50_ms"] / 1000
    assert reported == pytest.approx(float(np.median(lags)), abs=0.001)


def test_a_stall_within_an_utterance_delays_the_rest(tiny: Model) -> None:
    run = Run(tiny, [(0.0, 1.0, 1), (1.06, 1.0, 2), (2.5, 1.0, 3)])
    run.session.run()
    run.check_complete()
    for value, heard in ((1, 0.0), (2, 1.06), (3, 2.5)):
        lags = run.lags(value, heard)
        assert lags.min() > -0.002
        assert lags.max() < 0.05
    # 0.44 s of silence, and none in the short stall.
    assert np.count_nonzero(run.source.audio == 0) == pytest.approx(0.94 * RATE, abs=200)


def test_delay_sends_frames_later(tiny: Model) -> None:
    for delay in (0.0, 0.4):
        run = Run(tiny, [(0.2, 1.0, 1), (2.0, 1.0, 2)], delay=delay)
        run.session.run()
        run.check_complete()
        for value, written in ((1, 0.2), (2, 2.0)):
            assert np.median(run.lags(value, written)) == pytest.approx(delay, abs=0.035)
            assert np.ptp(run.lags(value, written)) < 0.035
        # The latency is that of the sound that is heard, with its delay.
        assert run.session.statistics.summary()["latency_p50_ms"] < 40


def speech_run(model: Model, speech: Path, **settings: float) -> tuple[Run, np.ndarray]:
    samples, rate = soundfile.read(speech, dtype="int16")
    return Run(model, [], rate=rate, **settings), samples


def jaw_after(run: Run, time: float) -> float:
    """Return the largest jawOpen of the frames that were sent after a time."""
    pairs = zip(run.receiver.times, run.receiver.frames, strict=True)
    return max(float(f.weights[INDEX["jawOpen"]]) for at, f in pairs if at > time)


@pytest.mark.parametrize("model", ["30", "60"])
@pytest.mark.parametrize("cut", [0.8, 3.1])
def test_the_mouth_closes_when_the_writer_stops(speech: Path, model: str, cut: float) -> None:
    run, samples = speech_run(Model(model), speech, finish=cut + 1.0)
    queue = run.source
    for start in range(0, int(cut * run.rate), run.rate // 50):  # in real time
        data = samples[start : min(start + run.rate // 50, int(cut * run.rate))].tobytes()
        run.clock.at(start / run.rate, lambda data=data: queue.write(data))
    run.session.run()
    assert jaw_after(run, cut - 0.2) > 0.15
    assert jaw_after(run, cut + 0.3) < 0.02


@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_an_interruption_discards_the_queue_and_fades_to_rest(speech: Path, delay: float) -> None:
    cut = 3.1 + delay
    run, samples = speech_run(Model("30"), speech, delay=delay, finish=cut + 3)
    queue = run.source
    run.clock.at(0.0, lambda: queue.write(samples.tobytes() + b"\1"))  # half a sample more
    run.clock.at(cut, run.session.interrupt)
    second = samples[: run.rate]
    run.clock.at(cut + 0.5, lambda: queue.write(b"\0" + second.tobytes()))
    run.session.run()
    run.check_complete()
    jaw = np.array([frame.weights[INDEX["jawOpen"]] for frame in run.receiver.frames])
    times = np.array(run.receiver.times)
    assert jaw[np.searchsorted(times, cut) - 1] > 0.15
    assert jaw[(times > cut + 0.3) & (times < cut + 0.5)].max() < 0.01
    # Smooth: no jump in the fade.
    assert np.abs(np.diff(jaw[(times > cut - 0.05) & (times < cut + 0.5)])).max() < 0.08
    # The next audio is complete and in time.
    spoken = np.flatnonzero(times > cut + 0.5 + delay)
    alone = Model("30").animate(second, sample_rate=run.rate).weights[:, INDEX["jawOpen"]]
    got = jaw[spoken]
    shift = max(range(5), key=lambda n: np.corrcoef(got[n : n + 29], alone[:29])[0, 1])
    assert times[spoken[shift]] - (cut + 0.5 + delay) == pytest.approx(0, abs=0.05)
    assert np.corrcoef(got[shift : shift + 29], alone[:29])[0, 1] > 0.9
    assert got.max() > 0.2
    assert len(run.source.audio) < (cut + 4) * run.rate
    assert queue.waiting_seconds == 0


def test_an_interrupted_utterance_can_be_followed_at_once(tiny: Model) -> None:
    run = Run(tiny, [(0.0, 5.0, 1)])
    queue = run.source
    run.clock.at(1.0, run.session.interrupt)
    run.clock.at(1.05, lambda: queue.write(np.full(RATE, 2, "<i2").tobytes()))
    run.session.run()
    run.check_complete()
    lags = run.lags(2, 1.05)
    assert lags.min() > -0.002
    assert lags.max() < 0.05


def test_a_source_without_audio_gives_silence_and_an_error() -> None:
    reading, writing = os.pipe()
    clock = SimulatedClock()
    source = PipeSource(reading, RATE, clock)
    source.start(0.0)
    source.schedule(0.0, 30, 0.033)
    assert len(source.read(0.0)) == len(source.read(0.9)) == 0
    assert source.error == ""
    assert len(source.read(1.1)) == 0
    assert len(source.read(2.1)) == RATE
    assert "no audio" in source.error
    os.write(writing, b"\1\0" * 100)
    wait_for(lambda: source.waiting_seconds > 0)
    source.read(2.2)
    assert source.error == ""
    os.close(writing)
    wait_for(source._finished.is_set)
    source.read(4.0)
    assert source.ended
    os.close(reading)


def test_a_source_that_ends_without_audio_ends_the_session(tiny: Model) -> None:
    run = Run(tiny, [], finish=0.0)
    run.session.run()
    assert run.clock.now() < 1
    assert not run.receiver.frames[-1].weights.any()


def test_pauses_after_a_suspend_do_not_fill_the_memory() -> None:
    queue = PlaybackQueue(48000)
    queue.write(b"\1\0" * 480, 0.0)
    queue.read(0.5)
    assert len(queue.read(8 * 3600.0)) <= 5 * 48000
    queue.write(b"\2\0" * 480, 8 * 3600.0)
    position = queue._returned
    assert len(queue.read(8 * 3600.1)) >= 480
    assert queue.playback_time(position / 48000) == pytest.approx(8 * 3600.0, abs=0.01)


def test_a_fast_writer_in_real_time_does_not_gain_latency() -> None:
    queue, clock_error = PlaybackQueue(RATE), 1.0002
    latest = 0.0
    queue.read(0.0)
    for block in range(1, 10000):  # 400 s in blocks of 40 ms
        now = block * 0.04 / clock_error
        queue.write(bytes(1280), now)
        queue.read(now, 0.04)
        latest = max(latest, queue._end_time() - now)
    assert latest < 0.07  # 0.12 s without correction


def test_a_named_pipe_outlives_its_writers(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no named pipes")
    path = tmp_path / "voice"
    with pytest.raises(AudioError) as caught:
        PipeSource.open_fifo(path, RATE)
    assert caught.value.code == "not_a_fifo"
    os.mkfifo(path)
    source = PipeSource.open_fifo(path, RATE)
    source.start(0.0)
    for _ in range(2):
        with path.open("wb") as writer:
            writer.write(b"\1\0" * 800)
    wait_for(lambda: source.waiting_seconds == pytest.approx(0.1))
    assert not source._finished.is_set()
    source.close()
    wait_for(source._finished.is_set)


def test_the_command_animates_all_audio_of_a_real_pipe(
    speech: Path, receiver: socket.socket
) -> None:
    """Two bursts with a pause; times are those of the frames, not of the machine."""
    where = "{}:{}".format(*receiver.getsockname())
    args = ["live", "--stdin", "16000", "--model", "30-fast", "--jsonl", "-", "--udp", where]
    run = [sys.executable, "-c", "from koemorph.cli import main; main()", *args]
    pipe = subprocess.PIPE
    process = subprocess.Popen(run, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    samples, _ = soundfile.read(speech, dtype="int16")
    burst = samples[:16000].tobytes()
    process.stdin.write(burst + burst[:1])
    process.stdin.flush()
    # Into the pause: frame 45 is 0.5 s after the burst.
    frames = [json.loads(process.stdout.readline()) for _ in range(46)]
    process.stdin.write(burst[1:])
    process.stdin.close()
    frames += [json.loads(line) for line in process.stdout]
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    status = process.stderr.read().decode()
    process.stderr.close()
    assert [frame["frame_index"] for frame in frames] == list(range(len(frames)))
    jaw = np.array([frame["blendshapes"][INDEX["jawOpen"]] for frame in frames])
    alone = Model("30-fast").animate(samples[:16000], sample_rate=16000).weights[:, 17]
    first, second = jaw[:30], jaw[45:]
    np.testing.assert_allclose(first[:29], alone[:29], atol=0.02)
    assert jaw[36:45].max() < 0.02  # at rest in the pause
    # The same face, as late in the stream as it was written.
    shift = int(np.argmax(np.correlate(second, alone, "valid")))
    assert np.corrcoef(second[shift : shift + 29], alone[:29])[0, 1] > 0.95
    assert len(second) - shift in (30, 31)
    # Each frame with a datagram, and a neutral one at the end, unless the machine was busy.
    dropped = int(status.rpartition("dropped ")[2].split()[0])
    receiver.setblocking(False)
    received = [json.loads(receiver.recv(4096)) for _ in range(len(frames) + 1 - dropped)]
    indices = [frame["frame_index"] for frame in received]
    assert indices == sorted(set(indices))
    assert indices[-1] == len(frames)
