"""Open the outputs that the command line names, such as `HOST:PORT,SUBJECT`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime

from koemorph.errors import OutputError
from koemorph.outputs import ifacialmocap, livelink, vmc, vrchat
from koemorph.outputs.ifacialmocap import IFacialMocapOutput, IFacialMocapServer
from koemorph.outputs.livelink import LiveLinkOutput
from koemorph.outputs.network import Output, is_port, parse_endpoint
from koemorph.outputs.osc import DEFAULT_PATTERN, OscOutput
from koemorph.outputs.stream_file import JsonlOutput
from koemorph.outputs.udp import JsonUdpOutput
from koemorph.outputs.vmc import VmcOutput
from koemorph.outputs.vrchat import VrchatOutput
from koemorph.outputs.websocket import WebSocketOutput

WAIT_FOR_RECEIVERS = "wait"
"""The value of --ifacialmocap without an address."""


def time_of_day_frame(fps: int, now: datetime) -> int:
    """Return the frame number of a time of day, which aligns recordings by timecode."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return int((now - midnight).total_seconds() * fps)


def _live_link(text: str, fps: int) -> Output:
    endpoint, _, subject = text.partition(",")
    host, port = parse_endpoint(endpoint, livelink.DEFAULT_PORT)
    return LiveLinkOutput(host, port, subject or "KoeMorph", time_of_day_frame(fps, datetime.now()))


def _osc(text: str) -> Output:
    endpoint, _, pattern = text.partition(",")
    return OscOutput(*parse_endpoint(endpoint), pattern or DEFAULT_PATTERN)


def _ifacialmocap(text: str, bind: str) -> Output:
    if text == WAIT_FOR_RECEIVERS:
        return IFacialMocapServer(bind)
    return IFacialMocapOutput(*parse_endpoint(text, ifacialmocap.DEFAULT_PORT))


def _websocket(text: str, bind: str) -> Output:
    if not is_port(text):
        raise OutputError(
            f'Invalid --websocket port: "{text}", expected 1 to 65535.', code="bad_port"
        )
    return WebSocketOutput(int(text), bind)


def open_outputs(
    requested: Iterable[tuple[str, str]], fps: int, bind: str, rate: float, stack: ExitStack
) -> list[Output]:
    """Open outputs.

    Args:
        requested: Pairs of output kind and address or file.
        fps: Frames per second of the stream.
        bind: Address that listening outputs use.
        rate: Most frames per second that a network output sends.
        stack: Closes the outputs.

    Returns:
        The open outputs.

    Raises:
        OutputError: An address is malformed or an output cannot be opened.
    """
    makers: dict[str, Callable[[str], Output]] = {
        "livelink": lambda text: _live_link(text, fps),
        "vmc": lambda text: VmcOutput(*parse_endpoint(text, vmc.DEFAULT_PORT)),
        "vmc-pascal": lambda text: VmcOutput(*parse_endpoint(text, vmc.DEFAULT_PORT), pascal=True),
        "osc": _osc,
        "vrchat": lambda text: VrchatOutput(*parse_endpoint(text, vrchat.DEFAULT_PORT)),
        "ifacialmocap": lambda text: _ifacialmocap(text, bind),
        "udp": lambda text: JsonUdpOutput(*parse_endpoint(text)),
        "websocket": lambda text: _websocket(text, bind),
        "jsonl": JsonlOutput,
    }
    outputs = []
    for kind, text in requested:
        output = makers[kind](text)
        stack.callback(output.close)
        if not output.accepts_late_frames:
            output.max_rate = rate
        outputs.append(output)
    return outputs
