"""iFacialMocap's UDP text (port 49983), read by Blender, Unity, VSeeFace and VBridger."""

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
_AT_REST = "=head#0,0,0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|"


def shape_name(name: str) -> str:
    """iFacialMocap's name of a blendshape: sided pairs end in _L and _R, `jawLeft` stays."""
    for side in ("Left", "Right"):
        stem = name.removesuffix(side)
        # jawLeft and mouthLeft are directions, not sides.
        if stem not in (name, "jaw", "mouth"):
            return f"{stem}_{side[0]}"
    return name


_NAMES = tuple(shape_name(name) for name in BLENDSHAPES)


def encode_text(weights: npt.NDArray[np.float32]) -> bytes:
    """One frame, weights (52,) as whole percents, head and eyes at rest."""
    percents = np.rint(np.clip(weights, 0, 1) * 100).astype(int)
    shapes = "|".join(f"{name}-{value}" for name, value in zip(_NAMES, percents, strict=True))
    return f"{shapes}|{_AT_REST}".encode()


class IFacialMocapOutput(UdpOutput):
    """Sends straight to a receiver, as the phone does once it has been given a destination."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__("ifacialmocap", host, port)

    def encode(self, frame: Frame) -> Iterable[bytes]:
        return [encode_text(frame.weights)]


class IFacialMocapServer(Output):
    """Waits for receivers to say hello and sends to MAX_RECEIVERS of those that did.

    As the app does, it answers port 49983 of the receiver's computer, whatever port the greeting
    came from; that port too, so that a receiver may run on this computer.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        super().__init__(f"ifacialmocap on {host}:{port}")
        self._receivers: dict[tuple[str, int], None] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, port))
        except (OSError, UnicodeError) as error:
            self._socket.close()
            remedy = "send straight to a receiver with --ifacialmocap HOST:PORT"
            raise listen_error(host, port, error, remedy) from error

    def write(self, frame: Frame) -> None:
        self._accept()
        if not self._receivers:
            return
        datagram, failed = encode_text(frame.weights), None
        for address in self._addresses():
            try:
                self._socket.sendto(datagram, address)
            except OSError as error:  # one that is away keeps nothing from the others
                failed = error
        if failed is not None:
            raise failed

    def _addresses(self) -> Iterable[tuple[str, int]]:
        """Each once, though a receiver greets from another port every time; never this output's."""
        found = dict.fromkeys((host, DEFAULT_PORT) for host, _ in self._receivers)
        found.update(self._receivers)
        found.pop(self._socket.getsockname(), None)
        return found

    def _accept(self) -> None:
        # A bounded number a frame, so that a flood of greetings cannot hold up the face.
        for _ in range(MAX_RECEIVERS):
            try:
                data, receiver = self._socket.recvfrom(256)
            except BlockingIOError:
                return
            except OSError:  # Windows tells here of a port that nobody listens on
                continue
            if data.startswith(HANDSHAKE):
                self._receivers.pop(receiver, None)
                self._receivers[receiver] = None
                if len(self._receivers) > MAX_RECEIVERS:
                    self._receivers.pop(self._most_dispensable())

    def _most_dispensable(self) -> tuple[str, int]:
        """The oldest of the computer with most: one that greets anew crowds out itself alone."""
        counts = Counter(host for host, _ in self._receivers)
        return max(self._receivers, key=lambda receiver: counts[receiver[0]])

    def close(self) -> None:
        self._socket.close()
