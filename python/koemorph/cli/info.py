"""`koemorph info`: which models there are, and what a model says about itself."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from koemorph.model import Model, bundled_models

_STYLES = {"": "the usual face", "fast": "faster, for many faces", "lively": "a livelier style"}


def _plain_table(*columns: str) -> Table:
    # Folded: long values are told whole.
    whole = (Column(name, overflow="fold") for name in columns)
    return Table(*whole, show_edge=False, pad_edge=False)


def _bundled() -> Table:
    table = _plain_table("--model", "what it is", "frames a second", "version", "MB")
    for name, path in bundled_models().items():
        said = Model(name).metadata()
        style = _STYLES.get(name.partition("-")[2], "")
        size = f"{path.stat().st_size / 1e6:.1f}"
        table.add_row(name, style, said["fps"], said["model_version"], size)
    return table


@click.command()
@click.argument("model", required=False, metavar="[NAME|FILE]")
def command(model: str | None) -> None:
    """List the bundled models, or print what the model NAME or FILE says about itself.

    Each is loaded and tried. Without --model, commands take "30", or "60" with --fps 60.
    """
    if model is None:
        Console().print(_bundled())
        return
    table = _plain_table("key", "value")
    for key, value in sorted(Model(model).metadata().items()):
        table.add_row(Text(key), Text(value))
    Console().print(table)
