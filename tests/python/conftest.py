"""Fixtures of the Python tests: sockets and sample data."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX

if TYPE_CHECKING:
    from page_server import RunningServer


@pytest.fixture
def free_port() -> int:
    """A free TCP port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def serving(tmp_path: Path, free_port: int) -> Iterator[RunningServer]:
    """`koemorph serve` with the loudness model, in its own thread."""
    import loudness_model
    import page_server

    from koemorph.model import Model
    from koemorph.serve import Server

    model = Model(loudness_model.save(tmp_path / "m.onnx"))
    with page_server.run(Server(model, None, "127.0.0.1"), free_port) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """A local UDP socket that waits up to a minute for a datagram."""
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
