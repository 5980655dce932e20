"""`koemorph live`: animate a microphone, recording or pipe and send frames to outputs."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from koemorph.cli.options import choose_model, fps_option, model_option, refuse_overwrite
from koemorph.controls import DEFAULT_PRESET, presets
from koemorph.errors import OutputError
from koemorph.live.microphone import NO_MICROPHONE, MicrophoneSource, input_devices
from koemorph.live.outputs import WAIT_FOR_RECEIVERS, open_outputs
from koemorph.live.session import Session
from koemorph.live.sources import PipeSource, RecordingSource, Source
from koemorph.live.status import StatusLine
from koemorph.model import Model
from koemorph.outputs.jsonl import STDOUT
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


def _output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for kind, (metavar, text) in reversed(_KINDS.items()):
        option = click.option(f"--{kind}", multiple=True, metavar=metavar, help=text)
        function = option(function)
    return function


def _source(mic: str | None, wav: Path | None, stdin_rate: int | None) -> Source:
    if sum(choice is not None for choice in (mic, wav, stdin_rate)) != 1:
        raise click.UsageError("Use exactly one source: --mic, --wav FILE or --stdin RATE.")
    if wav is not None:
        return RecordingSource(wav)
    if stdin_rate is not None:
        return PipeSource(_STDIN, stdin_rate)
    return MicrophoneSource(mic or "")


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
@click.option("--bind", default="127.0.0.1", help="Address that listening outputs use.")
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
    rate: float,
    bind: str,
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
    if wav is not None:
        for path in kinds["jsonl"]:
            refuse_overwrite(wav, Path(path))
    loaded = Model(choose_model(model, fps))
    target = None if map_name is None else load_retarget_map(map_name)
    with ExitStack() as stack:
        source = _source(mic, wav, stdin_rate)
        stack.callback(source.close)
        stream = loaded.stream(
            source.sample_rate,
            source.channels,
            preset=preset or ("microphone" if mic is not None else None),
        )
        # Restored after the outputs are closed, so that a second signal cannot interrupt that.
        endings = _ending_signals()
        for number in endings:
            stack.callback(signal.signal, number, signal.getsignal(number))
        outputs = open_outputs(requested, stream.info.fps, bind, rate, stack)
        # Services may start programs without standard error.
        discard = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        line = StatusLine(sys.stderr or discard)
        session = Session(source, stream, outputs, retarget=target, on_frame=line.show)
        for number in endings:
            signal.signal(number, lambda *_: session.stop())
        try:
            session.run(duration)
        finally:
            line.finish(session)
        if as_json:
            figures: dict[str, Any] = session.statistics.summary()
            figures["outputs"] = {o.label: {"sent": o.sent, "dropped": o.dropped} for o in outputs}
            click.echo(json.dumps(figures))
