"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph.errors import ModelError, OutputError
from koemorph.model import DEFAULT_MODEL, Model
from koemorph.retarget import load_retarget_map
from koemorph.rig_check import check_rig, choose_map_name

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


edits_option = click.option(
    "--edits",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Edits of single moments (.csv or .json), applied before the retarget map.",
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


def warn(line: str) -> None:
    """Print a line to standard error."""
    click.echo(line, err=True)


def choose_rig_map(rig: Path, retarget: str | None) -> str | None:
    """Return the map for a rig, and report on standard error what it does not move.

    A VRM file without ARKit's names gets the map of its expressions.

    Raises:
        OutputError: The rig cannot be used, or no jaw or mouth shape of it would move.
        DataError: The map is invalid.
    """
    chosen = choose_map_name(rig, retarget)
    if chosen != retarget:
        warn(f"{rig.name}: its expressions are moved with the map {chosen}.")
    check_rig(rig, None if chosen is None else load_retarget_map(chosen), warn)
    return chosen


def refuse_overwrite(source: Path, target: Path) -> None:
    """Raise OutputError when the output `target` is the same file as the input `source`."""
    if source.exists() and target.exists() and target.samefile(source):
        raise OutputError(
            f"Output {target} is the same file as the input {source}. Choose another output.",
            code="output_is_input",
        )
