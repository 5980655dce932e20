"""The microphone: through PortAudio from a PulseAudio of the test's own, and a made-up one."""

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
from patience import wait_for

from koemorph.cli.live import command
from koemorph.errors import AudioError
from koemorph.live import microphone
from koemorph.live.microphone import MicrophoneSource
from koemorph.outputs.jsonl import read_jsonl


class Sound:
    """A PulseAudio server in a folder of its own, whose only source is what is played to it."""

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
            # Were it started anew by whoever asks, losing the device could not be tried.
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
    """Receives the live face as JSON datagrams."""

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
    # Raw: automatic gain would turn what is played down, the longer the more.
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


def play_until_heard(sound: Sound, voice: Path, watcher: Watcher) -> list[float]:
    """Speak until the jaw moves, at most ten times; returns the jaw meanwhile."""
    jaw = []
    for _ in range(10):
        sound.play(voice)
        jaw += watcher.jaw()
        if max(jaw) > 0.3:
            break
    return jaw


def test_what_is_played_moves_the_jaw(
    sound: Sound, tmp_path: Path, voice: Path, watcher: Watcher, live: subprocess.Popen[str]
) -> None:
    before = watcher.jaw()
    heard = play_until_heard(sound, voice, watcher)
    time.sleep(1)
    figures, _ = finish(live)
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert max(before) < 0.2
    # On a busy machine PulseAudio hands over less than was played, but never more, and late frames
    # are not sent.
    moving = np.flatnonzero(jaw > 0.3)
    assert len(moving) > 3, jaw.round(2).tolist()
    assert moving[-1] - moving[0] < len(heard) + figures["dropped"] + 30, jaw.round(2).tolist()
    assert jaw[: moving[0] - 5].max() < 0.2
    assert jaw[-5:].max() < 0.2
    assert figures["frames"] > 0


def test_a_microphone_that_was_lost_hears_again(
    sound: Sound, tmp_path: Path, voice: Path, watcher: Watcher, live: subprocess.Popen[str]
) -> None:
    assert max(play_until_heard(sound, voice, watcher)) > 0.3
    sound.stop()
    time.sleep(4)
    wait_for(lambda: max(watcher.jaw()[-30:]) < 0.2)  # silence
    sound.start()
    assert max(play_until_heard(sound, voice, watcher)) > 0.3, "it does not hear again"
    # What is played now moves the face while it is played, and not later.
    for _ in range(10):  # a busy machine may lose much of it
        watcher.jaw()
        sound.play(voice)
        said = watcher.jaw()
        if sum(value > 0.3 for value in said) > 10:
            break
        time.sleep(3)  # what comes later is not taken for the next
    else:
        pytest.fail(f"the face is still while the voice is heard: {said}")
    time.sleep(1)
    _, errors = finish(live)
    assert "no sound comes from the microphone" in errors
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert len(jaw) / 30 > 9, "time went on"
    assert jaw[-5:].max() < 0.2


class DeviceGoneError(Exception):
    """What PortAudio raises."""


class MadeUpDevice:
    """What MicrophoneSource uses of sounddevice: a device that a test can unplug."""

    PortAudioError = DeviceGoneError

    def __init__(self) -> None:
        self.there, self.opened, self.rate = True, 0, 16000.0
        self.callback: Callable[..., None] | None = None

    def open(self, callback: Callable[..., None], samplerate: int, **_: Any) -> MadeUpDevice:
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
def device(monkeypatch: pytest.MonkeyPatch) -> MadeUpDevice:
    made_up = MadeUpDevice()
    monkeypatch.setattr(microphone, "_sounddevice", lambda: made_up)
    return made_up


def begun(device: MadeUpDevice) -> tuple[MicrophoneSource, float]:
    """A microphone whose sound has come for 0.4 s, and the seconds that it has given of it."""
    source = MicrophoneSource()
    source.start(0.0)
    device.say(1, 6400)
    source.read(0.0)
    device.say(1, 1600)
    return source, len(source.read(0.4)) / source.sample_rate


def read_through(source: MicrophoneSource, begin: float, end: float) -> np.ndarray:
    """All that the microphone gives from `begin` to `end`, its thread having ended in between."""
    heard = []
    for step in range(round((end - begin) * 10)):
        heard.append(source.read(begin + (step + 1) / 10))
        if source._reopening is not None:
            source._reopening.join()
    return np.concatenate(heard)[:, 0]


def test_time_goes_on_without_a_device_and_takes_up_where_it_is(device: MadeUpDevice) -> None:
    source = MicrophoneSource()
    source.start(0.0)
    device.say(1, 1600)
    assert not len(source.read(0.1)), "the first sound may be of long ago"
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
    # It takes its time to its first sound, which is no reason to open it again.
    read_through(source, 6.0, 8.0)
    assert device.opened == 2
    # Two seconds in one lump: silence has stood in for them already.
    device.say(0.5, 32000)
    assert not read_through(source, 8.0, 8.4).any()
    device.say(0.25, 3200)
    assert source.read(8.5) == pytest.approx(np.full((1600, 1), 0.25))
    assert source.error == ""
    device.say(0.125, 1600)
    assert source.read(8.6) == pytest.approx(np.full((1600, 1), 0.125))
    source.close()


def test_a_program_that_stood_still_takes_no_device_for_lost(device: MadeUpDevice) -> None:
    source, seconds = begun(device)
    # The machine slept, and the session is awake before the device's first block has come.
    seconds += len(source.read(8.0)) / 16000
    assert source._reopening is None
    device.say(0.5, 1600)
    sound = source.read(8.1)
    assert (sound == 0.5).all()
    assert seconds + len(sound) / 16000 == pytest.approx(8.1, abs=0.001)
    assert (device.opened, source.error) == (1, "")
    # One that has gone in the meantime is opened again, a second later than else.
    source.read(16.0)
    device.there = False
    read_through(source, 16.0, 18.0)
    device.there = True
    read_through(source, 18.0, 20.0)
    assert device.opened == 2
    source.close()


def test_another_device_is_taken_up_at_its_own_rate(device: MadeUpDevice) -> None:
    source, seconds = begun(device)
    device.there, device.rate = False, 384000.0
    seconds += len(read_through(source, 0.4, 3.0)) / source.sample_rate
    device.there = True
    seconds += len(read_through(source, 3.0, 5.0)) / source.sample_rate
    assert "384000 Hz; KoeMorph takes" in source.error, "what no stream takes is silence"
    device.rate = 44100.0
    seconds += len(read_through(source, 5.0, 7.0)) / source.sample_rate
    assert source.sample_rate == 16000, "silence is of the device before"
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
        ((1.0, 1.5), False),  # it was the program that stood still
        ((0.8, 1.2, 1.5), True),
    ],
)
def test_a_sound_server_that_hangs_does_not_keep_the_program(
    device: MadeUpDevice,
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
    source, _ = begun(device)
    for now in times:
        source.read(now)
    assert (source._reopening is not None) == reopening
    ending = Thread(target=source.close, daemon=True)
    ending.start()
    try:
        wait_for(lambda: not ending.is_alive())
        assert len(asked) == 1, "two threads close what is one's"
        assert left == [device.do_nothing]
    finally:
        back.set()


def test_no_microphone_is_a_sentence(tmp_path: Path) -> None:
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


def test_of_several_microphones_one_is_to_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where each device is there under several interfaces."""
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
    with pytest.raises(
        AudioError, match=r'Several .* called "usb"; .* 0 "USB, MME", 1 "USB, WASAPI".$'
    ):
        MicrophoneSource("usb")
    with pytest.raises(AudioError, match=r'No microphone is called "cam".*3 "Line, WASAPI".$'):
        MicrophoneSource("cam")


def test_a_list_of_no_microphones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koemorph.cli.live.input_devices", list)
    result = CliRunner().invoke(command, ["--devices"])
    assert result.exit_code == 0
    assert "plug one in" in result.stderr
