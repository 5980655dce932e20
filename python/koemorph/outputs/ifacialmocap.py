"""iFacialMocap's UDP text protocol (port 49983), for Blender, Unity, VSeeFace and VBridger.

A receiver sends a handshake; the sender answers every frame with `name-percent|...|=head#...|`.

Source: https://www.ifacialmocap.com/for-developer/
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from koemorph.blendshapes import BLENDSHAPES
from koemorph.outputs.network import Frame, Output, UdpOutput, listen_error

DEFAULT_PORT = 49983
HANDSHAKE = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
MAX_RECEIVERS = 8
_NEUTRAL_POSE = "=head#0,0,0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|"


def shape_name(name: str) -> str:
    """Return iFacialMocap's name of a blend shape: left and right pairs end in _L and _R."""
    for side in ("Left", "Right"):
        stem = name.removesuffix(side)
        # jawLeft and mouthLeft are directions, not sides, and keep their names.
        if stem not in (name, "jaw", "mouth"):
            return f"{stem}_{side[0]}"
    return name


_NAMES = tuple(shape_name(name) for name in BLENDSHAPES)


def encode_text(weights: npt.NDArray[np.float32]) -> bytes:
    """Encode a frame with a neutral head and neutral eyes.

    Args:
        weights: (52,) weights in BLENDSHAPES order, sent as whole percent.

    Returns:
        The datagram.
    """
    percents = np.rint(np.clip(weights, 0, 1) * 100).astype(int)
    shapes = "|".join(f"{name}-{value}" for name, value in zip(_NAMES, percents, strict=True))
    return f"{shapes}|{_NEUTRAL_POSE}".encode()


class IFacialMocapOutput(UdpOutput):
    """Sends to one receiver without a handshake."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__("ifacialmocap", host, port)

    def encode(self, frame: Frame) -> Iterable[bytes]:
        return [encode_text(frame.weights)]


class IFacialMocapServer(Output):
    """Sends to at most MAX_RECEIVERS receivers that sent a handshake.

    Like the app, it sends to port 49983 of a receiver's computer. It also sends to the port that
    the handshake came from, so that a receiver can run on this computer.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        """Bind the socket.

        Args:
            host: Address to listen on.
            port: UDP port to listen on.

        Raises:
            OutputError: The address or port is not available.
        """
        super().__init__(f"ifacialmocap on {host}:{port}")
        self._receivers: dict[tuple[str, int], None] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, port))
        except (OSError, UnicodeError) as error:
            self._socket.close()
            remedy = "send to one receiver with --ifacialmocap HOST:PORT"
            raise listen_error(host, port, error, remedy) from error

    def write(self, frame: Frame) -> None:
        self._accept()
        if not self._receivers:
            return
        datagram, failed = encode_text(frame.weights), None
        for address in self._addresses():
            try:
                self._socket.sendto(datagram, address)
            except OSError as error:  # the other receivers still get the frame
                failed = error
        if failed is not None:
            raise failed

    def _addresses(self) -> Iterable[tuple[str, int]]:
        """Return every address once, without this socket's own."""
        found = dict.fromkeys((host, DEFAULT_PORT) for host, _ in self._receivers)
        found.update(self._receivers)
        found.pop(self._socket.getsockname(), None)
        return found

    def _accept(self) -> None:
        # A bounded number per frame, so that a flood of handshakes cannot delay frames.
        for _ in range(MAX_RECEIVERS):
            try:
                data, receiver = self._socket.recvfrom(256)
            except BlockingIOError:
                return
            except OSError:  # Windows reports here that an earlier datagram met a closed port
                continue
            if data.startswith(HANDSHAKE):
                self._receivers.pop(receiver, None)
                self._receivers[receiver] = None
                if len(self._receivers) > MAX_RECEIVERS:
                    self._receivers.pop(self._receiver_to_remove())

    def _receiver_to_remove(self) -> tuple[str, int]:
        """Return the oldest receiver of the host with most, so that no host displaces others."""
        counts = Counter(host for host, _ in self._receivers)
        return max(self._receivers, key=lambda receiver: counts[receiver[0]])

    def close(self) -> None:
        self._socket.close()
