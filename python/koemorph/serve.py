"""The live page: a browser's microphone in over a WebSocket, the face back to it."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from aiohttp import WSCloseCode, WSMsgType, web

from koemorph import preview
from koemorph.audio import MIN_SAMPLE_RATE, MAX_SAMPLE_RATE
from koemorph.model import Model
from koemorph.stream import Stream
from koemorph.voice import MAX_BEHIND, NotUnderstoodError, RefusedError, Voice, read
from koemorph.web import is_trusted, start_site

MAX_VOICES = 4
MAX_MESSAGE = 65536
"""Bytes of one message of audio: 85 ms at 192 kHz come as 64 KB."""
_IDLE_SECONDS = 30.0
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'self'; worker-src 'self'; "
    "connect-src 'self'; style-src 'unsafe-inline'; img-src data:"
)


class Server:
    """Serves one page, to whoever knows this session's token, and up to MAX_VOICES voices."""

    def __init__(self, model: Model, rig: Path | None, host: str) -> None:
        """Raises OutputError for a rig that cannot be shown and ModelError for a bad model."""
        self.token = secrets.token_urlsafe(16)
        self._model = model
        self._host = host
        self._voices = 0
        data = preview.page_data(rig) | {"token": self.token}
        data |= {"maxBehind": MAX_BEHIND, "maxVoices": MAX_VOICES}
        data["fps"] = model.fps
        self._page = preview.assemble("live", data, "live", "live.js", _POLICY)

    def app(self) -> web.Application:
        """The web application; `start` runs it."""
        app = web.Application(client_max_size=MAX_MESSAGE)
        app.router.add_get("/", self._show)
        app.router.add_get("/worklet.js", self._worklet)
        app.router.add_get("/stream", self._stream)
        return app

    async def start(self, port: int) -> web.AppRunner:
        """Start to serve; OutputError when the port cannot be used."""
        return await start_site(self.app(), self._host, port)

    def _check(self, request: web.Request) -> None:
        given = request.query.get("token", "").encode()
        if not is_trusted(request, self._host) or not secrets.compare_digest(
            given, self.token.encode()
        ):
            raise web.HTTPForbidden(
                text="This address lacks the token of the running session: "
                "open the one that koemorph serve printed."
            )

    async def _show(self, request: web.Request) -> web.Response:
        self._check(request)
        headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def _worklet(self, request: web.Request) -> web.Response:
        text = preview.page_file("worklet.js")
        return web.Response(text=text, content_type="text/javascript")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        rate = request.query.get("rate", "")
        # Told by its length first: Python refuses to read thousands of digits.
        short = rate.isdecimal() and len(rate) <= len(str(MAX_SAMPLE_RATE))
        if not short or not MIN_SAMPLE_RATE <= int(rate) <= MAX_SAMPLE_RATE:
            raise web.HTTPBadRequest(text=f"rate must be {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz.")
        if self._voices >= MAX_VOICES:
            raise web.HTTPServiceUnavailable(text=f"{MAX_VOICES} voices speak already.")
        self._voices += 1
        try:
            socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, receive_timeout=_IDLE_SECONDS)
            await socket.prepare(request)
            await self._listen(socket, int(rate))
            return socket
        finally:
            self._voices -= 1

    async def _listen(self, socket: web.WebSocketResponse, rate: int) -> None:
        stream = self._model.stream(rate, preset="microphone")
        voice, told = Voice(rate, _now()), 0.0
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    raise NotUnderstoodError("only binary messages are understood")
                block = read(message.data)
                if not voice.wants(block, _now()):
                    continue
                frames = await asyncio.to_thread(_animate, stream, block.samples)
                if voice.left_out > told:
                    told = voice.left_out
                    await socket.send_json({"leftOut": told})
                if len(frames):
                    frames[:, 0] = voice.times(frames[:, 0])
                    await socket.send_bytes(frames.astype("<f4").tobytes())
        except NotUnderstoodError as error:
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=str(error).encode())
        except RefusedError as error:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode())
        except (asyncio.TimeoutError, ConnectionError):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"nothing was heard for long")


def _now() -> float:
    return time.monotonic()


def _animate(stream: Stream, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Frames that are complete with these samples, 53 numbers each: time (s) and weights."""
    stream.push(samples)
    frames = stream.pull()
    return np.column_stack([frames.times, frames.weights])
