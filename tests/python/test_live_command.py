"""`koemorph live`: invalid options, settings, signals and pipes."""

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
from koemorph.errors import AudioError
from koemorph.live import session
from koemorph.live.sources import RecordingSource
from koemorph.model import Model
from koemorph.outputs.jsonl import read_jsonl
from koemorph.outputs.network import Frame, Output
from koemorph.stream import Stream


def invoke(*args: str) -> Result:
    return CliRunner().invoke(command, args)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--udp", "127.0.0.1:9"], "exactly one source"),
        (["--wav", "a.wav", "--stdin", "16000", "--udp", "127.0.0.1:9"], "exactly one source"),
        (["--wav", "SPEECH"], "no_output"),
        (["--wav", "SPEECH", "--udp", "nowhere"], "bad_address"),
        (["--wav", "SPEECH", "--osc", "127.0.0.1:9000,{jaw}"], "bad_pattern"),
        (["--wav", "missing.wav", "--udp", "127.0.0.1:9"], "missing.wav"),
        (["--stdin", "10", "--udp", "127.0.0.1:9"], "10"),
        (["--wav", "SPEECH", "--websocket", "abc"], "bad_port"),
        (["--wav", "SPEECH", "--websocket", "99999"], "bad_port"),
        (["--wav", "SPEECH", "--jsonl", "missing/x.jsonl"], "folder_missing"),
        (["--wav", "SPEECH", "--jsonl", "-", "--json"], "standard output"),
        (["--wav", "SPEECH", "--websocket", "9", "--bind", "a" * 70], "bad_address"),
        (["--wav", "SPEECH", "--websocket", "9", "--bind", "192.0.2.1"], "bad_address"),
        (["--wav", "SPEECH", "--ifacialmocap", "--bind", "a" * 70], "bad_address"),
    ],
)
def test_invalid_options_are_rejected(
    args: list[str], expected: str, speech: Path, tiny_models: dict[int, Path]
) -> None:
    args = [str(speech) if arg == "SPEECH" else arg for arg in args]
    result = invoke(*args, "--model", str(tiny_models[30]))
    assert result.exit_code != 0
    code = getattr(result.exception, "code", "")
    assert expected == code or expected in result.output + str(result.exception)


def test_rate_map_and_preset_are_applied(
    speech: Path, receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "Clock", SimulatedClock)  # on which no frame is late
    where = "{}:{}".format(*receiver.getsockname())
    chosen = ["--rate", "10", "--retarget", "vrm1", "--duration", "1", "--json"]
    result = invoke("--wav", str(speech), "--udp", where, *chosen, "--preset", "expressive")
    assert result.exit_code == 0, result.output
    received = [json.loads(receiver.recv(2048)) for _ in range(11)]  # the last one is neutral
    assert [frame["frame_index"] for frame in received] == [*range(0, 30, 3), 30]
    expected = Model().animate(speech, preset="expressive", retarget="vrm1")
    assert tuple(received[0]["names"]) == expected.names
    for frame in received[:10]:
        weights = expected.weights[frame["frame_index"]]
        np.testing.assert_allclose(frame["blendshapes"], weights, atol=1e-3)


@pytest.mark.parametrize(
    ("chosen", "preset"),
    [(["--mic"], "microphone"), (["--mic", "--preset", "raw"], "raw"), (["--wav", "SPEECH"], None)],
)
def test_the_microphone_has_its_own_default_preset(
    speech: Path, monkeypatch: pytest.MonkeyPatch, chosen: list[str], preset: str | None
) -> None:
    presets: list[object] = []
    make = Model.stream

    def stream(self: Model, *args: Any, **named: Any) -> Stream:
        presets.append(named["preset"])
        return make(self, *args, **named)

    monkeypatch.setattr(Model, "stream", stream)
    monkeypatch.setattr(live, "MicrophoneSource", lambda device: RecordingSource(speech))
    chosen = [str(speech) if arg == "SPEECH" else arg for arg in chosen]
    result = invoke(*chosen, "--udp", "127.0.0.1:9", "--duration", "0.1")
    assert result.exit_code == 0, result.output
    assert presets == [preset]


@pytest.mark.parametrize(
    ("before", "signals"),
    [
        ([], ["SIGINT"]),
        ([], ["SIGTERM"]),
        ([], ["SIGHUP"]),  # a closed terminal
        (["nohup"], ["SIGHUP", "SIGINT"]),
    ],
)
def test_the_command_sends_and_records_until_a_signal(
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
    if not before:  # the tests may run under nohup
        program = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); {program}"
    run = [*before, sys.executable, "-c", program, *args]
    process = subprocess.Popen(run, stdout=subprocess.PIPE)
    for name in signals:
        kinds: Counter[bytes] = Counter()
        while min(kinds[b"{"], kinds[b"\x06"]) < 20:  # a full socket buffer loses some
            kinds[receiver.recv(2048)[:1]] += 1
        process.send_signal(signal.Signals[name])
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    figures = json.loads(stdout)
    recorded = read_jsonl(out)
    assert len(recorded) >= figures["frames"] >= 20 * len(signals)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a program at its first signal")
def test_a_second_signal_does_not_lose_the_recording(
    speech: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed terminal sends two signals; the second may arrive while outputs are closed."""

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


def test_the_command_runs_without_standard_error(
    speech: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "sys", SimpleNamespace(stderr=None))
    out = tmp_path / "live.jsonl"
    chosen = ["--model", str(tiny_models[30]), "--jsonl", str(out), "--duration", "0.2"]
    result = invoke("--wav", str(speech), *chosen)
    assert result.exit_code == 0, result.exception
    assert len(read_jsonl(out)) == 6


def test_a_broken_recording_ends_with_a_neutral_frame(
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
    assert isinstance(result.exception, AudioError)
    *_, status = result.stderr.splitlines()
    sent = int(status.partition("sent ")[2].split()[0])
    *frames, last = [json.loads(receiver.recv(2048))["blendshapes"] for _ in range(sent + 1)]
    assert np.any(frames)
    assert not any(last)


def test_frames_are_written_to_a_pipe_immediately(
    tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(16000 * 60, np.float32), 16000)
    args = ["live", "--wav", str(tmp_path / "long.wav"), "--model", str(tiny_models[30])]
    run = [sys.executable, "-c", "from koemorph.cli import main; main()", *args, "--jsonl", "-"]
    process = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    received = [json.loads(process.stdout.readline()) for _ in range(10)]
    assert process.poll() is None  # long before the recording ends
    assert [frame["frame_index"] for frame in received] == list(range(10))
    assert all(len(frame["blendshapes"]) == 52 for frame in received)
    process.stdout.close()  # as `head` does
    assert b"jsonl -: " in process.stderr.readline()
    process.terminate()
    process.stderr.read()
    assert process.wait(timeout=60) == 0


def test_the_command_ends_while_the_pipe_is_idle(
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
