"""koemorph bench-training: speed and memory of training on this machine."""

from __future__ import annotations

import json

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from ..benchmark import measure
from .export import SAMPLE

_ROWS = {
    "real_time": ("seconds of audio trained on per second", "{:.0f}", 1.0),
    "step": ("a step, ms", "{:.0f}", 1e3),
    "wait_ratio": ("waiting for data, % of a step", "{:.1f}", 100.0),
    "batch_ratio": ("creating a batch in one thread, % of a step", "{:.1f}", 100.0),
    "features": ("seconds of audio prepared per second of one core", "{:.0f}", 1.0),
    "memory": ("peak memory of the process, MB", "{:.0f}", 1e-6),
    "threads": ("threads", "{:.0f}", 1.0),
}


@click.command(name="bench-training")
@click.argument("overrides", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(overrides: tuple[str, ...], as_json: bool) -> None:
    """Measure the speed and memory of a training run with OVERRIDES (key=value), on the CPU."""
    figures = measure(overrides, SAMPLE)
    if as_json:
        click.echo(json.dumps(figures, indent=1))
        return
    table = Table("training on this machine", show_edge=False, pad_edge=False)
    table.add_column(" ".join(overrides) or "the default settings", justify="right")
    for name, (text, form, scale) in _ROWS.items():
        value = figures[name]
        table.add_row(text, "-" if np.isnan(value) else form.format(value * scale))
    Console().print(table)
