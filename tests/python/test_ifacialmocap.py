"""iFacialMocap output: datagrams, handshakes and receivers."""

from __future__ import annotations

import select
import socket
from unittest.mock import Mock

import numpy as np
import pytest

from koemorph.blendshapes import INDEX
from koemorph.outputs import ifacialmocap
from koemorph.outputs.ifacialmocap import (
    HANDSHAKE,
    IFacialMocapOutput,
    IFacialMocapServer,
    shape_name,
)
from koemorph.outputs.network import Frame

WEIGHTS = np.random.default_rng(3).random(52, np.float32)


FRAME = Frame.from_weights(7, 30, WEIGHTS)


def send_to_server(text: bytes, client: socket.socket, server: IFacialMocapServer) -> None:
    """Send a datagram and wait until the server's socket has it."""
    client.sendto(text, server._socket.getsockname())
    assert select.select([server._socket], [], [], 60)[0]


def parse_ifacialmocap(data: bytes) -> dict[str, int]:
    shapes, _, pose = data.decode("ascii").partition("=")
    assert pose == "head#0,0,0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|"
    assert shapes.endswith("|")
    return {
        name: int(value)
        for name, _, value in (shape.partition("-") for shape in shapes[:-1].split("|"))
    }


def test_shape_names() -> None:
    assert shape_name("mouthSmileRight") == "mouthSmile_R"
    assert [shape_name(name) for name in ("jawLeft", "mouthRight", "browInnerUp")] == [
        "jawLeft",
        "mouthRight",
        "browInnerUp",
    ]


def test_text(receiver: socket.socket) -> None:
    output = IFacialMocapOutput(*receiver.getsockname())
    try:
        output.send(FRAME)
    finally:
        output.close()
    shapes = parse_ifacialmocap(receiver.recv(4096))
    assert len(shapes) == 52
    assert shapes["mouthSmile_R"] == round(100 * float(WEIGHTS[INDEX["mouthSmileRight"]]))


@pytest.fixture
def free_port() -> int:
    """Return an unused UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_server_sends_only_after_a_handshake(receiver: socket.socket, free_port: int) -> None:
    server = IFacialMocapServer(port=free_port)
    try:
        server.send(FRAME)
        send_to_server(b"another text", receiver, server)
        server.send(Frame.from_weights(8, 30, WEIGHTS))
        send_to_server(HANDSHAKE, receiver, server)
        server.send(Frame.from_weights(9, 30, WEIGHTS / 2))
        shapes = parse_ifacialmocap(receiver.recv(4096))
        assert shapes["mouthSmile_R"] == round(50 * float(WEIGHTS[INDEX["mouthSmileRight"]]))
    finally:
        server.close()


def test_server_sends_to_the_port_of_the_protocol(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """The app's sample sends each handshake from a new socket and receives on another."""
    monkeypatch.setattr(ifacialmocap, "DEFAULT_PORT", receiver.getsockname()[1])
    server = IFacialMocapServer(port=free_port)
    try:
        for index in range(2):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                send_to_server(HANDSHAKE, client, server)
                server.send(Frame.from_weights(index, 30, WEIGHTS))
            assert len(parse_ifacialmocap(receiver.recv(4096))) == 52
        receiver.setblocking(False)
        with pytest.raises(BlockingIOError):
            receiver.recv(4096)
    finally:
        server.close()


def test_server_does_not_send_to_itself(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(ifacialmocap, "DEFAULT_PORT", free_port)
    server = IFacialMocapServer(port=free_port)
    try:
        send_to_server(HANDSHAKE, receiver, server)
        server.send(FRAME)
        assert len(parse_ifacialmocap(receiver.recv(4096))) == 52
        with pytest.raises(BlockingIOError):
            server._socket.recv(4096)
    finally:
        server.close()


def test_an_unreachable_receiver_does_not_affect_others(
    receiver: socket.socket, free_port: int
) -> None:
    server = IFacialMocapServer(port=free_port)
    try:
        server._receivers[("255.255.255.255", 9)] = None  # a broadcast address without permission
        send_to_server(HANDSHAKE, receiver, server)
        server.send(FRAME)
        assert len(parse_ifacialmocap(receiver.recv(4096))) == 52
        assert (server.sent, server.dropped) == (0, 1)
        assert server.error
    finally:
        server.close()


def test_server_receives_handshakes_after_closed_port_errors(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    server = IFacialMocapServer(port=free_port)
    try:
        windows = Mock(wraps=server._socket)  # which reports closed ports when receiving
        closed = [ConnectionResetError(10054, "closed by the remote host")] * 3
        windows.recvfrom.side_effect = [
            *closed,
            (HANDSHAKE, receiver.getsockname()),
            BlockingIOError,
        ]
        monkeypatch.setattr(server, "_socket", windows)
        server.send(FRAME)
        assert len(parse_ifacialmocap(receiver.recv(4096))) == 52
    finally:
        server.close()


def test_repeated_handshakes_keep_other_receivers(
    free_port: int,
) -> None:
    server = IFacialMocapServer(port=free_port)
    try:
        server._receivers[("127.0.0.2", 9)] = None
        for index in range(2 * ifacialmocap.MAX_RECEIVERS):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                send_to_server(HANDSHAKE, client, server)
                last = client.getsockname()[1]
                server.send(Frame.from_weights(index, 30, WEIGHTS))
        assert len(server._receivers) == ifacialmocap.MAX_RECEIVERS
        assert {("127.0.0.2", 9), ("127.0.0.1", last)} <= set(server._receivers)
    finally:
        server.close()
