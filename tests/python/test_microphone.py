"""The microphone source: PortAudio with a private PulseAudio server, and a simulated device."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

import loudness_model
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from waiting import wait_for

from koemorph.cli.live import command
from koemorph.errors import AudioError
from koemorph.live import microphone
from koemorph.live.microphone import MicrophoneSource
from koemorph.outputs.jsonl import read_jsonl


class Sound:
    """A private PulseAudio server whose only source is what is played to it."""

    def __init__(self, folder: Path) -> None:
        run = folder / "run"
        run.mkdir(mode=0o700)
        (folder / ".asoundrc").write_text("pcm.!default pulse\nctl.!default pulse\n")
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(run),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PULSE_SOURCE": "voice.monitor",
            # Without autospawn, so that the device can be lost.
            "PULSE_CLIENTCONFIG": str(folder / "client.conf"),
        }
        (folder / "client.conf").write_text("autospawn = no\n")
        self.start()

    def start(self) -> None:
        sink = "module-null-sink sink_name=voice rate=48000 channels=1"
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += ["-L", "module-native-protocol-unix", "-L", sink]
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self.answers)

    def answers(self) -> bool:
        asked = subprocess.run(
            ["pactl", "info"], env=self.environment, capture_output=True, check=False
        )
        return asked.returncode == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def play(self, path: Path) -> None:
        subprocess.run(["paplay", "--device=voice", str(path)], env=self.environment, check=True)


class Watcher:
    """Receives frames as JSON datagrams."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self.socket.getsockname())

    def jaw(self) -> list[float]:
        """jawOpen of every frame that came since the last call; waits for one at least."""
        frames = []
        self.socket.settimeout(30)
        try:
            while True:
                frame = json.loads(self.socket.recv(4096))
                frames.append(frame["blendshapes"][frame["names"].index("jawOpen")])
                self.socket.settimeout(0.001)
        except TimeoutError:
            return frames


@pytest.fixture
def sound(tmp_path: Path, needs_tool: Callable[[str], str]) -> Iterator[Sound]:
    needs_tool("pulseaudio")
    needs_tool("paplay")
    server = Sound(tmp_path)
    yield server
    if server.process.poll() is None:
        server.stop()


def start_live(sound: Sound, folder: Path, *more: str) -> subprocess.Popen[str]:
    model = loudness_model.save(folder / "model.onnx")
    # Raw: automatic gain would lower the level over time.
    args = ["live", "--mic", "--preset", "raw", "--jsonl", str(folder / "live.jsonl"), "--json"]
    code = "from koemorph.cli import main; main()"
    command = [sys.executable, "-c", code, *args, "--model", str(model), *more]
    return subprocess.Popen(
        command, env=sound.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def live(sound: Sound, tmp_path: Path, watcher: Watcher) -> Iterator[subprocess.Popen[str]]:
    """`koemorph live` from the sound server to a file and the watcher; ended in any case."""
    process = start_live(sound, tmp_path, "--udp", watcher.address)
    yield process
    process.kill()
    process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    return json.loads(stdout), stderr


@pytest.fixture
def voice(tmp_path: Path, speech: Path) -> Path:
    """Two seconds of loud speech."""
    samples, rate = soundfile.read(speech, dtype="float32")
    path = tmp_path / "voice.wav"
    soundfile.write(path, samples[: 2 * rate] * (0.9 / np.abs(samples).max()), rate)
    return path


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    watcher = Watcher()
    yield watcher
    watcher.socket.close()


def play_until_jaw_moves(sound: Sound, voice: Path, watcher: Watcher) -> list[float]:
    """Play speech until the jaw moves, at most ten times; return jawOpen meanwhile."""
    jaw = []
    for _ in range(10):
        sound.play(voice)
        jaw += watcher.jaw()
        if max(jaw) > 0.3:
            break
    return jaw


def test_played_speech_moves_the_jaw(
    sound: Sound, tmp_path: Path, voice: Path, watcher: Watcher, live: subprocess.Popen[str]
) -> None:
    before = watcher.jaw()
    heard = play_until_jaw_moves(sound, voice, watcher)
    time.sleep(1)
    figures, _ = finish(live)
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert max(before) < 0.2
    # On a busy machine PulseAudio delivers less than was played, never more, and late frames are
    # not sent.
    moving = np.flatnonzero(jaw > 0.3)
    assert len(moving) > 3, jaw.round(2).tolist()
    assert moving[-1] - moving[0] < len(heard) + figures["dropped"] + 30, jaw.round(2).tolist()
    assert jaw[: moving[0] - 5].max() < 0.2
    assert jaw[-5:].max() < 0.2
    assert figures["frames"] > 0


def test_a_lost_microphone_is_reopened(
    sound: Sound, tmp_path: Path, voice: Path, watcher: Watcher, live: subprocess.Popen[str]
) -> None:
    assert max(play_until_jaw_moves(sound, voice, watcher)) > 0.3
    sound.stop()
    time.sleep(4)
    wait_for(lambda: max(watcher.jaw()[-30:]) < 0.2)  # silence
    sound.start()
    assert max(play_until_jaw_moves(sound, voice, watcher)) > 0.3, "the microphone was not reopened"
    # Speech moves the face while it is played, not later.
    for _ in range(10):  # a busy machine may lose much of it
        watcher.jaw()
        sound.play(voice)
        said = watcher.jaw()
        if sum(value > 0.3 for value in said) > 10:
            break
        time.sleep(3)  # a late result must not count for the next try
    else:
        pytest.fail(f"the face does not move during speech: {said}")
    time.sleep(1)
    _, errors = finish(live)
    assert "no audio from the microphone" in errors
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert len(jaw) / 30 > 9, "time stopped"
    assert jaw[-5:].max() < 0.2


class DeviceGoneError(Exception):
    """Stands for PortAudioError."""


class SimulatedDevice:
    """The part of sounddevice that MicrophoneSource uses, as a device that can be unplugged."""

    PortAudioError = DeviceGoneError

    def __init__(self) -> None:
        self.there, self.opened, self.rate = True, 0, 16000.0
        self.callback: Callable[..., None] | None = None

    def open(self, callback: Callable[..., None], samplerate: int, **_: Any) -> SimulatedDevice:
        if not self.there:
            raise DeviceGoneError("Device unavailable.")
        if samplerate != self.rate:
            raise DeviceGoneError("Invalid sample rate.")
        self.opened += 1
        self.callback = callback
        return self

    def query_devices(self, *_: Any) -> dict[str, float]:
        return {"default_samplerate": self.rate}

    def do_nothing(self) -> None:
        pass

    InputStream = open
    start = close = _terminate = _initialize = _exit_handler = do_nothing

    def say(self, value: float, samples: int) -> None:
        assert self.callback is not None
        self.callback(np.full((samples, 1), value, np.float32), samples, None, None)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> SimulatedDevice:
    simulated = SimulatedDevice()
    monkeypatch.setattr(microphone, "_sounddevice", lambda: simulated)
    return simulated


def started_microphone(device: SimulatedDevice) -> tuple[MicrophoneSource, float]:
    """Return a microphone after 0.4 s of audio, and the seconds that it returned."""
    source = MicrophoneSource()
    source.start(0.0)
    device.say(1, 6400)
    source.read(0.0)
    device.say(1, 1600)
    return source, len(source.read(0.4)) / source.sample_rate


def read_through(source: MicrophoneSource, begin: float, end: float) -> np.ndarray:
    """Return the audio from `begin` to `end`, waiting for every reopening."""
    heard = []
    for step in range(round((end - begin) * 10)):
        heard.append(source.read(begin + (step + 1) / 10))
        if source._reopening is not None:
            source._reopening.join()
    return np.concatenate(heard)[:, 0]


def test_silence_replaces_a_lost_device_without_a_time_jump(device: SimulatedDevice) -> None:
    source = MicrophoneSource()
    source.start(0.0)
    device.say(1, 1600)
    assert not len(source.read(0.1)), "a backlog was returned"
    device.say(1, 4800)
    assert source.read(0.4).sum() == 4800
    device.there = False
    silence = read_through(source, 0.4, 4.0)
    assert not silence.any()
    assert len(silence) == pytest.approx(3.6 * 16000, abs=1)
    assert "Device unavailable" in source.error
    device.there = True
    read_through(source, 4.0, 6.0)
    assert device.opened == 2
    # A device that is slow to deliver its first audio is not reopened.
    read_through(source, 6.0, 8.0)
    assert device.opened == 2
    # A backlog of two seconds that silence has replaced already.
    device.say(0.5, 32000)
    assert not read_through(source, 8.0, 8.4).any()
    device.say(0.25, 3200)
    assert source.read(8.5) == pytest.approx(np.full((1600, 1), 0.25))
    assert source.error == ""
    device.say(0.125, 1600)
    assert source.read(8.6) == pytest.approx(np.full((1600, 1), 0.125))
    source.close()


def test_a_suspended_program_does_not_reopen_the_device(device: SimulatedDevice) -> None:
    source, seconds = started_microphone(device)
    # After a suspend, the session runs before the device's first block arrives.
    seconds += len(source.read(8.0)) / 16000
    assert source._reopening is None
    device.say(0.5, 1600)
    sound = source.read(8.1)
    assert (sound == 0.5).all()
    assert seconds + len(sound) / 16000 == pytest.approx(8.1, abs=0.001)
    assert (device.opened, source.error) == (1, "")
    # A device that was lost meanwhile is reopened, a second later than usual.
    source.read(16.0)
    device.there = False
    read_through(source, 16.0, 18.0)
    device.there = True
    read_through(source, 18.0, 20.0)
    assert device.opened == 2
    source.close()


def test_a_reopened_device_may_have_another_sample_rate(device: SimulatedDevice) -> None:
    source, seconds = started_microphone(device)
    device.there, device.rate = False, 384000.0
    seconds += len(read_through(source, 0.4, 3.0)) / source.sample_rate
    device.there = True
    seconds += len(read_through(source, 3.0, 5.0)) / source.sample_rate
    assert "384000" in source.error, "an unsupported rate is silence"
    device.rate = 44100.0
    seconds += len(read_through(source, 5.0, 7.0)) / source.sample_rate
    assert source.sample_rate == 16000, "silence has the earlier sample rate"
    device.say(0.5, 4410)
    assert not read_through(source, 7.0, 7.1).any()
    device.say(0.25, 13230)
    sound = source.read(7.5)
    seconds += 0.1 + len(sound) / source.sample_rate
    assert source.sample_rate == 44100
    assert sound[-13230:] == pytest.approx(np.full((13230, 1), 0.25))
    assert seconds == pytest.approx(7.5, abs=0.001)
    source.close()


@pytest.mark.parametrize(
    ("times", "reopening"),
    [
        ((), False),
        ((1.0, 1.5), False),  # the program was suspended
        ((0.8, 1.2, 1.5), True),
    ],
)
def test_a_hung_sound_server_does_not_block_the_exit(
    device: SimulatedDevice,
    monkeypatch: pytest.MonkeyPatch,
    times: tuple[float, ...],
    reopening: bool,
) -> None:
    monkeypatch.setattr(microphone, "_OPENING_SECONDS", 0.1)
    back, asked, left = Event(), [], []

    def close() -> None:
        asked.append(current_thread())
        back.wait()

    monkeypatch.setattr(device, "close", close)
    monkeypatch.setattr("atexit.unregister", left.append)
    source, _ = started_microphone(device)
    for now in times:
        source.read(now)
    assert (source._reopening is not None) == reopening
    ending = Thread(target=source.close, daemon=True)
    ending.start()
    try:
        wait_for(lambda: not ending.is_alive())
        assert len(asked) == 1, "closed by two threads"
        assert left == [device.do_nothing]
    finally:
        back.set()


def test_a_missing_microphone_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".asoundrc").write_text("pcm.!default null\n")
    code = "from koemorph.cli import main; main()"
    args = ["live", "--mic", "no such thing", "--udp", "127.0.0.1:9"]
    args += ["--model", str(loudness_model.save(tmp_path / "model.onnx"))]
    run = subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "icrophone" in run.stderr
    assert "Traceback" not in run.stderr


def test_ambiguous_microphone_names_list_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, which lists each device under several interfaces."""
    microphones = [
        {"name": name, "hostapi": api, "max_input_channels": 1, "default_samplerate": 48000.0}
        for name in ("USB", "Line")
        for api in (0, 1)
    ]

    def query_devices(device: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        if device is None:
            return microphones
        raise ValueError("Multiple input devices found" if device == "usb" else "No input device")

    monkeypatch.setattr("sounddevice.query_devices", query_devices)
    monkeypatch.setattr("sounddevice.query_hostapis", lambda: [{"name": "MME"}, {"name": "WASAPI"}])
    listed = CliRunner().invoke(command, ["--devices"]).stdout.splitlines()
    assert listed[1] == "  1  USB, WASAPI  (1 channels, 48000 Hz)"
    for name, choices in (
        ("usb", r'0 "USB, MME", 1 "USB, WASAPI"\.$'),
        ("cam", r'3 "Line, WASAPI"'),
    ):
        with pytest.raises(AudioError, match=f'"{name}".*{choices}') as caught:
            MicrophoneSource(name)
        assert caught.value.code == "no_microphone"


def test_devices_without_a_microphone_prints_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koemorph.cli.live.input_devices", list)
    result = CliRunner().invoke(command, ["--devices"])
    assert result.exit_code == 0
    assert "--wav FILE" in result.stderr
