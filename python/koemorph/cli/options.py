"""Options that several commands share, so that they read and behave the same."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph.errors import OutputError

model_option = click.option(
    "--model",
    metavar="NAME|FILE",
    help="A bundled model's name, see `koemorph info`, or your own .onnx.",
)
fps_option = click.option(
    "--fps", type=click.Choice(["30", "60"]), help="Frames a second; else the model's."
)


def spare(source: Path, target: Path) -> None:
    """OutputError where writing `target` would take away the `source` that it is made of."""
    if source.exists() and target.exists() and target.samefile(source):
        raise OutputError(f"{target} would replace {source}; give the output another name.")
