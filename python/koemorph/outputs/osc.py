"""OSC: blendshapes at addresses of the user's choice, and the bundles VMC and VRChat share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from koemorph.errors import OutputError
from koemorph.outputs.network import MAX_DATAGRAM, Frame, UdpOutput

DEFAULT_PATTERN = "/koemorph/{name}"
_BUNDLE_HEADER_BYTES = 16
_ELEMENT_HEADER_BYTES = 4
# OSC 1.0 keeps these for patterns, which only a receiver may use; addresses can be printed, and
# what was given in another encoding than UTF-8 cannot be sent.
_FORBIDDEN = re.compile(r"[\s#*,?\[\]{}\0-\x1f\x7f\ud800-\udfff]")

Argument = str | int | float


def message(address: str, *arguments: Argument) -> OscMessage:
    """An OSC message; floats are 32-bit."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def bundles(messages: Iterable[OscMessage], limit: int = MAX_DATAGRAM) -> Iterator[bytes]:
    """Pack messages, in order, into as few bundles of at most `limit` bytes as they need."""
    builder, size = OscBundleBuilder(IMMEDIATELY), _BUNDLE_HEADER_BYTES
    for element in messages:
        element_size = element.size + _ELEMENT_HEADER_BYTES
        if size + element_size > limit and size > _BUNDLE_HEADER_BYTES:
            yield builder.build().dgram
            builder, size = OscBundleBuilder(IMMEDIATELY), _BUNDLE_HEADER_BYTES
        builder.add_content(element)
        size += element_size
    if size > _BUNDLE_HEADER_BYTES:
        yield builder.build().dgram


def check_pattern(pattern: str) -> str:
    """Return the pattern (`/path/{name}`, or `/path` for all in one), or raise OutputError."""
    plain = pattern.replace("{name}", "")
    if not pattern.startswith("/") or len(pattern) > 200 or _FORBIDDEN.search(plain):
        raise OutputError(
            f'"{pattern}" is no OSC address; start with / and put {{name}} where its name '
            "goes (/avatar/{name}), or leave it out for one message with all values in order."
        )
    return pattern


class OscOutput(UdpOutput):
    """One float a blendshape at `pattern`, or all values in one message where it has no {name}."""

    def __init__(self, host: str, port: int, pattern: str = DEFAULT_PATTERN) -> None:
        self._pattern = check_pattern(pattern)
        super().__init__("osc", host, port)

    def encode(self, frame: Frame) -> Iterable[bytes]:
        values = [float(value) for value in frame.values]
        if "{name}" not in self._pattern:
            return [message(self._pattern, *values).dgram]
        pairs = zip(frame.names, values, strict=True)
        return bundles(
            message(self._pattern.replace("{name}", name), value) for name, value in pairs
        )
