"""`koemorph bench`: what the library costs on this machine, measured in whole processes."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import soundfile
from rich.console import Console
from rich.table import Table

from koemorph import Model, _native
from koemorph.errors import KoemorphError
from koemorph.model import bundled_models, find_model, onnxruntime_library
from koemorph.outputs.atomic import atomic_open

from .bench_peer import PARTS, measure_peer
from .bench_record import load, record

PACKAGE = Path(_native.__file__).parent
MAP = Path(__file__).parents[1] / "maps" / "vrm1.json"
SAMPLE = Path(__file__).parents[1] / "samples" / "librivox.wav"
RATE = 48000  # what most devices give
SECONDS = 60


def speech(seconds: int) -> npt.NDArray[np.float32]:
    """The speech sample again and again at RATE, (seconds * RATE,)."""
    audio, rate = soundfile.read(SAMPLE, dtype="float32")
    looped = np.tile(audio, int(np.ceil((seconds + 1) * rate / len(audio))))
    return _native.Resampler(rate, RATE).push(looped)[: seconds * RATE]


def run_program(name: str, model: Path, audio: Path, last: object) -> dict[str, Any]:
    """What one of the package's programs prints, for raw float32 `audio` at RATE."""
    program = PACKAGE / "bin" / name
    command = [str(part) for part in (program, model, onnxruntime_library(), audio, RATE, last)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise KoemorphError(f"The {name} program did not run: {result.stderr.strip()}")
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def measure(model: Path, audio: Path) -> dict[str, Any]:
    """All figures of one model on raw float32 `audio` at RATE."""
    figures = run_program("benchmark", model, audio, MAP)
    figures["frame_milliseconds"] = 1000 * figures["real_time_factor"] / figures["fps"]
    return figures | {"model": model.name}


def peer_rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The Python way in the same run: its time a frame, and how many times ours that is."""
    peer = figures.get("python_peer")
    if peer is None:
        return []
    return [
        ("the Python way, ms a frame", f"{peer['frame']:.1f}"),
        *((f"  {part}", f"{peer['parts'].get(part, 0):.1f}") for part in PARTS),
        ("  not installed, so left out", ", ".join(peer["missing"]) or "nothing"),
        ("times as long as here", f"{peer['ratio']:.0f}"),
    ]


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The table's rows: what is measured, and how much it is."""
    calls = ("frame", "frame_processor", "push_10ms", "sample")
    micros = {name: figures[name] for name in calls}
    micros["egemaps_update"] = figures.get("egemaps_update", {"p50": 0, "p99": 0, "max": 0})
    lines = [
        ("real-time factor, push to frame", f"{figures['real_time_factor']:.4f}"),
        *(
            (f"  stage {stage}", f"{figures.get(f'stage_{stage}', 0):.5f}")
            for stage in ("resample", "mel", "egemaps", "model", "controls", "retarget")
        ),
        *(
            (f"{name} p50 / p99 / max, µs", f"{t['p50']:.1f} / {t['p99']:.1f} / {t['max']:.1f}")
            for name, t in micros.items()
        ),
        ("model load, ms", f"{figures['model_load'] / 1000:.1f}"),
        ("create to first frame, ms", f"{figures['first_frame'] / 1000:.2f}"),
        ("algorithmic latency, ms", f"{1000 * figures['latency_seconds']:.1f}"),
        ("streams in real time on a core, as a batch", f"{figures['batch_streams']}"),
        ("cost of denormal audio, times speech", f"{figures['denormal_ratio']:.2f}"),
        ("peak memory of the process, MB", f"{figures['peak_bytes'] / 1e6:.1f}"),
        ("memory of a further stream, MB", f"{figures['bytes_per_further_stream'] / 1e6:.2f}"),
        ("  of a batch, MB", f"{figures['bytes_per_stream_of_batch'] / 1e6:.2f}"),
    ]
    if "allocations" in figures:
        counts = figures["allocations"]
        lines.append(("allocations, audio / game thread", f"{counts['audio']} / {counts['game']}"))
        lines.append(("allocations a frame, worker", f"{counts['worker_per_frame']:.1f}"))
    return lines + peer_rows(figures)


def add_peers(
    models: list[Path], found: list[dict[str, Any]], voice: npt.NDArray[np.float32]
) -> None:
    """Measures the Python way once for each kind of model, and adds it to all figures of it."""
    peers: dict[tuple[str, bool], dict[str, Any]] = {}
    for path, figures in zip(models, found, strict=True):
        metadata = Model(path).metadata()
        kind = (metadata["fps"], metadata["expression_features"] == "none")
        if kind not in peers:
            peers[kind] = measure_peer(voice, RATE, metadata)
        ratio = peers[kind]["frame"] / figures["frame_milliseconds"]
        figures["python_peer"] = peers[kind] | {"ratio": ratio}


def measure_all(names: Sequence[str], hours: float | None, peer: bool) -> list[dict[str, Any]]:
    """What `koemorph bench` was asked for, model by model."""
    models = [find_model(name) for name in names] or list(bundled_models().values())
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "speech.f32"
        voice = speech(SECONDS)
        voice.tofile(audio)
        if hours is not None:
            played = [(path, run_program("soak", path, audio, hours)) for path in models]
            return [{"model": path.name, **seen} for path, seen in played]
        found = [measure(model, audio) for model in models]
    if peer:
        add_peers(models, found, voice)
    return found


@click.command()
@click.option("--model", "names", metavar="NAME|FILE", multiple=True, help="A model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--peer/--no-peer", default=True, help="Also time librosa, openSMILE and torch.")
@click.option(
    "--soak",
    "hours",
    type=click.FloatRange(min=0, min_open=True),
    help="Instead play so many hours of audio, as fast as it goes, and see what grows or drifts.",
)
@click.option(
    "--record",
    "recorded",
    type=click.Path(dir_okay=False),
    help="Also write the table to this Markdown file, with the machine and its load.",
)
def command(
    names: tuple[str, ...], as_json: bool, peer: bool, hours: float | None, recorded: str | None
) -> None:
    """Measure speed, latency and memory of the bundled models, or of those given.

    Real-time factors, stages, batches and the Python way are counted in the processor's time, which
    other programs can slow but not steal; calls are timed by the wall, frames by both.
    """
    if recorded and hours is not None:
        raise click.UsageError("--record writes the table, and --soak has none: use one of them.")
    with ExitStack() as stack:
        # Opened first: what cannot be written is said before minutes of measuring.
        file = stack.enter_context(atomic_open(recorded)) if recorded else None
        load_before = load()
        found = measure_all(names, hours, peer)
        if file is not None:
            record(file, found, [rows(figures) for figures in found], load_before)
    if as_json or hours is not None:
        click.echo(json.dumps(found, indent=1))
        return
    table = Table("measured on this machine, one core", show_edge=False, pad_edge=False)
    for figures in found:
        table.add_column(f"{figures['model']} at {figures['fps']} fps", justify="right")
    for cells in zip(*map(rows, found), strict=True):
        table.add_row(cells[0][0], *(value for _, value in cells))
    Console().print(table)
