"""`koemorph bench`: measure speed, latency and memory, each model in its own process."""

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
from koemorph.model import bundled_models, find_model
from koemorph.outputs.atomic import atomic_open

from .bench_peer import PARTS, measure_peer
from .bench_record import load, record

PACKAGE = Path(_native.__file__).parent
MAP = Path(__file__).parents[1] / "maps" / "vrm1.json"
SAMPLE = Path(__file__).parents[1] / "samples" / "librivox.wav"
SAMPLE_RATE = 48000  # Hz, as of most devices
SECONDS = 60  # of audio


def speech(seconds: int) -> npt.NDArray[np.float32]:
    """Return the bundled speech, repeated, (seconds * SAMPLE_RATE,)."""
    audio, rate = soundfile.read(SAMPLE, dtype="float32")
    looped = np.tile(audio, int(np.ceil((seconds + 1) * rate / len(audio))))
    return _native.Resampler(rate, SAMPLE_RATE).push(looped)[: seconds * SAMPLE_RATE]


def run_program(model: Path, audio: Path, last: object, *before: str) -> dict[str, Any]:
    """Run the benchmark program of the package and return its figures.

    Args:
        model: The model's path.
        audio: Raw float32 samples at SAMPLE_RATE.
        last: The program's last argument.
        before: The program's first arguments.

    Raises:
        KoemorphError: The program failed.
    """
    program = PACKAGE / "bin" / "benchmark"
    command = [str(part) for part in (program, *before, model, audio, SAMPLE_RATE, last)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise KoemorphError(
            f"The program {program} failed with exit code {result.returncode}: "
            f"{result.stderr.strip()}",
            code="program_failed",
        )
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def measure(model: Path, audio: Path) -> dict[str, Any]:
    """Return all figures of a model for raw float32 `audio` at SAMPLE_RATE."""
    figures = run_program(model, audio, MAP)
    figures["frame_milliseconds"] = 1000 * figures["real_time_factor"] / figures["fps"]
    return figures | {"model": model.name}


def peer_rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of the Python baseline: its time per frame, and the ratio to KoeMorph's."""
    peer = figures.get("python_peer")
    if peer is None:
        return []
    return [
        ("Python baseline, ms per frame", f"{peer['frame']:.1f}"),
        *((f"  {part}", f"{peer['parts'].get(part, 0):.1f}") for part in PARTS),
        ("  omitted, not installed", ", ".join(peer["missing"]) or "none"),
        ("  times slower than KoeMorph", f"{peer['ratio']:.0f}"),
    ]


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of the table: names and values."""
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
        ("stream creation to first frame, ms", f"{figures['first_frame'] / 1000:.2f}"),
        ("algorithmic latency, ms", f"{1000 * figures['latency_seconds']:.1f}"),
        ("real-time streams per core, as a batch", f"{figures['batch_streams']}"),
        ("time for denormal audio / for speech", f"{figures['denormal_ratio']:.2f}"),
        ("peak memory of the process, MB", f"{figures['peak_bytes'] / 1e6:.1f}"),
        ("memory per additional stream, MB", f"{figures['bytes_per_further_stream'] / 1e6:.2f}"),
        ("  in a batch, MB", f"{figures['bytes_per_stream_of_batch'] / 1e6:.2f}"),
    ]
    if "allocations" in figures:
        counts = figures["allocations"]
        lines.append(
            ("allocations, audio thread / game thread", f"{counts['audio']} / {counts['game']}")
        )
        lines.append(("allocations per frame, worker thread", f"{counts['worker_per_frame']:.1f}"))
    return lines + peer_rows(figures)


def add_peers(
    models: list[Path], found: list[dict[str, Any]], samples: npt.NDArray[np.float32]
) -> None:
    """Measure the Python baseline once per kind of model and add it to the models' figures."""
    peers: dict[tuple[str, bool], dict[str, Any]] = {}
    for path, figures in zip(models, found, strict=True):
        metadata = Model(path).metadata()
        kind = (metadata["fps"], metadata["expression_features"] == "none")
        if kind not in peers:
            peers[kind] = measure_peer(samples, SAMPLE_RATE, metadata)
        ratio = peers[kind]["frame"] / figures["frame_milliseconds"]
        figures["python_peer"] = peers[kind] | {"ratio": ratio}


def measure_all(names: Sequence[str], hours: float | None, peer: bool) -> list[dict[str, Any]]:
    """Return the figures of each model: of the soak test if `hours` is given."""
    models = [find_model(name) for name in names] or list(bundled_models().values())
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "speech.f32"
        samples = speech(SECONDS)
        samples.tofile(audio)
        if hours is not None:
            soaked = [(path, run_program(path, audio, hours, "soak")) for path in models]
            return [{"model": path.name, **figures} for path, figures in soaked]
        found = [measure(model, audio) for model in models]
    if peer:
        add_peers(models, found, samples)
    return found


@click.command()
@click.option(
    "--model",
    "names",
    metavar="NAME|FILE",
    multiple=True,
    help="Bundled model or .onnx file; repeatable.  [default: all bundled models]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--peer/--no-peer",
    default=True,
    show_default=True,
    help="Also measure a baseline of librosa, openSMILE and torch.",
)
@click.option(
    "--soak",
    "hours",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HOURS",
    help="Instead process HOURS of audio as fast as possible and report memory growth and drift.",
)
@click.option(
    "--record",
    "recorded",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Also write the table to a Markdown file, with the machine and its load.",
)
def command(
    names: tuple[str, ...], as_json: bool, peer: bool, hours: float | None, recorded: str | None
) -> None:
    """Measure the speed, latency and memory of models.

    Real-time factors, stages, batches and the Python baseline are measured in CPU time, which
    depends little on other programs. Calls are measured in wall time, frames in both.
    """
    if recorded and hours is not None:
        raise click.UsageError("--record and --soak exclude each other: --soak has no table.")
    with ExitStack() as stack:
        # Opened first, so that an unwritable file fails before minutes of measuring.
        file = stack.enter_context(atomic_open(recorded)) if recorded else None
        load_before = load()
        found = measure_all(names, hours, peer)
        if file is not None:
            record(file, found, [rows(figures) for figures in found], load_before)
    if as_json or hours is not None:
        click.echo(json.dumps(found, indent=1))
        return
    table = Table("on this machine, one core", show_edge=False, pad_edge=False)
    for figures in found:
        table.add_column(f"{figures['model']} at {figures['fps']} fps", justify="right")
    for cells in zip(*map(rows, found), strict=True):
        table.add_row(cells[0][0], *(value for _, value in cells))
    Console().print(table)
