"""The microphone path through PortAudio and ALSA, from a PulseAudio null sink of the test's own."""

from __future__ import annotations

import json
import os
import signal
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
        for _ in range(100):
            done = subprocess.run(
                ["pactl", "info"], env=self.environment, capture_output=True, check=False
            )
            if done.returncode == 0:
                return
            time.sleep(0.1)
        pytest.fail("PulseAudio did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def play(self, path: Path) -> None:
        subprocess.run(["paplay", "--device=voice", str(path)], env=self.environment, check=True)


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
    args = ["live", "--mic", "--jsonl", str(folder / "live.jsonl"), "--json"]
    code = "from koemorph.cli import main; main()"
    command = [sys.executable, "-c", code, *args, "--model", str(model), *more]
    return subprocess.Popen(
        command, env=sound.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 0, stderr
    return json.loads(stdout), stderr


def test_what_is_played_moves_the_jaw(sound: Sound, tmp_path: Path, speech: Path) -> None:
    voice, rate = soundfile.read(speech, dtype="float32")
    soundfile.write(tmp_path / "voice.wav", voice[: 2 * rate] * (0.9 / np.abs(voice).max()), rate)
    process = start_live(sound, tmp_path)
    time.sleep(4)
    for _ in range(2):
        sound.play(tmp_path / "voice.wav")
    time.sleep(1)
    figures, _ = finish(process)
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert figures["frames"] > 0
    # On a busy machine PulseAudio hands over less than was played, but never more.
    moving = np.flatnonzero(jaw > 0.3)
    assert len(moving) > 3, jaw.round(2).tolist()
    assert (moving[-1] - moving[0]) / 30 < 7, jaw.round(2).tolist()
    assert jaw[: moving[0] - 5].max() < 0.2


def test_a_lost_microphone_is_silence_and_never_a_crash(sound: Sound, tmp_path: Path) -> None:
    process = start_live(sound, tmp_path)
    time.sleep(4)
    sound.stop()
    time.sleep(4)
    sound.start()
    time.sleep(2)
    figures, errors = finish(process)
    jaw = read_jsonl(tmp_path / "live.jsonl")["jawOpen"]
    assert "lost" in errors or "PortAudio" in errors or "microphone" in errors
    assert len(jaw) / 30 > 7, "time went on"
    assert jaw.max() < 0.2, "silence"
    assert figures["frames"] > 0


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
