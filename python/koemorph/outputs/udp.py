"""JSON over UDP: one object per frame and datagram."""

from __future__ import annotations

import json
from collections.abc import Iterable

from koemorph.outputs.network import Frame, UdpOutput


def frame_json(frame: Frame) -> str:
    """Format a frame as a JSON object: frame_index, timestamp (s), names, blendshapes.

    With several streams "stream" is the name of the frame's.
    """
    stream = {"stream": frame.stream} if frame.stream else {}
    return json.dumps(
        stream
        | {
            "frame_index": frame.index,
            "timestamp": round(frame.time, 4),
            "names": frame.names,
            "blendshapes": [round(float(value), 4) for value in frame.values],
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )


class JsonUdpOutput(UdpOutput):
    """Sends each frame as one datagram; the 52 weights fit into MAX_DATAGRAM bytes."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__("udp", host, port)

    def encode(self, frame: Frame) -> Iterable[bytes]:
        return [frame_json(frame).encode()]
