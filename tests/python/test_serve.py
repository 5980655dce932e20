"""The live page in headless Chromium with a fake microphone, and the server's limits."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import chromium
import loudness_model
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page

from koemorph import serve
from koemorph.coefficients import INDEX
from koemorph.errors import OutputError
from koemorph.model import Model
from koemorph.serve import MAX_MESSAGE, MAX_VOICES, Server
from koemorph.stream import Stream

Wait = Callable[[Page, str], None]


class Running:
    """A server in a thread of its own."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.server, self.loop, self.model = server, loop, server._model
        self.base = f"http://127.0.0.1:{port}"
        self.page = f"{self.base}/?token={server.token}"
        self.stream = f"{self.base}/stream?token={server.token}&rate=48000"


@pytest.fixture
def serving(tmp_path: Path, free_port: int) -> Iterator[Running]:
    server = Server(Model(loudness_model.save(tmp_path / "m.onnx")), None, None, "127.0.0.1")
    loop = asyncio.new_event_loop()
    runner = loop.run_until_complete(server.start(free_port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield Running(server, loop, free_port)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def exchanged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, bytes]]:
    """What the server heard, block by block, each with the frames it answered."""
    told: list[tuple[np.ndarray, bytes]] = []
    animate_block = serve._animate

    def animate(stream: Stream, samples: np.ndarray) -> bytes:
        told.append((samples.copy(), animate_block(stream, samples)))
        return told[-1][1]

    monkeypatch.setattr(serve, "_animate", animate)
    return told


def is_talking(sound: np.ndarray, rate: int, frames: int) -> np.ndarray:
    """Whether each frame at 30 fps is within a quarter of a second of sound above -40 dB."""
    edges = np.arange(frames + 1) * rate // 30
    edges = np.minimum(edges, len(sound) - 1)
    power = np.maximum.reduceat(np.abs(sound), edges[:-1])
    return np.convolve(power > 0.01, np.ones(15), "same") > 0


def test_lips_move_when_and_only_when_there_is_speech(
    tmp_path: Path,
    speech: Path,
    serving: Running,
    exchanged: list[tuple[np.ndarray, bytes]],
    open_browser,
    wait_until: Wait,
) -> None:
    """Held against the sound that the browser really sent: a busy one loses pieces of it."""
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
    # The fake microphone plays its file over and over: two rounds of speech and silence.
    wait_until(page, "koemorph.link?.frames > 320")
    assert errors == []
    frames, rate, values = page.evaluate(
        "[koemorph.link.frames, koemorph.link.context.sampleRate, [...koemorph.history.values]]"
    )
    assert "ms from voice to face" in page.text_content("#status")
    page.click("#play")
    wait_until(page, "!koemorph.link.running")
    shown = np.array(values).reshape(-1, 52) / 255
    sound = np.concatenate([samples for samples, _ in exchanged])
    answered = np.frombuffer(b"".join(answer for _, answer in exchanged), "<f4").reshape(-1, 53)
    answered = answered[:frames, 1:]
    # What is seen is what was answered, and that is what the sound says.
    np.testing.assert_allclose(shown, answered[-len(shown) :], atol=0.51 / 255)
    animated = serving.model.animate(sound, sample_rate=int(rate), preset="microphone")
    np.testing.assert_allclose(answered, animated.weights[:frames], atol=1e-5)
    talking = is_talking(sound, int(rate), frames)
    jaw = answered[:, INDEX["jawOpen"]]
    assert 0.2 < talking.mean() < 0.9
    assert jaw[talking].max() > 0.5
    assert np.quantile(jaw[~talking], 0.9) < 0.05


def test_a_denied_microphone_is_explained(serving: Running, open_browser, wait_until: Wait) -> None:
    page = open_browser("--deny-permission-prompts").new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    wait_until(page, "document.getElementById('status').textContent.includes('allow it beside')")


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
            ]
            return [(await session.get(url, headers=headers)).status for url, headers in tries]

    assert asyncio.run(statuses()) == [200, 403, 403, 403, 403, 400]


def test_bad_messages_end_a_stream_and_nothing_else(serving: Running) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as session:
            for message, code in [
                ("text", aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (b"123", aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (bytes(MAX_MESSAGE + 4), aiohttp.WSCloseCode.MESSAGE_TOO_BIG),
            ]:
                async with session.ws_connect(serving.stream) as socket:
                    await (socket.send_str if isinstance(message, str) else socket.send_bytes)(
                        message
                    )
                    await socket.receive(timeout=10)
                    assert socket.close_code == code
            async with session.ws_connect(serving.stream) as socket:
                for _ in range(20):
                    await socket.send_bytes(bytes(48000))
                while (await socket.receive(timeout=10)).type != aiohttp.WSMsgType.CLOSE:
                    pass
                assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
            sockets = [await session.ws_connect(serving.stream) for _ in range(MAX_VOICES)]
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await session.ws_connect(serving.stream)
            nans = np.full(4800, np.nan, np.float32).tobytes()
            await sockets[0].send_bytes(nans)
            frames = np.frombuffer((await sockets[0].receive(timeout=10)).data, "<f4").reshape(
                -1, 53
            )
            assert np.isfinite(frames).all()
            np.testing.assert_allclose(frames[:, 0], np.arange(len(frames)) / 30, atol=1e-6)
            for socket in sockets:
                await socket.close()

    asyncio.run(talk())


def test_a_hundred_connections_leave_room_for_the_page(serving: Running) -> None:
    async def crowd() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            tries = [session.ws_connect(serving.stream) for _ in range(100)]
            got = await asyncio.gather(*tries, return_exceptions=True)
            speaking = [one for one in got if isinstance(one, aiohttp.ClientWebSocketResponse)]
            refused = [one for one in got if isinstance(one, aiohttp.WSServerHandshakeError)]
            assert len(speaking) == MAX_VOICES
            assert {error.status for error in refused} == {503}
            assert len(refused) == 100 - MAX_VOICES
            assert (await session.get(serving.page)).status == 200
            for one in speaking:
                await one.close()
            # Whoever has gone makes room.
            async with session.ws_connect(serving.stream) as again:
                await again.send_bytes(bytes(4 * 4800))
                assert (await again.receive(timeout=10)).type is aiohttp.WSMsgType.BINARY

    asyncio.run(crowd())
    assert serving.server._voices == 0


@pytest.mark.parametrize("sent", [b"\xff" * 64, b"\x82\xff" + b"\xff" * 12, b"GET / HTTP/1.1\r\n"])
def test_what_is_no_websocket_frame_harms_nobody(serving: Running, sent: bytes) -> None:
    address = serving.base.removeprefix("http://")
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        path = serving.stream.removeprefix(serving.base)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n{upgrade}{key}".encode())
        assert b" 101 " in sock.recv(4096)
        sock.sendall(sent)
        while sock.recv(4096):  # the server says why and hangs up
            pass

    async def page() -> int:
        async with aiohttp.ClientSession() as session:
            return (await session.get(serving.page)).status

    assert asyncio.run(page()) == 200


def test_a_port_in_use_is_a_sentence(serving: Running) -> None:
    port = int(serving.base.rpartition(":")[2])
    with pytest.raises(OutputError, match=f"Port {port} .* choose another port"):
        asyncio.run(serving.server.start(port))
