"""The VMC protocol (OSC, a renderer listens on 39539): VSeeFace, Warudo, Unity and more.

https://protocol.vmc.info: `/VMC/Ext/Blend/Val` once a shape, then `/VMC/Ext/Blend/Apply`, with
`/VMC/Ext/OK` and `/VMC/Ext/T` beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pythonosc.osc_message import OscMessage

from koemorph.blendshapes import pascal_case
from koemorph.outputs.network import Frame, UdpOutput
from koemorph.outputs.osc import bundles, message

DEFAULT_PORT = 39539


class VmcOutput(UdpOutput):
    """Sends each frame as bundles of at most 1,472 bytes, the last of which ends with Apply.

    Perfect-sync avatars name their shapes as ARKit does; some use PascalCase (`JawOpen`): names are
    case-sensitive, so `pascal` chooses.
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
