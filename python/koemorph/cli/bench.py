"""`koemorph bench`: what the library costs on this machine, measured in whole processes."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

from koemorph import _native
from koemorph.errors import KoemorphError
from koemorph.model import bundled_models, find_model, onnxruntime_library

PACKAGE = Path(_native.__file__).parent
SAMPLE = Path(__file__).parents[1] / "samples" / "librivox.wav"
RATE = 48000  # what most devices give
SECONDS = 60


def speech(seconds: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The speech sample again and again at RATE, (seconds * RATE,)."""
    audio, rate = soundfile.read(SAMPLE, dtype="float32")
    looped = np.tile(audio, int(np.ceil((seconds + 1) * rate / len(audio))))
    return _native.Resample(rate, RATE).push(looped)[: seconds * RATE]


def measure(model: Path, audio: Path) -> dict[str, Any]:
    """All figures of one model on raw float32 `audio` at RATE."""
    program = PACKAGE / "bin" / "benchmark"
    command = [str(program), str(model), onnxruntime_library(), str(audio), str(RATE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise KoemorphError(f"The benchmark did not run: {result.stderr.strip()}")
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures | {"model": model.name}


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The table's rows: what is measured, and how much it is."""
    milli = {name: figures[name] for name in ("frame", "push_10ms", "sample")}
    lines = [
        ("real-time factor, push to frame", f"{figures['real_time_factor']:.4f}"),
        *(
            (f"  stage {name.removeprefix('stage_')}", f"{value:.4f}")
            for name, value in figures.items()
            if name.startswith("stage_")
        ),
        *(
            (f"{name} p50 / p99 / max, µs", f"{t['p50']:.1f} / {t['p99']:.1f} / {t['max']:.1f}")
            for name, t in milli.items()
        ),
        ("model load, ms", f"{figures['model_load'] / 1000:.1f}"),
        ("create to first frame, ms", f"{figures['first_frame'] / 1000:.2f}"),
        ("algorithmic latency, ms", f"{1000 * figures['latency_seconds']:.1f}"),
        ("streams in real time on a core", f"{1 / figures['real_time_factor']:.0f}"),
        ("peak memory of the process, MB", f"{figures['peak_bytes'] / 1e6:.1f}"),
        ("memory of a further stream, MB", f"{figures['bytes_per_further_stream'] / 1e6:.2f}"),
    ]
    if "allocations" in figures:
        counts = figures["allocations"]
        lines.append(("allocations, audio / game thread", f"{counts['audio']} / {counts['game']}"))
        lines.append(("allocations a frame, worker", f"{counts['worker_per_frame']:.1f}"))
    return lines


@click.command()
@click.option("--model", "names", metavar="NAME|FILE", multiple=True, help="A model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(names: tuple[str, ...], as_json: bool) -> None:
    """Measure speed, latency and memory of the bundled models, or of those given."""
    models = [find_model(name) for name in names] or list(bundled_models().values())
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "speech.f32"
        speech(SECONDS).tofile(audio)
        found = [measure(model, audio) for model in models]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    table = Table("measured on this machine, one core", show_edge=False, pad_edge=False)
    for figures in found:
        table.add_column(f"{figures['model']} at {figures['fps']} fps", justify="right")
    for cells in zip(*map(rows, found), strict=True):
        table.add_row(cells[0][0], *(value for _, value in cells))
    Console().print(table)
