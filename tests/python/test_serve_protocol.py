"""The server of live pages: access, malformed messages and limits."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import numpy as np
import pytest
from page_server import RunningServer, audio_message
from waiting import wait_for

from koemorph import serve
from koemorph.errors import OutputError
from koemorph.serve import MAX_MESSAGE, MAX_STREAMS
from koemorph.web import page_address


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")],
)
def test_the_printed_address_works_in_a_browser(host: str, address: str) -> None:
    assert page_address(host, 8765) == f"http://{address}:8765/"


def test_page_and_stream_need_token_origin_and_host(serving: RunningServer) -> None:
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


def test_malformed_messages_close_their_stream_only(serving: RunningServer) -> None:
    async def send_all() -> None:
        async with aiohttp.ClientSession() as session:
            for message, code in [
                ("text", aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (b"123", aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (audio_message(b"123"), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (audio_message(bytes(4), first_sample=-1), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (audio_message(bytes(4), first_sample=0.5), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (audio_message(bytes(4), seconds=np.nan), aiohttp.WSCloseCode.UNSUPPORTED_DATA),
                (
                    audio_message(bytes(4), first_sample=np.inf),
                    aiohttp.WSCloseCode.UNSUPPORTED_DATA,
                ),
                (audio_message(bytes(4), first_sample=1e300), aiohttp.WSCloseCode.POLICY_VIOLATION),
                (bytes(MAX_MESSAGE + 4), aiohttp.WSCloseCode.MESSAGE_TOO_BIG),
            ]:
                async with session.ws_connect(serving.stream) as socket:
                    await (socket.send_str if isinstance(message, str) else socket.send_bytes)(
                        message
                    )
                    await socket.receive(timeout=60)
                    assert socket.close_code == code
            second = [audio_message(bytes(48000), 12000 * k, 0.25 * k) for k in range(20)]
            for messages in [
                second,  # faster than real time
                [audio_message(bytes(4)), audio_message(bytes(4), 1, 9e9)],  # a future time
                [audio_message(bytes(8)), audio_message(bytes(8), 1, 1)],  # a repeated position
                [audio_message(bytes(8), 0, 1), audio_message(bytes(8), 2, 0)],  # a decreasing time
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
            await sockets[0].send_bytes(audio_message(np.full(4800, np.nan, np.float32)))
            frames = np.frombuffer((await sockets[0].receive(timeout=60)).data, "<f4").reshape(
                -1, 53
            )
            assert np.isfinite(frames).all()
            np.testing.assert_allclose(frames[:, 0], np.arange(len(frames)) / 30, atol=1e-6)
            for socket in sockets:
                await socket.close()

    asyncio.run(send_all())


def test_an_idle_stream_is_closed(serving: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_IDLE_SECONDS", 0.2)

    async def wait() -> str | None:
        async with aiohttp.ClientSession() as session, session.ws_connect(serving.stream) as stream:
            return (await stream.receive(60)).extra

    assert asyncio.run(wait()) == "no audio for 30 s"


def test_a_hundred_connections_do_not_block_the_page(serving: RunningServer) -> None:
    async def connect_all() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            tries = [session.ws_connect(serving.stream) for _ in range(100)]
            results = await asyncio.gather(*tries, return_exceptions=True)
            opened = [one for one in results if isinstance(one, aiohttp.ClientWebSocketResponse)]
            rejected = [one for one in results if isinstance(one, aiohttp.WSServerHandshakeError)]
            assert len(opened) == MAX_STREAMS
            assert {error.status for error in rejected} == {503}
            assert len(rejected) == 100 - MAX_STREAMS
            assert (await session.get(serving.page)).status == 200
            for one in opened:
                await one.close()
            # A closed stream frees its slot.
            async with session.ws_connect(serving.stream) as reopened:
                await reopened.send_bytes(audio_message(bytes(4 * 4800)))
                assert (await reopened.receive(timeout=60)).type is aiohttp.WSMsgType.BINARY

    asyncio.run(connect_all())
    # The server handles the last close later.
    wait_for(lambda: serving.server._streams == 0)


@pytest.mark.parametrize("sent", [b"\xff" * 64, b"\x82\xff" + b"\xff" * 12, b"GET / HTTP/1.1\r\n"])
def test_malformed_websocket_frames_are_harmless(serving: RunningServer, sent: bytes) -> None:
    address = serving.base.removeprefix("http://")
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as sock:
        path = serving.stream.removeprefix(serving.base)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n{upgrade}{key}".encode())
        assert b" 101 " in sock.recv(4096)
        sock.sendall(sent)
        while sock.recv(4096):  # the server replies and closes
            pass

    async def page() -> int:
        async with aiohttp.ClientSession() as session:
            return (await session.get(serving.page)).status

    assert asyncio.run(page()) == 200


def test_a_port_in_use_is_rejected(serving: RunningServer) -> None:
    port = int(serving.base.rpartition(":")[2])
    with pytest.raises(OutputError, match=str(port)) as caught:
        asyncio.run(serving.server.start(port))
    assert caught.value.code == "port_unavailable"
