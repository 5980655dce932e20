"""Fixtures of the Python tests: a browser, sockets and sample data."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import chromium
import numpy as np
import pytest

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OpenBrowser = Callable[..., "Browser"]


@pytest.fixture
def open_browser(needs_tool: Callable[[str], str]) -> Iterator[OpenBrowser]:
    """open_browser(*switches) starts the system's Chromium, headless and without a GPU."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    path = needs_tool("chromium")
    with playwright_api.sync_playwright() as playwright:
        yield partial(chromium.launch, playwright, path)


@pytest.fixture
def wait_until() -> Callable[[Page, str], None]:
    """wait_until(page, script) returns once the script is true; the page's policy forbids eval."""

    def wait(page: Page, script: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not page.evaluate(script):
            if time.monotonic() > end:
                status = page.evaluate("document.getElementById('status')?.textContent")
                pytest.fail(f"{script} did not come true; the page says: {status}")
            time.sleep(0.02)

    return wait


@pytest.fixture
def free_port() -> int:
    """A free TCP port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """A local UDP socket that waits a minute for a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(60)
        yield sock


@pytest.fixture
def talking() -> Animation:
    """Two seconds at 30 fps: the mouth is closed for one second, then open."""
    weights = np.zeros((60, 52), np.float32)
    weights[30:, INDEX["jawOpen"]] = 0.8
    return Animation(np.arange(60) / 30, weights, BLENDSHAPES, 30)


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Two seconds at 16 kHz: silence, then a tone of 300 Hz from exactly 1 s."""
    import soundfile

    samples = np.zeros(32000, np.float32)
    samples[16000:] = 0.5 * np.sin(2 * np.pi * 300 * np.arange(16000) / 16000)
    soundfile.write(tmp_path / "tone.wav", samples, 16000)
    return tmp_path / "tone.wav"
