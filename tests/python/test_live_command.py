"""`koemorph live` as a user runs it, from mistakes to the end of a take."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from simulated_clock import SimulatedClock

from koemorph.cli import live
from koemorph.cli.live import command
from koemorph.live import session
from koemorph.live.sources import RecordingSource
from koemorph.model import Model
from koemorph.outputs.jsonl import read_jsonl
from koemorph.outputs.network import Frame, Output
from koemorph.stream import Stream


def invoke(*args: str) -> Result:
    return CliRunner().invoke(command, args)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--udp", "127.0.0.1:9"], "Choose one source"),
        (["--wav", "a.wav", "--stdin", "16000", "--udp", "127.0.0.1:9"], "Choose one source"),
        (["--wav", "SPEECH"], "Say where the face goes"),
        (["--wav", "SPEECH", "--udp", "nowhere"], "is no address"),
        (["--wav", "SPEECH", "--osc", "127.0.0.1:9000,{jaw}"], "no OSC address"),
        (["--wav", "missing.wav", "--udp", "127.0.0.1:9"], "does not exist"),
        (["--stdin", "10", "--udp", "127.0.0.1:9"], "sample rate of 10"),
        (["--wav", "SPEECH", "--websocket", "abc"], '"abc" is no port'),
        (["--wav", "SPEECH", "--websocket", "99999"], '"99999" is no port'),
        (["--wav", "SPEECH", "--jsonl", "missing/x.jsonl"], "create it first"),
        (["--wav", "SPEECH", "--jsonl", "-", "--json"], "Choose one for standard output"),
        (["--wav", "SPEECH", "--websocket", "9", "--bind", "a" * 70], "give 127.0.0.1"),
        (["--wav", "SPEECH", "--websocket", "9", "--bind", "192.0.2.1"], "give 127.0.0.1"),
        (["--wav", "SPEECH", "--ifacialmocap", "--bind", "a" * 70], "give 127.0.0.1"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    args: list[str], words: str, speech: Path, tiny_models: dict[int, Path]
) -> None:
    args = [str(speech) if arg == "SPEECH" else arg for arg in args]
    result = invoke(*args, "--model", str(tiny_models[30]))
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)


def test_rate_map_and_preset_reach_the_receiver(
    speech: Path, receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "Clock", SimulatedClock)  # by which no frame is late
    where = "{}:{}".format(*receiver.getsockname())
    chosen = ["--rate", "10", "--retarget", "vrm1", "--duration", "1", "--json"]
    result = invoke("--wav", str(speech), "--udp", where, *chosen, "--preset", "expressive")
    assert result.exit_code == 0, result.output
    told = [json.loads(receiver.recv(2048)) for _ in range(11)]  # the last is the face at rest
    assert [frame["frame_index"] for frame in told] == [*range(0, 30, 3), 30]
    expected = Model().animate(speech, preset="expressive", retarget="vrm1")
    assert tuple(told[0]["names"]) == expected.names
    for frame in told[:10]:
        weights = expected.weights[frame["frame_index"]]
        np.testing.assert_allclose(frame["blendshapes"], weights, atol=1e-3)


@pytest.mark.parametrize(
    ("chosen", "preset"),
    [(["--mic"], "microphone"), (["--mic", "--preset", "raw"], "raw"), (["--wav", "SPEECH"], None)],
)
def test_a_microphone_has_a_preset_of_its_own(
    speech: Path, monkeypatch: pytest.MonkeyPatch, chosen: list[str], preset: str | None
) -> None:
    asked: list[object] = []
    make = Model.stream

    def stream(self: Model, *args: Any, **named: Any) -> Stream:
        asked.append(named["preset"])
        return make(self, *args, **named)

    monkeypatch.setattr(Model, "stream", stream)
    monkeypatch.setattr(live, "MicrophoneSource", lambda device: RecordingSource(speech))
    chosen = [str(speech) if arg == "SPEECH" else arg for arg in chosen]
    result = invoke(*chosen, "--udp", "127.0.0.1:9", "--duration", "0.1")
    assert result.exit_code == 0, result.output
    assert asked == [preset]


@pytest.mark.parametrize(
    ("before", "signals"),
    [
        ([], ["SIGINT"]),
        ([], ["SIGTERM"]),
        ([], ["SIGHUP"]),  # the terminal was closed
        (["nohup"], ["SIGHUP", "SIGINT"]),
    ],
)
def test_command_sends_and_records_until_it_is_ended(
    tmp_path: Path,
    tiny_models: dict[int, Path],
    receiver: socket.socket,
    before: list[str],
    signals: list[str],
) -> None:
    if os.name == "nt":
        pytest.skip("Windows has other signals")
    soundfile.write(tmp_path / "long.wav", np.zeros(16000 * 60, np.float32), 16000)
    host, port = receiver.getsockname()
    out = tmp_path / "live.jsonl"
    args = ["live", "--wav", str(tmp_path / "long.wav"), "--model", str(tiny_models[30]), "--json"]
    args += ["--udp", f"{host}:{port}", "--livelink", f"{host}:{port},Hero", "--jsonl", str(out)]
    program = "from koemorph.cli import main; main()"
    if not before:  # these tests may run under nohup themselves
        program = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); {program}"
    run = [*before, sys.executable, "-c", program, *args]
    process = subprocess.Popen(run, stdout=subprocess.PIPE)
    for name in signals:
        kinds: Counter[bytes] = Counter()
        while min(kinds[b"{"], kinds[b"\x06"]) < 20:  # where they wait for long, some are lost
            kinds[receiver.recv(2048)[:1]] += 1
        process.send_signal(signal.Signals[name])
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    figures = json.loads(stdout)
    recorded = read_jsonl(out)
    assert len(recorded) >= figures["frames"] >= 20 * len(signals)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a program at its first signal")
def test_a_second_signal_leaves_a_take_its_name(
    speech: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that is closed sends two; the second may come while outputs are closed."""

    class Slow(Output):
        def write(self, frame: Frame) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        def close(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    def stopped(*_: object) -> None:
        pytest.fail("the second signal came through")

    before = signal.signal(signal.SIGTERM, stopped)
    monkeypatch.setattr("koemorph.live.outputs.JsonUdpOutput", lambda *_: Slow("slow"))
    out = tmp_path / "live.jsonl"
    try:
        chosen = ["--model", str(tiny_models[30]), "--jsonl", str(out), "--udp", "127.0.0.1:9"]
        result = invoke("--wav", str(speech), *chosen)
        assert signal.getsignal(signal.SIGTERM) is stopped
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result.exit_code == 0, result.output
    assert len(read_jsonl(out)) > 0


def test_a_take_needs_no_standard_error(
    speech: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "sys", SimpleNamespace(stderr=None))
    out = tmp_path / "live.jsonl"
    chosen = ["--model", str(tiny_models[30]), "--jsonl", str(out), "--duration", "0.2"]
    result = invoke("--wav", str(speech), *chosen)
    assert result.exit_code == 0, result.exception
    assert len(read_jsonl(out)) == 6


def test_a_broken_recording_leaves_a_face_at_rest(
    speech: Path,
    tmp_path: Path,
    tiny_models: dict[int, Path],
    receiver: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "Clock", SimulatedClock)
    samples, rate = soundfile.read(speech, dtype="int16")
    broken = tmp_path / "broken.flac"
    soundfile.write(broken, samples[: 2 * rate], rate)
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    where = "{}:{}".format(*receiver.getsockname())
    result = invoke("--wav", str(broken), "--udp", where, "--model", str(tiny_models[30]))
    assert "broken or ends too early" in str(result.exception)
    *_, said = result.stderr.splitlines()
    sent = int(said.partition("sent ")[2].split()[0])
    *told, rest = [json.loads(receiver.recv(2048))["blendshapes"] for _ in range(sent + 1)]
    assert np.any(told)
    assert not any(rest)


def test_frames_go_down_a_pipe_as_they_are_made(
    tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(16000 * 60, np.float32), 16000)
    args = ["live", "--wav", str(tmp_path / "long.wav"), "--model", str(tiny_models[30])]
    run = [sys.executable, "-c", "from koemorph.cli import main; main()", *args, "--jsonl", "-"]
    process = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    told = [json.loads(process.stdout.readline()) for _ in range(10)]
    assert process.poll() is None  # long before the recording ends
    assert [frame["frame_index"] for frame in told] == list(range(10))
    assert all(len(frame["blendshapes"]) == 52 for frame in told)
    process.stdout.close()  # as `head` does
    assert b"jsonl -: " in process.stderr.readline()
    process.terminate()
    process.stderr.read()
    assert process.wait(timeout=60) == 0


def test_command_ends_while_the_pipe_is_quiet(
    tmp_path: Path, tiny_models: dict[int, Path], receiver: socket.socket
) -> None:
    host, port = receiver.getsockname()
    args = ["live", "--stdin", "16000", "--model", str(tiny_models[30]), "--duration", "0.5"]
    args += ["--udp", f"{host}:{port}"]
    run = [sys.executable, "-c", "from koemorph.cli import main; main()", *args]
    process = subprocess.Popen(run, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(bytes(6000))
    process.stdin.flush()
    assert process.wait(timeout=60) == 0  # with the pipe still open
    process.communicate()
