"""OSC output with a configurable address, and the bundles that VMC and VRChat use.

Source: https://opensoundcontrol.stanford.edu/spec-1_0.html
"""

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
# Reserved for patterns in OSC 1.0, not printable, or not UTF-8.
_FORBIDDEN = re.compile(r"[\s#*,?\[\]{}\0-\x1f\x7f\ud800-\udfff]")

Argument = str | int | float


def message(address: str, *arguments: Argument) -> OscMessage:
    """Build an OSC message; floats are sent as 32-bit."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def bundles(messages: Iterable[OscMessage], limit: int = MAX_DATAGRAM) -> Iterator[bytes]:
    """Yield bundles of at most `limit` bytes that contain the messages in order."""
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
    """Validate an OSC address pattern.

    Args:
        pattern: `/path/{name}` for one message per curve, `/path` for one with all values.

    Returns:
        The pattern.

    Raises:
        OutputError: It is no OSC address (code "bad_pattern").
    """
    plain = pattern.replace("{name}", "")
    if not pattern.startswith("/") or len(pattern) > 200 or _FORBIDDEN.search(plain):
        raise OutputError(
            f'Invalid OSC address pattern: "{pattern}", expected /path/{{name}} for one message '
            "per curve or /path for one message with all values.",
            code="bad_pattern",
        )
    return pattern


class OscOutput(UdpOutput):
    """Sends one float per curve, or all values in one message when the pattern lacks {name}."""

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
