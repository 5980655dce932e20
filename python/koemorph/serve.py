"""The live page: receives a browser's microphone over a WebSocket and returns frames."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from aiohttp import WSCloseCode, WSMsgType, web

from koemorph import preview
from koemorph.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from koemorph.blendshapes import BLENDSHAPES
from koemorph.browser_audio import (
    MAX_DELAY,
    AudioReceiver,
    InvalidMessageError,
    RefusedError,
    read_message,
)
from koemorph.controls import MICROPHONE_PRESET, load_preset
from koemorph.model import Model
from koemorph.retarget import RetargetMap
from koemorph.stream import Stream
from koemorph.web import is_trusted, start_site

MAX_STREAMS = 4
MAX_MESSAGE = 65536
"""Largest audio message, bytes: 85 ms at 192 kHz."""
_IDLE_SECONDS = 30.0
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'self'; worker-src 'self'; "
    "connect-src 'self'; style-src 'unsafe-inline'; img-src data:"
)


class Server:
    """Serves one page to clients with this session's token, and at most MAX_STREAMS streams."""

    def __init__(
        self,
        model: Model,
        rig: Path | None,
        host: str,
        *,
        preset: str | Path = MICROPHONE_PRESET,
        retarget: RetargetMap | None = None,
    ) -> None:
        """Build the page.

        Args:
            model: The model of all streams.
            rig: A .glb, .gltf or .vrm to show, or None.
            host: The address that `start` listens on.
            preset: A bundled preset's name or the path of a JSON file.
            retarget: A retarget map whose outputs move the rig.

        Raises:
            OutputError: The rig cannot be shown.
            DataError: The preset is invalid.
        """
        self.token = secrets.token_urlsafe(16)
        self._model = model
        self._host = host
        self._controls = load_preset(preset)
        self._retarget = retarget
        self._streams = 0
        names = BLENDSHAPES if retarget is None else tuple(retarget.names)
        data = preview.page_data(rig, names) | {"token": self.token, "fps": model.fps}
        data |= {"maxBehind": MAX_DELAY, "maxStreams": MAX_STREAMS}
        data["rigNames"] = None if retarget is None else names
        self._page = preview.assemble("live", data, "live", ("live.js",), _POLICY)

    def app(self) -> web.Application:
        """Return the web application; `start` runs it."""
        app = web.Application(client_max_size=MAX_MESSAGE)
        app.router.add_get("/", self._show)
        app.router.add_get("/worklet.js", self._worklet)
        app.router.add_get("/stream", self._stream)
        return app

    async def start(self, port: int) -> web.AppRunner:
        """Start serving; the returned runner's `cleanup` ends it.

        Raises:
            OutputError: The address or port is not available.
        """
        return await start_site(self.app(), self._host, port)

    def _check(self, request: web.Request) -> None:
        token = request.query.get("token", "").encode()
        if not is_trusted(request, self._host) or not secrets.compare_digest(
            token, self.token.encode()
        ):
            raise web.HTTPForbidden(
                text="Invalid token: expected the one of the running session. Open the address "
                "that koemorph serve printed."
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
        # Checked first because Python refuses to parse thousands of digits.
        short = rate.isdecimal() and len(rate) <= len(str(MAX_SAMPLE_RATE))
        if not short or not MIN_SAMPLE_RATE <= int(rate) <= MAX_SAMPLE_RATE:
            raise web.HTTPBadRequest(
                text=f"rate must be {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz."
            )
        if self._streams >= MAX_STREAMS:
            raise web.HTTPServiceUnavailable(text=f"All {MAX_STREAMS} streams are in use.")
        self._streams += 1
        try:
            socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, receive_timeout=_IDLE_SECONDS)
            await socket.prepare(request)
            await self._process_messages(socket, int(rate))
            return socket
        finally:
            self._streams -= 1

    async def _process_messages(self, socket: web.WebSocketResponse, rate: int) -> None:
        stream = self._model.stream(rate, controls=self._controls)
        receiver, skipped = AudioReceiver(rate, _now()), 0.0
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    raise InvalidMessageError("expected a binary message")
                audio = read_message(message.data)
                if not receiver.accept(audio, _now()):
                    continue
                frames = await asyncio.to_thread(_animate, stream, audio.samples)
                if receiver.dropped_seconds > skipped:
                    skipped = receiver.dropped_seconds
                    await socket.send_json({"skipped": skipped})
                if len(frames):
                    frames[:, 0] = receiver.source_times(frames[:, 0])
                    await socket.send_bytes(self._message(frames))
        except InvalidMessageError as error:
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=str(error).encode())
        except RefusedError as error:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode())
        except (asyncio.TimeoutError, ConnectionError):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"no audio for 30 s")

    def _message(self, frames: npt.NDArray[np.float64]) -> bytes:
        """Encode frames as float32 rows: time, 52 weights, and the retargeted weights if any."""
        if self._retarget is not None:
            weights = np.ascontiguousarray(frames[:, 1:], np.float32)
            frames = np.column_stack([frames, self._retarget.apply(weights)])
        return frames.astype("<f4").tobytes()


def _now() -> float:
    return time.monotonic()


def _animate(stream: Stream, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the frames that these samples complete: (frames, 53), time (s) and weights."""
    stream.push(samples)
    frames = stream.pull()
    return np.column_stack([frames.times, frames.weights])
