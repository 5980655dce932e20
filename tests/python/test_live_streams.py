"""Several streams in one session, the control socket, and optional packages."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from simulated_clock import SimulatedClock
from waiting import wait_for

from koemorph.blendshapes import INDEX
from koemorph.cli.live import command
from koemorph.controls import load_preset
from koemorph.errors import AudioError, DataError, OutputError
from koemorph.live import session
from koemorph.live.control import ControlServer
from koemorph.live.outputs import OutputSettings, open_outputs, outputs_of_stream
from koemorph.live.session import Session, run_sessions
from koemorph.live.sources import FloatArray, QueueSource, RecordingSource, Source
from koemorph.model import Model
from koemorph.outputs.jsonl import read_jsonl
from koemorph.outputs.network import Frame, Output


class Receiver(Output):
    """Stores the weights by frame number."""

    def __init__(self) -> None:
        super().__init__("receiver")
        self.frames: dict[int, np.ndarray] = {}

    def write(self, frame: Frame) -> None:
        self.frames[frame.index] = frame.weights


class Broken(Source):
    """A source that fails after half a second."""

    sample_rate, channels, exact = 16000, 1, True

    def start(self, now: float) -> None:
        self._returned = 0

    def read(self, now: float) -> FloatArray:
        if now > 0.5:
            raise AudioError("the source failed", code="damaged_audio")
        count, self._returned = int(now * 16000) - self._returned, int(now * 16000)
        return np.zeros((count, 1), np.float32)


@pytest.fixture(scope="module")
def tiny(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


def test_streams_of_a_batch_have_the_frames_of_streams_alone(tiny: Model, speech: Path) -> None:
    samples, rate = soundfile.read(speech, dtype="int16")

    def run(count: int, first: int = 0) -> list[dict[int, np.ndarray]]:
        clock = SimulatedClock()
        batch = tiny.stream_batch(count)
        sessions, receivers = [], []
        for number in range(first, first + count):
            source = QueueSource(rate, clock)
            receiver = Receiver()
            part = samples[number * rate : (number + 2) * rate].tobytes()
            clock.at(0.1 + 0.37 * number, lambda source=source, part=part: source.write(part))
            clock.at(4.0, source.finish)
            sessions.append(Session(source, batch.stream(rate), [receiver], clock=clock))
            receivers.append(receiver)
        run_sessions(sessions)
        return [receiver.frames for receiver in receivers]

    together = run(3)
    for number, frames in enumerate(together):
        [alone] = run(1, number)
        assert list(frames) == list(alone) == list(range(len(frames)))
        np.testing.assert_allclose(
            np.stack(list(frames.values())), np.stack(list(alone.values())), atol=1e-5
        )


def test_a_failed_source_ends_its_own_session_only(tiny: Model, speech: Path) -> None:
    clock, batch = SimulatedClock(), tiny.stream_batch(2)
    receivers = [Receiver(), Receiver()]
    good = RecordingSource(speech)
    sources = [Broken(), good]
    sessions = [
        Session(source, batch.stream(source.sample_rate, source.channels), [to], clock=clock)
        for source, to in zip(sources, receivers, strict=True)
    ]
    with pytest.raises(AudioError):
        run_sessions(sessions, duration=3)
    good.close()
    assert 14 <= len(receivers[0].frames) <= 17  # and a neutral one
    assert not receivers[0].frames[max(receivers[0].frames)].any()
    assert len(receivers[1].frames) == 91


def test_outputs_are_addressed_to_streams() -> None:
    requested = [("udp", "a@127.0.0.1:1"), ("udp", "127.0.0.1:2"), ("jsonl", "x/{stream}@1.jsonl")]
    names = ["a", "b"]
    assert outputs_of_stream(requested, "a", names) == [
        ("udp", "127.0.0.1:1"),
        ("udp", "127.0.0.1:2"),
        ("jsonl", "x/a@1.jsonl"),
    ]
    assert outputs_of_stream(requested, "b", names) == [
        ("udp", "127.0.0.1:2"),
        ("jsonl", "x/b@1.jsonl"),
    ]
    assert outputs_of_stream(requested, "", [""]) == [
        ("udp", "a@127.0.0.1:1"),
        ("udp", "127.0.0.1:2"),
        ("jsonl", "x/@1.jsonl"),
    ]


def invoke(*args: str) -> Result:
    return CliRunner().invoke(command, args)


def test_the_command_runs_several_streams(
    speech: Path,
    tmp_path: Path,
    receiver: socket.socket,
    tiny: Model,
    tiny_models: dict[int, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "Clock", SimulatedClock)
    samples, rate = soundfile.read(speech, dtype="int16")
    soundfile.write(tmp_path / "b.wav", samples[rate:], rate)
    where = "{}:{}".format(*receiver.getsockname())
    args = ["--stream", f"a=wav:{speech}", "--stream", f"b=wav:{tmp_path / 'b.wav'}", "--json"]
    args += ["--jsonl", str(tmp_path / "{stream}.jsonl"), "--udp", where]
    args += ["--livelink", f"b@{where}", "--model", str(tiny_models[30]), "--duration", "0.5"]
    result = invoke(*args)
    assert result.exit_code == 0, result.output + str(result.exception)
    for name, path in (("a", speech), ("b", tmp_path / "b.wav")):
        recorded = read_jsonl(tmp_path / f"{name}.jsonl")
        assert len(recorded) == 15
        offline = tiny.animate(path).weights[:15]
        np.testing.assert_allclose(recorded.weights, offline, atol=1e-5)
    datagrams = [receiver.recv(4096) for _ in range(3 * 16)]
    frames = [json.loads(datagram) for datagram in datagrams if datagram[:1] == b"{"]
    for name in ("a", "b"):
        indices = [frame["frame_index"] for frame in frames if frame["stream"] == name]
        assert indices == list(range(16))
    subjects = {data[45:46] for data in datagrams if data[:1] == b"\x06"}
    assert subjects == {b"b"}  # the subject after the device id
    figures = json.loads(result.stdout)
    assert {name: figures["streams"][name]["frames"] for name in ("a", "b")} == {"a": 15, "b": 15}


@pytest.mark.parametrize(
    "streams",
    [
        ["a"],
        ["a=mp3:x"],
        ["a=wav:"],
        ["=wav:x"],
        ["a b=wav:x"],
        ["a=stdin:"],
        ["a=stdin:x"],
        ["a=fifo:16000"],
        ["a=fifo:/tmp/x"],
        ["a=stdin:16000", "b=stdin:16000"],
        ["a=wav:x", "a=wav:y"],
    ],
)
def test_malformed_streams_are_refused(streams: list[str]) -> None:
    args = [word for text in streams for word in ("--stream", text)]
    result = invoke(*args, "--udp", "127.0.0.1:9")
    assert isinstance(result.exception, DataError)
    assert result.exception.code == "bad_stream"


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 60).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_the_command_is_controlled_through_its_socket(
    tmp_path: Path, speech: Path, free_port: int, receiver: socket.socket
) -> None:
    """Two named pipes; an interruption closes the mouth of one, and quit ends the command."""
    samples, _ = soundfile.read(speech, dtype="int16")
    where = "{}:{}".format(*receiver.getsockname())
    args = ["live", "--model", "30-fast", "--control", f"127.0.0.1:{free_port}", "--udp", where]
    for name in ("a", "b"):
        os.mkfifo(tmp_path / name)
        args += ["--stream", f"{name}=fifo:16000:{name}"]
    program = "from koemorph.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *args], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    jaws: dict[str, list[float]] = {"a": [], "b": []}

    def receive_until(stream: str, done: Callable[[list[float]], bool]) -> None:
        """Store jawOpen of both streams."""
        while not done(jaws[stream]):
            frame = json.loads(receiver.recv(4096))
            jaws[frame["stream"]].append(frame["blendshapes"][INDEX["jawOpen"]])

    try:
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(samples.tobytes())
        wait_for(lambda: is_listening(free_port))
        with socket.create_connection(("127.0.0.1", free_port), 60) as client:
            answers = client.makefile()
            receive_until("a", lambda jaw: len(jaw) > 60 and jaw[-1] > 0.1)
            client.sendall(b"@a interrupt\n")
            assert answers.readline() == "ok\n"
            jaws = {"a": [], "b": []}
            receive_until("a", lambda jaw: len(jaw) > 40)
            client.sendall(b"quit\n")
            assert answers.readline() == "ok\n"
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
    assert max(jaws["a"][-20:]) < 0.01
    assert max(jaws["b"][-20:]) > 0.05


@pytest.fixture
def controlled(tiny: Model) -> Iterator[tuple[list[Session], socket.socket]]:
    """Two sessions that do not run, and a connection to their control socket."""
    sessions = [
        Session(QueueSource(16000), tiny.stream(16000), [], name=name) for name in ("a", "b")
    ]
    server = ControlServer("127.0.0.1", 0, sessions)
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        yield sessions, client
    server.close()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("preset expressive", "ok"),
        ("set blink=0.5 blinks_per_minute=7", "ok"),
        ('{"command": "set", "controls": {"blink": 0.5}}', "ok"),
        ('{"command": "preset", "name": "raw", "stream": "b"}', "ok"),
        ('{"command": "interrupt"}', "ok"),
        ("@b quit", "ok"),
        ("", "error"),
        ("preset", "error"),
        ("preset missing", "error"),
        ("set blink", "error"),
        ("set blink=x", "error"),
        ("set blink=nan", "error"),
        ("set blink=1e9", "error"),
        ("set multiplier=1", "error"),
        ("set nothing=1", "error"),
        ("@c interrupt", "error"),
        ("{", "error"),
        ('{"command": "set", "controls": {"blink": "x"}}', "error"),
        ('{"command": ["quit"]}', "error"),
    ],
)
def test_each_command_is_answered(
    controlled: tuple[list[Session], socket.socket], line: str, answer: str
) -> None:
    sessions, client = controlled
    before = sessions[0].controls.blink
    client.sendall(line.encode() + b"\n")
    assert client.makefile().readline().partition(":")[0].strip() == answer
    if "0.5" in line:
        assert sessions[0].controls.blink == sessions[1].controls.blink == 0.5
    if answer == "error":
        assert sessions[0].controls.blink == before
        assert not any(each._requests for each in sessions)
    assert [each._stopped for each in sessions] == [False, line == "@b quit"]


def test_settings_after_a_preset_keep_the_preset(
    controlled: tuple[list[Session], socket.socket],
) -> None:
    sessions, client = controlled
    client.sendall(b"@b preset expressive\n@b set blink=0\n")
    answers = client.makefile()
    assert [answers.readline() for _ in range(2)] == ["ok\n", "ok\n"]
    assert sessions[1].controls.lower_strength == load_preset("expressive").lower_strength
    assert sessions[1].controls.blink == 0


def test_a_web_page_cannot_send_commands(
    controlled: tuple[list[Session], socket.socket],
) -> None:
    sessions, client = controlled
    client.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nquit\nquit\n")
    answers = client.makefile()
    assert answers.readline().startswith("error: ")
    with suppress(ConnectionResetError):
        assert answers.readline() == ""
    assert not any(each._stopped for each in sessions)


def test_a_used_control_port_is_refused() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(OutputError) as caught:
            ControlServer("127.0.0.1", sock.getsockname()[1], [])
    assert caught.value.code == "port_unavailable"


def test_commands_are_thread_safe(tiny: Model) -> None:
    """Interruptions and settings from another thread while the session runs."""
    clock = SimulatedClock()
    source, receiver = QueueSource(16000, clock), Receiver()
    running = Session(source, tiny.stream(16000), [receiver], clock=clock)
    done = threading.Event()

    def disturb() -> None:
        while not done.is_set():
            running.interrupt()
            running.set_controls(load_preset("raw"))
            source.write(bytes(3201))

    thread = threading.Thread(target=disturb)
    source.write(bytes(3200))
    thread.start()
    try:
        running.run(duration=3)
    finally:
        done.set()
        thread.join()
    assert list(receiver.frames) == list(range(91))


def without(modules: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code without some packages."""
    block = (
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {modules.split(',')!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
    )
    run = [sys.executable, "-c", block + code]
    return subprocess.run(run, capture_output=True, text=True, check=False)


def test_live_needs_no_extra_for_plain_sockets_and_help(
    speech: Path, tmp_path: Path, tiny_models: dict[int, Path], free_port: int
) -> None:
    extra = "aiohttp,pythonosc,sounddevice"
    outputs = ["--udp", "127.0.0.1:9", "--livelink", "127.0.0.1:9", "--jsonl", "x.jsonl"]
    outputs += [
        "--ifacialmocap",
        "127.0.0.1:9",
        "--duration",
        "0.1",
        "--control",
        f"127.0.0.1:{free_port}",
    ]
    args = ["live", "--wav", str(speech), "--model", str(tiny_models[30])]
    code = (
        "import os\n"
        "from koemorph.cli import main\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "def run(*args):\n"
        "    try:\n"
        "        main(args)\n"
        "    except SystemExit as end:\n"
        "        print('status', end.code or 0, flush=True)\n"
        "run('live', '--help')\n"
        "run('serve', '--help')\n"
        f"run(*{args + outputs!r})\n"
        f"run(*{[*args, '--vmc', '127.0.0.1']!r})\n"
        f"run(*{[*args, '--websocket', '9']!r})\n"
        "run('live', '--mic', '--udp', '127.0.0.1:9')\n"
        "run('serve')\n"
    )
    result = without(extra, code)
    states = [line for line in result.stdout.splitlines() if line.startswith("status")]
    assert states == ["status 0"] * 3 + ["status 2"] * 4, result.stdout + result.stderr
    assert "--allow-origin" in result.stdout
    errors = [line for line in result.stderr.splitlines() if line.startswith("koemorph: ")]
    for line, package in zip(
        errors, ["pythonosc", "aiohttp", "sounddevice", "aiohttp"], strict=True
    ):
        assert f"needs the package {package}" in line
        # Names that a registry has before KoeMorph's release.
        assert 'pip install "aiohttp>=' in line


def test_options_reach_the_outputs(free_port: int) -> None:
    settings = OutputSettings(30, origins=("null",), rate=10, stream="hero")
    with ExitStack() as stack:
        requested = [("websocket", str(free_port)), ("livelink", "127.0.0.1")]
        server, live_link = open_outputs(requested, settings, stack)
        assert server._origins == {"null"}
        assert live_link.max_rate == 10
        assert b"hero" in next(
            iter(live_link.encode(Frame.from_weights(0, 30, np.zeros(52, np.float32))))
        )
