"""`koemorph live`: animate a microphone, recording or pipe and send frames to outputs."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from koemorph.cli.options import choose_model, fps_option, model_option, refuse_overwrite
from koemorph.controls import DEFAULT_PRESET, MICROPHONE_PRESET, presets
from koemorph.errors import DataError, OutputError
from koemorph.live.control import ControlServer
from koemorph.live.microphone import NO_MICROPHONE, MicrophoneSource, input_devices
from koemorph.live.outputs import (
    WAIT_FOR_RECEIVERS,
    OutputSettings,
    open_outputs,
    outputs_of_stream,
)
from koemorph.live.session import Session, run_sessions
from koemorph.live.sources import PipeSource, RecordingSource, Source
from koemorph.live.status import StatusLine
from koemorph.model import Model
from koemorph.outputs.jsonl import STDOUT
from koemorph.outputs.network import parse_endpoint
from koemorph.retarget import load_retarget_map

_STDIN = 0
_KINDS = {
    "livelink": ("HOST[:PORT][,SUBJECT]", "Live Link Face for Unreal; port 11111."),
    "vmc": ("HOST[:PORT]", "VMC protocol with ARKit's names; port 39539."),
    "vmc-pascal": ("HOST[:PORT]", "VMC protocol with names like JawOpen."),
    "osc": ("HOST:PORT[,PATTERN]", "OSC; the pattern is /koemorph/{name}."),
    "vrchat": ("HOST[:PORT]", "VRChat face-tracking parameters; port 9000."),
    "udp": ("HOST:PORT", "JSON, one datagram per frame."),
    "websocket": ("PORT", "Serve JSON frames to WebSocket clients."),
    "jsonl": ("FILE", "Record v2.0 frames; the file appears at the end. - is standard output."),
}


_SOURCES = {
    "mic": "mic[:DEVICE]",
    "wav": "wav:FILE",
    "stdin": "stdin:RATE",
    "fifo": "fifo:RATE:PATH",
}


def _output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for kind, (metavar, text) in reversed(_KINDS.items()):
        option = click.option(f"--{kind}", multiple=True, metavar=metavar, help=text)
        function = option(function)
    return function


@dataclass(frozen=True)
class _SourceSettings:
    """One stream's source: kind "mic", "wav", "stdin" or "fifo", device or file, Hz of a pipe."""

    name: str
    kind: str
    where: str = ""
    sample_rate: int = 0

    def open(self) -> Source:
        if self.kind == "wav":
            return RecordingSource(self.where)
        if self.kind == "stdin":
            return PipeSource(_STDIN, self.sample_rate)
        if self.kind == "fifo":
            return PipeSource.open_fifo(self.where, self.sample_rate)
        return MicrophoneSource(self.where)


def _parse_stream(text: str) -> _SourceSettings:
    """Parse a value of --stream."""
    name, _, source = text.partition("=")
    kind, _, where = source.partition(":")
    rate = ""
    if kind == "stdin":
        rate, where = where, ""
    elif kind == "fifo":
        rate, _, where = where.partition(":")
    piped = kind in ("stdin", "fifo")
    complete = bool(where) == (kind in ("wav", "fifo")) or kind == "mic"
    short = rate.isdecimal() and len(rate) < 9
    if not name.isidentifier() or kind not in _SOURCES or not complete or piped != short:
        raise DataError(
            f'Invalid --stream: "{text}", expected NAME=SOURCE with a name of letters, digits and '
            f"_ and one of {', '.join(_SOURCES.values())}.",
            code="bad_stream",
        )
    return _SourceSettings(name, kind, where, int(rate or 0))


def _sources(
    mic: str | None, wav: Path | None, stdin_rate: int | None, streams: tuple[str, ...]
) -> list[_SourceSettings]:
    if sum(choice is not None for choice in (mic, wav, stdin_rate, streams or None)) != 1:
        raise click.UsageError(
            "Use exactly one source: --mic, --wav FILE, --stdin RATE, or --stream for several."
        )
    if wav is not None:
        return [_SourceSettings("", "wav", str(wav))]
    if stdin_rate is not None:
        return [_SourceSettings("", "stdin", sample_rate=stdin_rate)]
    if mic is not None:
        return [_SourceSettings("", "mic", mic)]
    sources = [_parse_stream(text) for text in streams]
    names = [source.name for source in sources]
    piped = sum(source.kind == "stdin" for source in sources)
    if len(set(names)) < len(names) or piped > 1:
        found = "standard input" if piped > 1 else "one name"
        raise DataError(
            f"Conflicting --stream options: several use {found}. Give each stream its own name and "
            "source.",
            code="bad_stream",
        )
    return sources


def _ending_signals() -> list[signal.Signals]:
    """Return the signals of Ctrl-C, `kill` and a closed terminal, without those nohup ignores."""
    closed = [number for number in signal.Signals if number.name in ("SIGHUP", "SIGBREAK")]
    handled = [number for number in closed if signal.getsignal(number) != signal.SIG_IGN]
    return [signal.SIGINT, signal.SIGTERM, *handled]


def _show_devices(context: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested:
        devices = input_devices()
        for index, name, channels, rate in devices:
            click.echo(f"{index:3d}  {name}  ({channels} channels, {rate} Hz)")
        if not devices:
            click.echo(NO_MICROPHONE, err=True)
        context.exit()


@click.command()
@click.option(
    "--mic",
    is_flag=False,
    flag_value="",
    metavar="[DEVICE]",
    help="A microphone, by index or part of its name.",
)
@click.option("--wav", type=click.Path(path_type=Path), help="An audio file, in real time.")
@click.option(
    "--stdin", "stdin_rate", type=int, metavar="RATE", help="Raw 16-bit little-endian mono samples."
)
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="NAME=SOURCE",
    help=f"Animate several voices; SOURCE is {', '.join(_SOURCES.values())}. Each output is made "
    "for each stream, with {stream} replaced by its name; NAME@ before an address selects one.",
)
@_output_options
@click.option(
    "--ifacialmocap",
    multiple=True,
    is_flag=False,
    flag_value=WAIT_FOR_RECEIVERS,
    metavar="[HOST[:PORT]]",
    help="iFacialMocap, port 49983; without HOST, receivers connect to this computer.",
)
@fps_option
@click.option(
    "--preset",
    metavar="NAME|FILE",
    help=f"One of {', '.join(presets())}, or a file.  "
    f"[default: microphone with --mic, else {DEFAULT_PRESET}]",
)
@click.option(
    "--retarget",
    "map_name",
    metavar="NAME|FILE",
    help="Retarget map for VMC, OSC, UDP and WebSocket.",
)
@model_option
@click.option(
    "--rate",
    type=click.FloatRange(1, 120),
    default=60.0,
    help="Most frames per second of network outputs.",
)
@click.option(
    "--delay",
    type=click.FloatRange(0, 60),
    default=0.0,
    help="Seconds that the sound is heard after it arrives here; frames are sent that much later.",
)
@click.option("--bind", default="127.0.0.1", help="Address that listening outputs use.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Pages that may connect to --websocket, such as https://page.example; null for local "
    "files and OBS.",
)
@click.option(
    "--control",
    metavar="HOST:PORT",
    help="Receive commands, a line each: interrupt, preset NAME, set CONTROL=NUMBER, quit.",
)
@click.option("--duration", type=click.FloatRange(0), help="Seconds after which to stop.")
@click.option("--json", "as_json", is_flag=True, help="Print statistics as JSON at the end.")
@click.option(
    "--devices",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_devices,
    help="List the microphones and exit.",
)
def command(
    *,
    mic: str | None,
    wav: Path | None,
    stdin_rate: int | None,
    fps: str | None,
    preset: str | None,
    map_name: str | None,
    model: str | None,
    streams: tuple[str, ...],
    rate: float,
    delay: float,
    bind: str,
    origins: tuple[str, ...],
    control: str | None,
    duration: float | None,
    as_json: bool,
    **kinds: tuple[str, ...],
) -> None:
    """Animate live audio and send the frames to every given output; Ctrl-C ends."""
    requested = [(kind.replace("_", "-"), text) for kind, texts in kinds.items() for text in texts]
    if not requested:
        raise OutputError(
            "No output given. Use at least one, for example --livelink 127.0.0.1.", code="no_output"
        )
    if as_json and STDOUT in kinds["jsonl"]:
        raise click.UsageError("--jsonl - and --json both use standard output. Use one of them.")
    sources = _sources(mic, wav, stdin_rate, streams)
    names = [source.name for source in sources]
    for each in sources:
        for kind, text in outputs_of_stream(requested, each.name, names):
            if each.kind == "wav" and kind == "jsonl":
                refuse_overwrite(Path(each.where), Path(text))
    loaded = Model(choose_model(model, fps))
    batch = loaded.stream_batch(len(sources)) if len(sources) > 1 else None
    with ExitStack() as stack:
        # Services may start programs without standard error.
        discard = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        line = StatusLine(sys.stderr or discard)
        # Restored after the outputs are closed, so that a second signal cannot interrupt that.
        endings = _ending_signals()
        for number in endings:
            stack.callback(signal.signal, number, signal.getsignal(number))
        sessions = []
        for chosen_source in sources:
            source = chosen_source.open()
            stack.callback(source.close)
            chosen = preset or (MICROPHONE_PRESET if chosen_source.kind == "mic" else None)
            maker = loaded if batch is None else batch
            stream = maker.stream(source.sample_rate, source.channels, preset=chosen)
            texts = outputs_of_stream(requested, chosen_source.name, names)
            of_outputs = OutputSettings(loaded.fps, bind, rate, origins, chosen_source.name)
            session = Session(
                source,
                stream,
                open_outputs(texts, of_outputs, stack),
                name=chosen_source.name,
                # Each stream its own, because a map keeps state.
                retarget=None if map_name is None else load_retarget_map(map_name),
                delay=delay,
                on_frame=line.show,
            )
            sessions.append(session)
        if control is not None:
            stack.callback(ControlServer(*parse_endpoint(control), sessions).close)

        def stop(*_: object) -> None:
            for session in sessions:
                session.stop()

        for number in endings:
            signal.signal(number, stop)
        try:
            run_sessions(sessions, duration)
        finally:
            line.finish(sessions)
        if as_json:
            click.echo(json.dumps(_figures(sessions)))


def _figures(sessions: list[Session]) -> dict[str, Any]:
    """Return the statistics that --json prints; those of several streams by name."""
    figures: dict[str, dict[str, Any]] = {}
    for session in sessions:
        counts = {o.label: {"sent": o.sent, "dropped": o.dropped} for o in session.outputs}
        figures[session.name] = session.statistics.summary() | {"outputs": counts}
    return figures.get("", {"streams": figures})
