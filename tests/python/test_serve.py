"""The live page in headless Chromium with a fake microphone, and the server's limits."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import chromium
import loudness_model
import numpy as np
import preview_rigs
import pytest
import soundfile
from waiting import wait_for

from koemorph import serve
from koemorph.blendshapes import INDEX
from koemorph.browser_audio import HEADER, MAX_DELAY, RESUME_DELAY, AudioMessage, AudioReceiver
from koemorph.errors import DataError, OutputError
from koemorph.model import Model
from koemorph.retarget import load_retarget_map
from koemorph.serve import MAX_MESSAGE, MAX_STREAMS, Server
from koemorph.stream import Stream
from koemorph.web import page_address

if TYPE_CHECKING:
    from playwright.sync_api import Page

Wait = Callable[["Page", str], None]


class Running:
    """A server in its own thread."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.server, self.loop, self.model = server, loop, server._model
        self.base = f"http://127.0.0.1:{port}"
        self.page = f"{self.base}/?token={server.token}"
        self.stream = f"{self.base}/stream?token={server.token}&rate=48000"


@contextmanager
def run(server: Server, port: int) -> Iterator[Running]:
    """Run a server until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(server.start(port), loop).result(60)
    yield Running(server, loop, port)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def serving(tmp_path: Path, free_port: int) -> Iterator[Running]:
    server = Server(Model(loudness_model.save(tmp_path / "m.onnx")), None, "127.0.0.1")
    with run(server, free_port) as running:
        yield running


def spoken(samples: np.ndarray | bytes, first: float = 0, seconds: float = 0) -> bytes:
    """Encode a message as the page sends it: samples, their position and capture time (s)."""
    return HEADER.pack(first, seconds) + bytes(samples)


@pytest.fixture
def exchanged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the blocks that the server animated, each with its frames."""
    blocks: list[tuple[np.ndarray, np.ndarray]] = []
    animate_block = serve._animate

    def animate(stream: Stream, samples: np.ndarray) -> np.ndarray:
        blocks.append((samples.copy(), animate_block(stream, samples)))
        return blocks[-1][1]

    monkeypatch.setattr(serve, "_animate", animate)
    return blocks


def is_talking(sound: np.ndarray, rate: int, frames: int) -> np.ndarray:
    """Whether each frame at 30 fps is within a quarter of a second of sound above -40 dB."""
    edges = np.arange(frames + 1) * rate // 30
    edges = np.minimum(edges, len(sound) - 1)
    power = np.maximum.reduceat(np.abs(sound), edges[:-1])
    return np.convolve(power > 0.01, np.ones(15), "same") > 0


def test_the_mouth_moves_during_speech_only(
    tmp_path: Path,
    speech: Path,
    serving: Running,
    exchanged: list[tuple[np.ndarray, np.ndarray]],
    open_browser,
    wait_until: Wait,
) -> None:
    """Compared with the audio that the browser sent, since a busy browser loses some."""
    voice, rate = soundfile.read(speech, dtype="float32")
    voice = voice[: int(2.5 * rate)]
    silence = np.zeros(int(2.5 * rate), np.float32)
    soundfile.write(tmp_path / "mic.wav", np.concatenate([voice, silence]), rate, "PCM_16")
    page = open_browser(*chromium.speaking(tmp_path / "mic.wav")).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    # The fake microphone repeats its file: two rounds of speech and silence.
    wait_until(page, "koemorph.connection?.frames > 320")
    assert errors == []
    frames, rate, values = page.evaluate(
        "(({ connection, history }) =>"
        " [connection.frames, connection.context.sampleRate, [...history.values]])(koemorph)"
    )
    assert "ms latency" in page.text_content("#status")
    page.click("#play")
    wait_until(page, "!koemorph.connection.running")
    shown = np.array(values).reshape(-1, 52) / 255
    sound = np.concatenate([samples for samples, _ in exchanged])
    answered = np.concatenate([answer for _, answer in exchanged])[:frames, 1:]
    # The page shows the returned frames, and these are those of the audio.
    np.testing.assert_allclose(shown, answered[-len(shown) :], atol=0.51 / 255)
    animated = serving.model.animate(sound, sample_rate=int(rate), preset="microphone")
    np.testing.assert_allclose(answered, animated.weights[:frames], atol=1e-5)
    talking = is_talking(sound, int(rate), frames)
    jaw = answered[:, INDEX["jawOpen"]]
    assert 0.2 < talking.mean() < 0.9
    assert jaw[talking].max() > 0.5
    assert np.quantile(jaw[~talking], 0.9) < 0.05


def test_a_slow_machine_skips_audio_and_limits_the_delay(
    serving: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processing at half real time, on a simulated clock."""
    rate, size, blocks = 48000, 480, 1000
    animate_block = serve._animate
    clock = began = 100.0
    late: list[float] = []

    def animate(stream: Stream, samples: np.ndarray) -> np.ndarray:
        nonlocal clock
        late.append(clock - began - samples[0])
        clock += 2 * size / rate
        return animate_block(stream, np.zeros_like(samples))

    monkeypatch.setattr(serve, "_animate", animate)
    monkeypatch.setattr(serve, "_now", lambda: clock)

    async def talk() -> list[float]:
        told: list[float] = []
        seconds = 0.0
        async with aiohttp.ClientSession() as session, session.ws_connect(serving.stream) as socket:
            for at in np.arange(blocks) * size / rate:
                block = np.full(size, at, np.float32)
                await socket.send_bytes(spoken(block, round(at * rate), at))
            while seconds < blocks * size / rate - 2 * MAX_DELAY:
                message = await socket.receive(timeout=60)
                if message.type is aiohttp.WSMsgType.TEXT:
                    told.append(message.json()["skipped"])
                else:
                    frames = np.frombuffer(message.data, "<f4").reshape(-1, 53)
                    assert (frames[:, 0] > seconds - 1e-6).all()
                    seconds = float(frames[-1, 0])
        return told

    told = asyncio.run(talk())
    # Half of ten seconds is processed in time; the rest is skipped and reported.
    assert max(late) <= MAX_DELAY + 1e-6
    assert told == sorted(told)
    assert told[-1] == pytest.approx(blocks * size / rate / 2, abs=2 * MAX_DELAY)


def test_a_stalled_connection_is_caught_up_in_one_gap() -> None:
    """Audio that was delayed by 1.5 s: the oldest part is skipped, time continues."""
    rate, size = 1000, 10
    receiver = AudioReceiver(rate, 0.0)
    stall = 1.5
    wanted = []
    for k in range(400):
        at = k * size / rate
        now = max(at, 1.0 + stall) if at > 1.0 else at
        if receiver.accept(AudioMessage(k * size, at, np.zeros(size, np.float32)), now):
            wanted.append((at, now - at))
    assert max(late for _, late in wanted) <= MAX_DELAY
    gaps = np.diff([at for at, _ in wanted])
    assert np.sum(gaps > 1.5 * size / rate) == 1
    assert receiver.dropped_seconds == pytest.approx(stall - RESUME_DELAY, abs=2 * size / rate)
    heard = np.array([0.5, 1.0, 1.2, len(wanted) * size / rate])
    lost = np.array([0, 0, receiver.dropped_seconds, receiver.dropped_seconds])
    np.testing.assert_allclose(receiver.source_times(heard), heard + lost, atol=2 * size / rate)
    # Audio that the page itself dropped counts as well.
    before = receiver.dropped_seconds
    assert receiver.accept(AudioMessage(4300, 4.3, np.zeros(size, np.float32)), 4.3)
    assert receiver.dropped_seconds == pytest.approx(before + 0.3)


def test_the_page_reports_skipped_audio(
    serving: Running, monkeypatch: pytest.MonkeyPatch, open_browser, wait_until: Wait
) -> None:
    animate_block = serve._animate
    working = threading.Event()

    def animate(stream: Stream, samples: np.ndarray) -> np.ndarray:
        working.wait(60)
        return animate_block(stream, samples)

    monkeypatch.setattr(serve, "_animate", animate)
    page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    try:
        # The connection exists before it has asked for the microphone.
        link = "koemorph.connection"
        late = f"{link}.sent / {link}.context.sampleRate > {MAX_DELAY} + 1"
        wait_until(page, f"{link}?.running && {late}")
    finally:
        working.set()
    wait_until(page, "document.getElementById('status').textContent.includes('skipped')")
    assert page.evaluate("koemorph.connection.skipped") >= MAX_DELAY


def test_a_denied_microphone_is_reported(serving: Running, open_browser, wait_until: Wait) -> None:
    page = open_browser("--deny-permission-prompts").new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    wait_until(page, "document.getElementById('status').textContent.includes('allow it in')")


@pytest.mark.parametrize("voices", [0, MAX_STREAMS])
def test_a_double_click_opens_one_microphone_and_all_is_closed(
    serving: Running,
    monkeypatch: pytest.MonkeyPatch,
    open_browser,
    wait_until: Wait,
    voices: int,
) -> None:
    monkeypatch.setattr(serve, "MAX_STREAMS", voices)
    page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.evaluate(
        "() => { for (const id of ['start', 'play']) document.getElementById(id).click() }"
    )
    if voices:
        wait_until(page, "koemorph.connection.frames > 10")
        assert serving.server._streams == 1
        page.click("#play")
    else:
        wait_until(page, "document.getElementById('status').textContent.includes('at once')")
    track = page.evaluate("koemorph.connection.media.getTracks()[0].readyState")
    assert (track, page.evaluate("koemorph.connection.context.state")) == ("ended", "closed")


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")],
)
def test_the_printed_address_works_in_a_browser(host: str, address: str) -> None:
    assert page_address(host, 8765) == f"http://{address}:8765/"


def test_a_stopped_server_is_reported(serving: Running, open_browser, wait_until: Wait) -> None:
    page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    fail = "AudioWorklet.prototype.addModule = () => Promise.reject(Error('Network error'))"
    page.evaluate(f"() => {{ {fail} }}")
    page.click("#start")
    wait_until(
        page, "document.getElementById('status').textContent.includes('koemorph serve is running')"
    )


def test_page_and_stream_need_token_origin_and_host(serving: Running) -> None:
    async def statuses() -> list[int]:
        async with aiohttp.ClientSession() as session:
            tries = [
                (serving.page, {}),
                (serving.base + "/", {}),
                (serving.base + "/?token=%C3%A9", {}),
                (serving.page, {"Host": "evil.example"}),
                (serving.stream, {"Origin": "https://evil.example"}),
                (serving.stream.replace("48000", "1"), {}),
                (serving.stream.replace("48000", "9" * 5000), {}),
            ]
            return [(await session.get(url, headers=headers)).status for url, headers in tries]

    assert asyncio.run(statuses()) == [200, 403, 403, 403, 403, 400, 400]


def test_malformed_messages_close_their_stream_only(serving: Running) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as session:
            for message, code in [
                ("text", aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (b"123", aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (spoken(b"123"), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (spoken(bytes(4), first=-1), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (spoken(bytes(4), first=0.5), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (spoken(bytes(4), seconds=np.nan), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (spoken(bytes(4), first=np.inf), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (spoken(bytes(4), first=1e300), aiohttp.WSCloseCode.POLICY_VIOLATION),
                (bytes(MAX_MESSAGE + 4), aiohttp.WSCloseCode.MESSAGE_TOO_BIG),
            ]:
                async with session.ws_connect(serving.stream) as socket:
                    await (socket.send_str if isinstance(message, str) else socket.send_bytes)(
                        message
                    )
                    await socket.receive(timeout=60)
                    assert socket.close_code == code
            second = [spoken(bytes(48000), 12000 * k, 0.25 * k) for k in range(20)]
            for messages in [
                second,  # faster than real time
                [spoken(bytes(4)), spoken(bytes(4), 1, 9e9)],  # a future time
                [spoken(bytes(8)), spoken(bytes(8), 1, 1)],  # a repeated position
                [spoken(bytes(8), 0, 1), spoken(bytes(8), 2, 0)],  # a decreasing time
            ]:
                async with session.ws_connect(serving.stream) as socket:
                    for message in messages:
                        await socket.send_bytes(message)
                    while (await socket.receive(timeout=60)).type != aiohttp.WSMsgType.CLOSE:
                        pass
                    assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
            sockets = [await session.ws_connect(serving.stream) for _ in range(MAX_STREAMS)]
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await session.ws_connect(serving.stream)
            await sockets[0].send_bytes(spoken(np.full(4800, np.nan, np.float32)))
            frames = np.frombuffer((await sockets[0].receive(timeout=60)).data, "<f4").reshape(
                -1, 53
            )
            assert np.isfinite(frames).all()
            np.testing.assert_allclose(frames[:, 0], np.arange(len(frames)) / 30, atol=1e-6)
            for socket in sockets:
                await socket.close()

    asyncio.run(talk())


def test_an_idle_stream_is_closed(serving: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_IDLE_SECONDS", 0.2)

    async def wait() -> str | None:
        async with aiohttp.ClientSession() as session, session.ws_connect(serving.stream) as voice:
            return (await voice.receive(60)).extra

    assert asyncio.run(wait()) == "no audio for 30 s"


def test_a_hundred_connections_do_not_block_the_page(serving: Running) -> None:
    async def batch() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            tries = [session.ws_connect(serving.stream) for _ in range(100)]
            got = await asyncio.gather(*tries, return_exceptions=True)
            speaking = [one for one in got if isinstance(one, aiohttp.ClientWebSocketResponse)]
            refused = [one for one in got if isinstance(one, aiohttp.WSServerHandshakeError)]
            assert len(speaking) == MAX_STREAMS
            assert {error.status for error in refused} == {503}
            assert len(refused) == 100 - MAX_STREAMS
            assert (await session.get(serving.page)).status == 200
            for one in speaking:
                await one.close()
            # A closed stream frees its slot.
            async with session.ws_connect(serving.stream) as again:
                await again.send_bytes(spoken(bytes(4 * 4800)))
                assert (await again.receive(timeout=60)).type is aiohttp.WSMsgType.BINARY

    asyncio.run(batch())
    # The server handles the last close later.
    wait_for(lambda: serving.server._streams == 0)


@pytest.mark.parametrize("sent", [b"\xff" * 64, b"\x82\xff" + b"\xff" * 12, b"GET / HTTP/1.1\r\n"])
def test_malformed_websocket_frames_are_harmless(serving: Running, sent: bytes) -> None:
    address = serving.base.removeprefix("http://")
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as sock:
        path = serving.stream.removeprefix(serving.base)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n{upgrade}{key}".encode())
        assert b" 101 " in sock.recv(4096)
        sock.sendall(sent)
        while sock.recv(4096):  # the server answers and closes
            pass

    async def page() -> int:
        async with aiohttp.ClientSession() as session:
            return (await session.get(serving.page)).status

    assert asyncio.run(page()) == 200


def test_a_port_in_use_is_refused(serving: Running) -> None:
    port = int(serving.base.rpartition(":")[2])
    with pytest.raises(OutputError, match=str(port)) as caught:
        asyncio.run(serving.server.start(port))
    assert caught.value.code == "port_unavailable"


def test_preset_and_retarget_map_reach_the_page(
    tmp_path: Path, free_port: int, open_browser, wait_until: Wait
) -> None:
    """A retargeted rig gets its own weights in every message; the face keeps the 52."""
    described = {"koemorph": "retarget", "version": 1, "name": "half"}
    described["targets"] = {"vowelA": {"from": {"jawOpen": 0.5}}}
    (tmp_path / "map.json").write_text(json.dumps(described))
    rig = preview_rigs.two_materials(tmp_path / "rig.glb", ("vowelA", "vowelI"))
    model = Model(loudness_model.save(tmp_path / "m.onnx"))
    target = load_retarget_map(tmp_path / "map.json")
    server = Server(model, rig, "127.0.0.1", preset="raw", retarget=target)
    with run(server, free_port) as serving:
        page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
        page.goto(serving.page)
        wait_until(page, "!!window.koemorph?.ready")
        page.click("#start")
        wait_until(page, "koemorph.connection?.rigHistory?.latest.vowelA > 0.01")
        history = "koemorph.connection.rigHistory.latest.vowelA, koemorph.history.latest.jawOpen"
        vowel, jaw = page.evaluate(f"[{history}]")
        assert vowel == pytest.approx(jaw / 2, abs=1e-5)
    with pytest.raises(DataError):
        Server(model, None, "127.0.0.1", preset="missing")
