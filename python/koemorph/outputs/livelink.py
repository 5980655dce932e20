"""Live Link Face version 6, as Unreal Engine receives it from an iPhone (UDP, port 11111).

All fields are big-endian: version, device id and subject (each with its length in bytes), frame
time, frame rate, then 61 floats: the 52 weights and nine rotations.

Source: doc/proto.h of https://github.com/tbxMb/GodotLiveLinkFace and
https://github.com/think-biq/LLV
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
    """Return a UUID of 36 characters, constant for a computer and subject."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"koemorph/{uuid.getnode():x}/{subject}")).upper()


def encode_packet(
    device: str, subject: str, frame: int, fps: int, weights: npt.NDArray[np.float32]
) -> bytes:
    """Encode a packet with rotations of 0.

    Args:
        device: Device id.
        subject: Subject name.
        frame: Frame number; it wraps at 2**31 because the field is a signed 32-bit integer.
        fps: Frames per second.
        weights: (52,) weights in BLENDSHAPES order.

    Returns:
        The packet, 270 bytes plus the UTF-8 lengths of device id and subject.
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
        """Create the output.

        Args:
            host: Name or IP address of the receiver.
            port: UDP port of the receiver.
            subject: Subject name in Unreal, 1 to 128 bytes of UTF-8.
            first_frame: Frame number of frame 0, for timecodes that are the time of day.

        Raises:
            OutputError: The subject is empty or too long (code "bad_subject"), or the host
                cannot be resolved.
        """
        try:
            length = len(subject.encode())
        except UnicodeEncodeError:  # an undecodable command line argument
            length = 0
        if not 1 <= length <= MAX_SUBJECT_BYTES:
            raise OutputError(
                f"Invalid Live Link subject: {length} bytes of UTF-8, expected 1 to "
                f"{MAX_SUBJECT_BYTES}. Use the name that Unreal lists under Window > Live Link.",
                code="bad_subject",
            )
        super().__init__("livelink", host, port)
        self._subject = subject
        self._device = device_id(subject)
        self._first_frame = first_frame

    def encode(self, frame: Frame) -> Iterable[bytes]:
        number = self._first_frame + frame.index
        return [encode_packet(self._device, self._subject, number, frame.fps, frame.weights)]
