"""The WebSocket output: frames, limits, slow clients and errors."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from koemorph.errors import OutputError
from koemorph.outputs.network import Frame
from koemorph.outputs.websocket import MAX_CLIENTS, MAX_MESSAGE, MAX_QUEUED_FRAMES, WebSocketOutput

WEIGHTS = np.random.default_rng(3).random(52, np.float32)
FRAME = Frame.from_weights(7, 30, WEIGHTS)


def test_websocket_sends_frames_and_enforces_its_limits(free_port: int) -> None:
    output = WebSocketOutput(free_port)
    url = f"http://127.0.0.1:{free_port}/"

    async def talk() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            async with session.ws_connect(url) as client:
                output.send(FRAME)
                frame = json.loads((await client.receive(timeout=60)).data)
                assert frame["frame_index"] == 7
                np.testing.assert_allclose(frame["blendshapes"], WEIGHTS, atol=5.1e-5)
                await client.send_str("x" * (MAX_MESSAGE + 1))
                assert (await client.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
            for header in ("Origin", "Host"):
                for foreign in ("https://evil.example", "http://[", "["):
                    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                        await session.ws_connect(url, headers={header: foreign})
            tries = [session.ws_connect(url) for _ in range(100)]
            got = await asyncio.gather(*tries, return_exceptions=True)
            clients = [one for one in got if isinstance(one, aiohttp.ClientWebSocketResponse)]
            rejected = [one for one in got if isinstance(one, aiohttp.WSServerHandshakeError)]
            assert (len(clients), len(rejected)) == (MAX_CLIENTS, 100 - MAX_CLIENTS)
            assert {error.status for error in rejected} == {503}
            output.send(Frame.from_weights(8, 30, WEIGHTS))
            for client in clients:
                assert json.loads((await client.receive(timeout=60)).data)["frame_index"] == 8
                await client.close()

    try:
        asyncio.run(talk())
    finally:
        output.close()


def connect_from(port: int, origin: str) -> tuple[int, str]:
    """Return the status and text of a handshake from a page of an origin."""

    async def talk() -> tuple[int, str]:
        headers = {
            "Origin": origin,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        url = f"http://127.0.0.1:{port}/"
        async with aiohttp.ClientSession() as session:
            response = await session.get(url, headers=headers)
            text = await response.text() if response.status == 403 else ""
            response.close()
            return response.status, text

    return asyncio.run(talk())


@pytest.mark.parametrize(
    ("origin", "option"),
    [
        ("null", "null"),  # a local HTML file in Chromium
        ("file://", "null"),  # OBS
        ("https://page.example:8443", "https://page.example:8443"),
        ("HTTPS://Page.Example", "https://page.example/"),
    ],
)
def test_an_origin_is_refused_until_it_is_allowed(free_port: int, origin: str, option: str) -> None:
    output = WebSocketOutput(free_port)
    try:
        status, text = connect_from(free_port, origin)
        assert status == 403
        assert f"--allow-origin {option.rstrip('/')} " in text
        # Browsers show no reason, so the status line does.
        output.send(FRAME)
        assert f"--allow-origin {option.rstrip('/')} " in output.notice
    finally:
        output.close()
    output = WebSocketOutput(free_port, allowed_origins=["https://other.example", option])
    try:
        assert connect_from(free_port, origin)[0] == 101
        assert connect_from(free_port, "https://evil.example")[0] == 403
        assert connect_from(free_port, f"{origin}.evil.example")[0] == 403
    finally:
        output.close()


@pytest.mark.parametrize("origin", ["", "*", "page.example", "https://", "https://a/b", "nul"])
def test_malformed_origins_are_refused(free_port: int, origin: str) -> None:
    with pytest.raises(OutputError) as caught:
        WebSocketOutput(free_port, allowed_origins=[origin])
    assert caught.value.code == "bad_origin"


def test_a_port_in_use_is_rejected_and_the_loop_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: loop)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(OutputError) as caught:
            WebSocketOutput(sock.getsockname()[1])
    assert caught.value.code == "port_unavailable"
    assert loop.is_closed()


def test_a_slow_client_loses_frames_and_delays_no_other(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = WebSocketOutput(free_port)
    url = f"http://127.0.0.1:{free_port}/"
    send, stalled, free = web.WebSocketResponse.send_str, [], asyncio.Event()

    async def send_slowly(self: web.WebSocketResponse, *text: Any) -> None:
        stalled.append(self)
        if self is stalled[0]:  # the first client stops reading
            await free.wait()
        await send(self, *text)

    async def read(client: aiohttp.ClientWebSocketResponse, count: int) -> list[int]:
        received = [json.loads((await client.receive(timeout=60)).data) for _ in range(count)]
        return [frame["frame_index"] for frame in received]

    async def talk() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as slow:
            output.send(Frame.from_weights(0, 30, WEIGHTS))
            while not stalled:
                await asyncio.sleep(0.01)
            async with session.ws_connect(url) as other:
                for index in range(1, 31):
                    output.send(Frame.from_weights(index, 30, WEIGHTS))
                    assert await read(other, 1) == [index]
            output._loop.call_soon_threadsafe(free.set)
            newest = list(range(31 - MAX_QUEUED_FRAMES, 31))
            assert await read(slow, 1 + MAX_QUEUED_FRAMES) == [0, *newest]

    monkeypatch.setattr(web.WebSocketResponse, "send_str", send_slowly)
    try:
        asyncio.run(talk())
    finally:
        output.close()


def test_client_errors_are_not_logged(
    free_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    output = WebSocketOutput(free_port)
    error: Exception = ConnectionResetError("Cannot write to closing transport")

    async def leave(*_: Any) -> None:
        raise error

    def answer(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", free_port), 60) as client:
            client.sendall(request)
            return client.recv(12)

    hello = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{free_port}\r\n\r\n".encode()
    monkeypatch.setattr(web.WebSocketResponse, "prepare", leave)
    try:
        answer(hello)
        assert answer(b"GET /" + b"a" * 10000 + b" HTTP/1.1\r\n\r\n") == b"HTTP/1.0 400"
        assert answer(b"\x16\x03\x01 a TLS handshake") == b"HTTP/1.0 400"
        assert caplog.records == []
        error = ValueError("an internal error")
        assert answer(hello) == b"HTTP/1.1 500"
        assert len(caplog.records) == 1
    finally:
        output.close()


def test_clients_receive_the_last_frame_and_a_close(free_port: int) -> None:
    output = WebSocketOutput(free_port)

    async def talk() -> None:
        url = f"http://127.0.0.1:{free_port}/"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as client:
            output.send(FRAME)
            ending = asyncio.create_task(asyncio.to_thread(output.close))
            assert json.loads((await client.receive(timeout=60)).data)["frame_index"] == 7
            assert (await client.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
            assert client.close_code == aiohttp.WSCloseCode.GOING_AWAY
            await ending

    asyncio.run(talk())


def test_closing_tolerates_a_suspended_machine(free_port: int) -> None:
    output = WebSocketOutput(free_port)
    output._loop.call_soon_threadsafe(time.sleep, 5.5)
    output.close()
    assert output._loop.is_closed()
