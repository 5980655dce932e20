"""The live page in headless Chromium with a fake microphone, and the server's limits."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import loudness_model
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page

from koemorph.coefficients import INDEX
from koemorph.errors import OutputError
from koemorph.model import Model
from koemorph.serve import MAX_MESSAGE, MAX_VOICES, Server

Wait = Callable[[Page, str], None]
SWITCHES = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


class Running:
    """A server in a thread of its own."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.server, self.loop = server, loop
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


def test_lips_move_when_and_only_when_there_is_speech(
    tmp_path: Path, speech: Path, serving: Running, open_browser, wait_until: Wait
) -> None:
    voice, rate = soundfile.read(speech, dtype="float32")
    voice = voice[: int(2.5 * rate)]
    silence = np.zeros(int(2.5 * rate), np.float32)
    soundfile.write(tmp_path / "mic.wav", np.concatenate([voice, silence]), rate, "PCM_16")
    fake = f"--use-file-for-fake-audio-capture={tmp_path / 'mic.wav'}"
    page = open_browser(*SWITCHES, fake).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    # The fake microphone plays its file over and over: two rounds of speech and silence.
    wait_until(page, "koemorph.link?.frames > 320")
    assert errors == []
    jaw, level = page.evaluate(
        "(k) => [[...koemorph.history.values].filter((_, i) => i % 52 === k),"
        " [...koemorph.history.peaks]]",
        INDEX["jawOpen"],
    )
    jaw = np.array(jaw) / 255
    times = np.arange(len(jaw)) * len(level) // len(jaw)
    peaks = np.maximum.reduceat(np.array(level), times) / 255
    talking = np.convolve(peaks > 0.25, np.ones(15), "same") > 0
    assert 0.2 < talking.mean() < 0.9
    # 0.55 in full; a busy browser loses pieces of sound, the loudest syllable among them.
    assert jaw[talking].max() > 0.3
    assert np.quantile(jaw[~talking], 0.9) < 0.15
    assert "ms from voice to face" in page.text_content("#status")
    page.click("#play")
    wait_until(page, "!koemorph.link.running")


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
