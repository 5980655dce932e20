"""Base classes of live outputs: a frame, a rate limit, a non-blocking UDP socket."""

from __future__ import annotations

import errno
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import OutputError

MAX_DATAGRAM = 1472
"""Payload bytes of an unfragmented datagram: an MTU of 1,500 minus IPv4 and UDP headers."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a live stream.

    Attributes:
        index: Frame number, 0 at the start of the stream.
        time: index / fps, seconds.
        fps: Frames per second.
        weights: (52,) float32 in BLENDSHAPES order.
        names: Names after retargeting; BLENDSHAPES without a retarget map.
        values: (N,) weights after retargeting, one per name.
        stream: Name of the stream, "" when a program sends one.
    """

    index: int
    time: float
    fps: int
    weights: npt.NDArray[np.float32]
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    stream: str = ""

    @staticmethod
    def from_weights(index: int, fps: int, weights: npt.NDArray[np.float32]) -> Frame:
        """Return a frame without retargeting; `weights` is (52,)."""
        return Frame(index, index / fps, fps, weights, BLENDSHAPES, weights)


def is_port(text: str) -> bool:
    """Return whether a text is a port number, 1 to 65535."""
    return text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def parse_endpoint(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Split a network address.

    Args:
        text: HOST:PORT, [IPV6]:PORT or, with a default port, HOST.
        default_port: Port of an address without one.

    Returns:
        Host and port.

    Raises:
        OutputError: The text is no such address (code "bad_address").
    """
    host, separator, port_text = text.rpartition(":")
    if not separator or "]" in port_text:
        host, port_text = text, "" if default_port is None else str(default_port)
    host = host.strip("[]")
    plain = ":" not in host or text.startswith("[")
    if not host or not plain or not is_port(port_text):
        raise OutputError(
            f'Invalid address: "{text}", expected HOST:PORT with a port from 1 to 65535, for '
            "example 127.0.0.1:11111.",
            code="bad_address",
        )
    return host, int(port_text)


def listen_error(host: str, port: int, error: OSError | UnicodeError, remedy: str) -> OutputError:
    """Translate the error of binding a listening socket.

    Args:
        host: The address to bind.
        port: The port to bind.
        error: The error of the attempt.
        remedy: What to do when the port is in use, as an imperative clause.

    Returns:
        An OutputError (code "bad_address" or "port_unavailable") to raise.
    """
    unknown = UnicodeError | socket.gaierror
    if isinstance(error, unknown) or error.errno == errno.EADDRNOTAVAIL:
        return OutputError(
            f'Cannot listen on "{host}": it is not an address of this computer. Use 127.0.0.1 '
            "for this computer only or 0.0.0.0 for the network.",
            code="bad_address",
        )
    # asyncio prefixes the system's message.
    why = str(error.strerror).rpartition(": ")[2]
    return OutputError(
        f"Cannot listen on port {port} of {host}: {why}. Close the program that uses it or "
        f"{remedy}.",
        code="port_unavailable",
    )


class Output(ABC):
    """A destination of live frames; `send` is called once a frame, from one thread.

    `send` never raises for external conditions (an unreachable host, a full disk): it counts the
    frame as dropped and stores the reason.

    Attributes:
        label: Name for status messages.
        max_rate: Most frames per second that are sent.
        sent: Frames sent.
        dropped: Frames lost.
        error: Why the last frame was dropped, "" when it was sent.
        notice: What the user should know although frames are sent, "" for nothing.
    """

    # True for files, which store every frame however late; displays need only those in time.
    accepts_late_frames = False

    def __init__(self, label: str, max_rate: float = 60.0) -> None:
        self.label = label
        self.max_rate = max_rate
        self.sent = 0
        self.dropped = 0
        self.error = ""
        self.notice = ""
        self._last_time = float("-inf")

    def send(self, frame: Frame, *, last: bool = False) -> None:
        """Send a frame unless `max_rate` excludes it; `last` overrides the limit."""
        # Half a millisecond of tolerance, so that rounded times at 60 fps pass a limit of 60.
        if not last and frame.time - self._last_time < 1 / self.max_rate - 5e-4:
            return
        self._last_time = frame.time
        try:
            self.write(frame)
        except OSError as error:
            self.dropped += 1
            self.error = error.strerror or str(error)
        else:
            self.sent += 1
            self.error = ""

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Encode and send one frame; an OSError makes it a dropped frame."""

    def close(self) -> None:  # noqa: B027 (nothing to close is a common case)
        """Release all resources; called once."""


class UdpOutput(Output):
    """An output that sends datagrams to one receiver."""

    def __init__(self, label: str, host: str, port: int, max_rate: float = 60.0) -> None:
        """Resolve the host and create the socket.

        Args:
            label: Name for status messages, without the address.
            host: Name or IP address of the receiver, which need not be reachable yet.
            port: UDP port of the receiver.
            max_rate: Most frames per second that are sent.

        Raises:
            OutputError: The host name cannot be resolved (code "unknown_host").
        """
        super().__init__(f"{label} {host}:{port}", max_rate)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise OutputError(
                f'Cannot resolve the host "{host}". Check the name or use its IP address.',
                code="unknown_host",
            ) from error
        # These receivers use IPv4, and "localhost" resolves to ::1 first on many systems.
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        self._address = address
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # Several receivers of a network share a broadcast address.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    @abstractmethod
    def encode(self, frame: Frame) -> Iterable[bytes]:
        """Return the datagrams of one frame, each at most MAX_DATAGRAM bytes."""

    def write(self, frame: Frame) -> None:
        for datagram in self.encode(frame):
            self._socket.sendto(datagram, self._address)

    def close(self) -> None:
        self._socket.close()
