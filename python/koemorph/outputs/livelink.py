"""Live Link Face, version 6, as Unreal Engine receives it from an iPhone (UDP, port 11111).

Everything is big-endian: version, device id and subject each with its length in bytes, frame time,
frame rate, then 61 floats: the 52 blendshapes and nine rotations. Layout as in GodotLiveLinkFace's
doc/proto.h and think-biq's LLV.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from koemorph.blendshapes import BLENDSHAPES, LIVE_LINK_ROTATIONS
from koemorph.errors import OutputError
from koemorph.outputs.network import Frame, UdpOutput

DEFAULT_PORT = 11111
VERSION = 6
VALUES = len(BLENDSHAPES) + len(LIVE_LINK_ROTATIONS)
MAX_SUBJECT_BYTES = 128


def device_id(subject: str) -> str:
    """A UUID of 36 characters that is always the same for one computer and subject."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"koemorph/{uuid.getnode():x}/{subject}")).upper()


def encode_packet(
    device: str, subject: str, frame: int, fps: int, weights: npt.NDArray[np.float32]
) -> bytes:
    """One packet of 270 + len(device) + len(subject) bytes; weights (52,), rotations are sent as 0.

    `frame` wraps at 2**31, as the field is a signed 32-bit number.
    """
    device_bytes, subject_bytes = device.encode(), subject.encode()
    values = np.zeros(VALUES, ">f4")
    values[: len(BLENDSHAPES)] = weights
    return b"".join(
        (
            struct.pack(">Bi", VERSION, len(device_bytes)),
            device_bytes,
            struct.pack(">i", len(subject_bytes)),
            subject_bytes,
            struct.pack(">ifiiB", frame & 0x7FFFFFFF, 0.0, fps, 1, VALUES),
            values.tobytes(),
        )
    )


class LiveLinkOutput(UdpOutput):
    """Sends each frame as a Live Link Face packet."""

    def __init__(
        self, host: str, port: int, subject: str = "KoeMorph", first_frame: int = 0
    ) -> None:
        """`first_frame`: the number of frame 0, for a timecode that starts at the time of day."""
        try:
            length = len(subject.encode())
        except UnicodeEncodeError:  # given in another encoding
            length = 0
        if not 1 <= length <= MAX_SUBJECT_BYTES:
            raise OutputError(
                f"A Live Link subject needs a name of 1 to {MAX_SUBJECT_BYTES} bytes of UTF-8; "
                "it is what Unreal lists under Window > Live Link."
            )
        super().__init__("livelink", host, port)
        self._subject = subject
        self._device = device_id(subject)
        self._first_frame = first_frame

    def encode(self, frame: Frame) -> Iterable[bytes]:
        number = self._first_frame + frame.index
        return [encode_packet(self._device, self._subject, number, frame.fps, frame.weights)]
