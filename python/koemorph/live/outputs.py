"""Open the outputs that the command line names, such as `HOST:PORT,SUBJECT`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from koemorph.errors import OutputError, raise_missing_extra
from koemorph.outputs.ifacialmocap import DEFAULT_PORT as IFACIALMOCAP_PORT
from koemorph.outputs.ifacialmocap import IFacialMocapOutput, IFacialMocapServer
from koemorph.outputs.livelink import DEFAULT_PORT as LIVELINK_PORT
from koemorph.outputs.livelink import LiveLinkOutput
from koemorph.outputs.network import Output, is_port, parse_endpoint
from koemorph.outputs.stream_file import JsonlOutput
from koemorph.outputs.udp import JsonUdpOutput

# OSC and WebSocket need the extra; their modules are imported with their first output.
WAIT_FOR_RECEIVERS = "wait"
"""The value of --ifacialmocap without an address."""


def time_of_day_frame(fps: int, now: datetime) -> int:
    """Return the frame number of a time of day, which aligns recordings by timecode."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return int((now - midnight).total_seconds() * fps)


@dataclass(frozen=True)
class OutputSettings:
    """Settings of all outputs of one stream.

    Attributes:
        fps: Frames per second of the stream.
        bind: Address that listening outputs use.
        rate: Most frames per second that a network output sends.
        origins: Origins of pages that may connect to a WebSocket.
        stream: Name of the stream, "" for the only one.
    """

    fps: int
    bind: str = "127.0.0.1"
    rate: float = 60.0
    origins: tuple[str, ...] = ()
    stream: str = ""


def _live_link(text: str, settings: OutputSettings) -> Output:
    endpoint, _, subject = text.partition(",")
    host, port = parse_endpoint(endpoint, LIVELINK_PORT)
    first_frame = time_of_day_frame(settings.fps, datetime.now())
    return LiveLinkOutput(host, port, subject or settings.stream or "KoeMorph", first_frame)


def _vmc(text: str, pascal: bool = False) -> Output:
    from koemorph.outputs.vmc import DEFAULT_PORT, VmcOutput

    return VmcOutput(*parse_endpoint(text, DEFAULT_PORT), pascal=pascal)


def _vrchat(text: str) -> Output:
    from koemorph.outputs.vrchat import DEFAULT_PORT, VrchatOutput

    return VrchatOutput(*parse_endpoint(text, DEFAULT_PORT))


def _osc(text: str) -> Output:
    from koemorph.outputs.osc import DEFAULT_PATTERN, OscOutput

    endpoint, _, pattern = text.partition(",")
    return OscOutput(*parse_endpoint(endpoint), pattern or DEFAULT_PATTERN)


def _ifacialmocap(text: str, settings: OutputSettings) -> Output:
    if text == WAIT_FOR_RECEIVERS:
        return IFacialMocapServer(settings.bind)
    return IFacialMocapOutput(*parse_endpoint(text, IFACIALMOCAP_PORT))


def _websocket(text: str, settings: OutputSettings) -> Output:
    if not is_port(text):
        raise OutputError(
            f'Invalid --websocket port: "{text}", expected 1 to 65535.', code="bad_port"
        )
    from koemorph.outputs.websocket import WebSocketOutput

    return WebSocketOutput(int(text), settings.bind, settings.origins)


_MAKERS: dict[str, Callable[[str, OutputSettings], Output]] = {
    "livelink": _live_link,
    "vmc": lambda text, _: _vmc(text),
    "vmc-pascal": lambda text, _: _vmc(text, pascal=True),
    "osc": lambda text, _: _osc(text),
    "vrchat": lambda text, _: _vrchat(text),
    "ifacialmocap": _ifacialmocap,
    "udp": lambda text, _: JsonUdpOutput(*parse_endpoint(text)),
    "websocket": _websocket,
    "jsonl": lambda text, _: JsonlOutput(text),
}


def outputs_of_stream(
    requested: Iterable[tuple[str, str]], stream: str, streams: Collection[str]
) -> list[tuple[str, str]]:
    """Return the outputs of one of several streams.

    Args:
        requested: Pairs of output kind and address or file. `NAME@` before the address selects one
            stream; otherwise every stream gets an output, with `{stream}` replaced by its name.
        stream: The stream's name.
        streams: The names of all streams.
    """
    chosen = []
    for kind, text in requested:
        name, separator, address = text.partition("@")
        if not separator or name not in streams:
            name, address = stream, text
        if name == stream:
            chosen.append((kind, address.replace("{stream}", stream)))
    return chosen


def open_outputs(
    requested: Iterable[tuple[str, str]], settings: OutputSettings, stack: ExitStack
) -> list[Output]:
    """Open the outputs of one stream.

    Args:
        requested: Pairs of output kind and address or file.
        settings: Settings of all outputs.
        stack: Closes the outputs.

    Returns:
        The open outputs.

    Raises:
        OutputError: An address is malformed or an output cannot be opened.
        MissingExtraError: An output needs a package that is not installed.
    """
    outputs = []
    for kind, text in requested:
        try:
            output = _MAKERS[kind](text, settings)
        except ModuleNotFoundError as error:
            raise_missing_extra(f"koemorph live --{kind}", "live", error)
        stack.callback(output.close)
        if not output.accepts_late_frames:
            output.max_rate = settings.rate
        outputs.append(output)
    return outputs
