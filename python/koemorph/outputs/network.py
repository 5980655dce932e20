"""What live outputs have in common: a frame, a rate, a socket that never holds up the face."""

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
"""Bytes that pass an Ethernet of 1,500 without being cut up: less the IPv4 and UDP headers."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One face on its way out.

    index: frame number, 0 at the start of the stream; time: index / fps, seconds.
    weights: (52,) float32 in `koemorph.blendshapes` order.
    names, values: the same after retargeting, (N,); without a map they are the 52.
    """

    index: int
    time: float
    fps: int
    weights: npt.NDArray[np.float32]
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]

    @staticmethod
    def from_weights(index: int, fps: int, weights: npt.NDArray[np.float32]) -> Frame:
        """A frame that was not retargeted."""
        return Frame(index, index / fps, fps, weights, BLENDSHAPES, weights)


def is_port(text: str) -> bool:
    """Whether a text is the number of a port, 1 to 65535."""
    return text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def parse_endpoint(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Split HOST:PORT, [IPV6]:PORT or, with a default port, HOST; else OutputError."""
    host, separator, port_text = text.rpartition(":")
    if not separator or "]" in port_text:
        host, port_text = text, "" if default_port is None else str(default_port)
    host = host.strip("[]")
    plain = ":" not in host or text.startswith("[")
    if not host or not plain or not is_port(port_text):
        raise OutputError(
            f'"{text}" is no address; write HOST:PORT with a port from 1 to 65535, '
            "for example 127.0.0.1:11111."
        )
    return host, int(port_text)


def listen_error(host: str, port: int, error: OSError | UnicodeError, remedy: str) -> OutputError:
    """Why nothing can listen at this address, for `raise`; `remedy` is for a port that is taken."""
    unknown = UnicodeError | socket.gaierror
    if isinstance(error, unknown) or error.errno == errno.EADDRNOTAVAIL:
        return OutputError(
            f'"{host}" is no address of this computer to listen on; give 127.0.0.1 for this '
            "computer alone, or 0.0.0.0 for all that reach it."
        )
    # asyncio says before the system's words what it tried.
    why = str(error.strerror).rpartition(": ")[2]
    return OutputError(
        f"Port {port} on {host} cannot be used ({why}); close the program that uses it, or "
        f"{remedy}."
    )


class Output(ABC):
    """Somewhere frames go while they are made. `send` is called once a frame, from one thread.

    An output never raises from `send` for what the world does (a host that is away, a full disk):
    it counts the frame as dropped and says why in `trouble`, which is "" while all is well.
    """

    # True for a file, which wants every frame however late; a screen wants those in time.
    accepts_late_frames = False

    def __init__(self, label: str, max_rate: float = 60.0) -> None:
        self.label = label
        self.max_rate = max_rate
        self.sent = 0
        self.dropped = 0
        self.error = ""
        self._last_time = float("-inf")

    def send(self, frame: Frame, *, last: bool = False) -> None:
        """Send a frame, unless it is sooner than the output's rate allows and not the last."""
        # Half a millisecond of slack: frame times are rounded, and 60 fps must pass a limit of 60.
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
        """Encode and send one frame; an OSError counts as a dropped frame."""

    def close(self) -> None:  # noqa: B027 (nothing to close is a common case)
        """Finish and free what the output holds; called once."""


class UdpOutput(Output):
    """An output of datagrams to one receiver."""

    def __init__(self, label: str, host: str, port: int, max_rate: float = 60.0) -> None:
        """Raises OutputError when the host has no address; that it is away does not matter."""
        super().__init__(f"{label} {host}:{port}", max_rate)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise OutputError(
                f'No computer called "{host}" was found; check the name, or give its IP address.'
            ) from error
        # These receivers listen to IPv4, and "localhost" is ::1 first on many systems.
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        self._address = address
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @abstractmethod
    def encode(self, frame: Frame) -> Iterable[bytes]:
        """The datagrams of one frame, each at most MAX_DATAGRAM bytes."""

    def write(self, frame: Frame) -> None:
        for datagram in self.encode(frame):
            self._socket.sendto(datagram, self._address)

    def close(self) -> None:
        self._socket.close()
