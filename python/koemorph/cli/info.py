"""`koemorph info`: list the bundled models, or print the metadata of a model."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from koemorph.model import Model, bundled_models

_VARIANTS = {
    "": "standard",
    "fast": "smaller and faster, for many streams",
    "lively": "more expressive style",
}


def _plain_table(*columns: str) -> Table:
    # Folded, so that no value is cut.
    folded = (Column(name, overflow="fold") for name in columns)
    return Table(*folded, show_edge=False, pad_edge=False)


def _bundled() -> Table:
    table = _plain_table("--model", "description", "fps", "version", "MB")
    for name, path in bundled_models().items():
        model = Model(name)
        variant = _VARIANTS.get(name.partition("-")[2], "")
        size = f"{path.stat().st_size / 1e6:.1f}"
        version = model.metadata()["model_version"]
        table.add_row(name, variant, str(model.fps), version, size)
    return table


@click.command()
@click.argument("model", required=False, metavar="[NAME|FILE]")
def command(model: str | None) -> None:
    """List the bundled models, or print the metadata of a model.

    NAME is a bundled model and FILE an .onnx file. Other commands use model 30 by default, and
    model 60 with --fps 60.
    """
    if model is None:
        Console().print(_bundled())
        return
    table = _plain_table("key", "value")
    for key, value in sorted(Model(model).metadata().items()):
        table.add_row(Text(key), Text(value))
    Console().print(table)
