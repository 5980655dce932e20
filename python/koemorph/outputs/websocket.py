"""A WebSocket server that sends each frame as a JSON text message to every client."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterable

from aiohttp import WSCloseCode, WSMsgType, web

from koemorph.errors import OutputError
from koemorph.outputs.network import Frame, Output
from koemorph.outputs.udp import frame_json
from koemorph.web import foreign_origin, names_this_server, parse_origin, start_site

MAX_CLIENTS = 16
MAX_MESSAGE = 1024
"""Largest message from a client, bytes; messages are ignored."""
MAX_QUEUED_FRAMES = 8
"""Frames queued for a slow client; older ones are dropped."""


class _Client:
    def __init__(self) -> None:
        self.frames: deque[str | None] = deque(maxlen=MAX_QUEUED_FRAMES)  # None: end of stream
        self.ready = asyncio.Event()


class WebSocketOutput(Output):
    """Serves ws://host:port/ from its own thread, to at most MAX_CLIENTS clients."""

    def __init__(
        self, port: int, host: str = "127.0.0.1", allowed_origins: Iterable[str] = ()
    ) -> None:
        """Start the server.

        Args:
            port: TCP port to listen on.
            host: Address to listen on.
            allowed_origins: Origins of browser pages that may connect besides pages of this
                computer's address; `null` for local files.

        Raises:
            OutputError: The address or port is not available, or an origin is malformed.
        """
        super().__init__(f"websocket on {host}:{port}")
        self._host = host
        self._origins = frozenset(map(parse_origin, allowed_origins))
        self._port = port
        self._clients: set[_Client] = set()
        self._loop = asyncio.new_event_loop()
        try:
            self._runner = self._loop.run_until_complete(self._start())
        except BaseException:
            self._loop.close()
            raise
        self._thread = threading.Thread(
            target=self._loop.run_forever, daemon=True, name="websocket"
        )
        self._thread.start()

    async def _start(self) -> web.AppRunner:
        app = web.Application(client_max_size=MAX_MESSAGE)
        app.router.add_get("/", self._serve)
        return await start_site(app, self._host, self._port)

    def write(self, frame: Frame) -> None:
        if self._clients:
            self._loop.call_soon_threadsafe(self._broadcast, frame_json(frame))

    def _broadcast(self, text: str | None) -> None:
        for client in self._clients:
            client.frames.append(text)
            client.ready.set()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not names_this_server(request, self._host):
            raise web.HTTPForbidden(text=f'"{request.host}" is not the address of this server.')
        origin = foreign_origin(request, self._origins)
        if origin is not None:
            raise web.HTTPForbidden(text=self._refuse(origin))
        if len(self._clients) >= MAX_CLIENTS:
            raise web.HTTPServiceUnavailable(text=f"All {MAX_CLIENTS} client slots are in use.")
        client = _Client()
        self._clients.add(client)
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=20)
        sender: asyncio.Task[None] | None = None
        try:
            await socket.prepare(request)
            sender = asyncio.create_task(self._send(socket, client))
            async for incoming in socket:
                if incoming.type is not WSMsgType.TEXT:
                    await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
        finally:
            self._clients.discard(client)
            if sender is not None:
                sender.cancel()
        return socket

    def _refuse(self, origin: str) -> str:
        """Return the answer to a foreign page; the status line has it as well.

        Browsers show scripts no reason.
        """
        try:
            option = f"--allow-origin {parse_origin(origin)}"
        except OutputError:
            option = "--allow-origin"
        shown = "".join(letter if letter.isprintable() else "?" for letter in origin[:100])
        self.notice = f'a page of origin "{shown}" was refused, {option} allows it'
        return f'Origin "{shown}" may not connect. Start koemorph live with {option} to allow it.'

    async def _send(self, socket: web.WebSocketResponse, client: _Client) -> None:
        with contextlib.suppress(ConnectionError):
            while not socket.closed:
                await client.ready.wait()
                client.ready.clear()
                while client.frames:
                    text = client.frames.popleft()
                    if text is None:
                        await socket.close(code=WSCloseCode.GOING_AWAY)
                    else:
                        await socket.send_str(text)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._broadcast, None)
        # Without a timeout: aiohttp limits the wait for clients, and the machine may be suspended.
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
