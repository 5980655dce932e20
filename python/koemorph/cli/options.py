"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph.errors import ModelError, OutputError
from koemorph.model import DEFAULT_MODEL, Model

model_option = click.option(
    "--model",
    metavar="NAME|FILE",
    help="Bundled model (see `koemorph info`) or .onnx file.  [default: the model of --fps]",
)
fps_option = click.option(
    "--fps",
    type=click.Choice(["30", "60"]),
    help="Frames per second: chooses the bundled model.  [default: 30]",
)


def choose_model(model: str | None, fps: str | None) -> str:
    """Return the model that `--model` and `--fps` select.

    Raises:
        ModelError: Both are given and the model has another fps.
    """
    if model is None:
        return fps or DEFAULT_MODEL
    if fps is not None and Model(model).fps != int(fps):
        raise ModelError(
            f"fps mismatch: model {model} runs at {Model(model).fps} fps, --fps {fps} was "
            "requested. Omit --fps or use another --model.",
            code="fps_mismatch",
        )
    return model


def refuse_overwrite(source: Path, target: Path) -> None:
    """Raise OutputError when the output `target` is the same file as the input `source`."""
    if source.exists() and target.exists() and target.samefile(source):
        raise OutputError(
            f"Output {target} is the same file as the input {source}. Choose another output.",
            code="output_is_input",
        )
