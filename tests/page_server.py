"""A `koemorph serve` server in its own thread, and messages as its page sends them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from koemorph.browser_audio import HEADER
from koemorph.serve import Server


class RunningServer:
    """A server in its own thread."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.server, self.loop, self.model = server, loop, server._model
        self.base = f"http://127.0.0.1:{port}"
        self.page = f"{self.base}/?token={server.token}"
        self.stream = f"{self.base}/stream?token={server.token}&rate=48000"


@contextmanager
def run(server: Server, port: int) -> Iterator[RunningServer]:
    """Run a server until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(server.start(port), loop).result(60)
    yield RunningServer(server, loop, port)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def audio_message(
    samples: np.ndarray | bytes, first_sample: float = 0, seconds: float = 0
) -> bytes:
    """Encode samples, their position and their capture time (s) as the page sends them."""
    return HEADER.pack(first_sample, seconds) + bytes(samples)
