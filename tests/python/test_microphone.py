"""The microphone source: PortAudio with a private PulseAudio server."""

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
from typing import Any

import loudness_model
import numpy as np
import pytest
import soundfile
from waiting import wait_for

from koemorph.outputs.jsonl import read_jsonl


class Sound:
    """A private PulseAudio server whose only source is the monitor of its sink."""

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
        wait_for(self.is_ready)

    def is_ready(self) -> bool:
        query = subprocess.run(
            ["pactl", "info"], env=self.environment, capture_output=True, check=False
        )
        return query.returncode == 0

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
        """Return jawOpen of every frame since the last call; wait for at least one."""
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
    """`koemorph live` from the sound server to a file and the watcher; always killed at the end."""
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
    received = play_until_jaw_moves(sound, voice, watcher)
    time.sleep(1)
    figures, _ = finish(live)
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert max(before) < 0.2
    # On a busy machine PulseAudio delivers less than was played, never more, and late frames are
    # not sent.
    moving = np.flatnonzero(jaw > 0.3)
    assert len(moving) > 3, jaw.round(2).tolist()
    assert moving[-1] - moving[0] < len(received) + figures["dropped"] + 30, jaw.round(2).tolist()
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
        jaw = watcher.jaw()
        if sum(value > 0.3 for value in jaw) > 10:
            break
        time.sleep(3)  # a late result must not count for the next try
    else:
        pytest.fail(f"the face does not move during speech: {jaw}")
    time.sleep(1)
    _, errors = finish(live)
    assert "no audio from the microphone" in errors
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert len(jaw) / 30 > 9, "time stopped"
    assert jaw[-5:].max() < 0.2


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
