"""`koemorph info`: what a model file says about itself."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from koemorph.model import Model


@click.command()
@click.argument("model", type=click.Path(path_type=Path), required=False, metavar="[MODEL.onnx]")
@click.option("--fps", type=click.Choice(["30", "60"]), help="Which bundled model, without MODEL.")
def command(model: Path | None, fps: str | None) -> None:
    """Print the metadata of MODEL, or of the bundled model, after checking that it runs here."""
    metadata = Model(model).metadata(None if fps is None else int(fps))
    table = Table("key", "value", show_edge=False, pad_edge=False)
    for key, value in sorted(metadata.items()):
        table.add_row(key, value)
    Console().print(table)
