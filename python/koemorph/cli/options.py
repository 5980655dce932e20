"""Options that several commands share, so that they read and behave the same."""

from __future__ import annotations

import click

model_option = click.option(
    "--model",
    metavar="NAME|FILE",
    help="A bundled model's name, see `koemorph info`, or your own .onnx.",
)
fps_option = click.option(
    "--fps", type=click.Choice(["30", "60"]), help="Frames a second; else the model's."
)
