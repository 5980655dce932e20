"""The VMC protocol (OSC, port 39539 of a renderer such as VSeeFace, Warudo or Unity).

Each frame is `/VMC/Ext/OK`, `/VMC/Ext/T`, `/VMC/Ext/Blend/Val` per curve and
`/VMC/Ext/Blend/Apply`.

Source: https://protocol.vmc.info
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pythonosc.osc_message import OscMessage

from koemorph.blendshapes import pascal_case
from koemorph.outputs.network import Frame, UdpOutput
from koemorph.outputs.osc import bundles, message

DEFAULT_PORT = 39539


class VmcOutput(UdpOutput):
    """Sends each frame as bundles of at most MAX_DATAGRAM bytes; the last one ends with Apply.

    Names are case-sensitive: perfect-sync avatars use ARKit's names (`jawOpen`), some use
    PascalCase (`JawOpen`), which `pascal` selects.
    """

    def __init__(self, host: str, port: int, pascal: bool = False) -> None:
        super().__init__("vmc", host, port)
        self._pascal = pascal

    def encode(self, frame: Frame) -> Iterable[bytes]:
        return bundles(self._messages(frame))

    def _messages(self, frame: Frame) -> Iterator[OscMessage]:
        yield message("/VMC/Ext/OK", 1)
        yield message("/VMC/Ext/T", float(frame.time))
        for name, value in zip(frame.names, frame.values, strict=True):
            shape = pascal_case(name) if self._pascal else name
            yield message("/VMC/Ext/Blend/Val", shape, float(value))
        yield message("/VMC/Ext/Blend/Apply")
