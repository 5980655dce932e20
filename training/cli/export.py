"""koemorph export: a trained network as a file that runs without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import koemorph
from koemorph.errors import raise_missing_extra

from ..formats import FORMATS, QUANTIZATIONS, SUFFIXES

SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"


@click.command(name="export")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; default: beside CHECKPOINT, with its name.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default="onnx",
    show_default=True,
    help="File format; KoeMorph itself runs onnx only.",
)
@click.option(
    "--quantize",
    type=click.Choice(QUANTIZATIONS),
    default="none",
    show_default=True,
    help="Number format of the weights; onnx only.",
)
@click.option("--mobile", is_flag=True, help="TorchScript for the lite interpreter.")
@click.option(
    "--fps", type=click.Choice(["30", "60"]), help="Frame rate; default: the checkpoint's."
)
@click.option(
    "--audio",
    default=SAMPLE,
    type=click.Path(path_type=Path),
    help="Speech to verify the export with; default: the bundled sample.",
)
@click.option("--style", help="Speaking style: NAME, or a mixture NAME=0.7,OTHER=0.3.")
@click.option("--name", default="koemorph", show_default=True, help="The model's name.")
@click.option("--model-version", default="1", show_default=True, help="The model's version.")
@click.option(
    "--license", "license_name", default="unknown", show_default=True, help="The model's licence."
)
@click.option("--training-data", default="unknown", show_default=True, help="Its training data.")
@click.option("--metrics", type=click.Path(path_type=Path), help="JSON of koemorph evaluate.")
def command(checkpoint: Path, output: Path | None, audio: Path, **options: Any) -> None:
    """Export CHECKPOINT; prints size, difference from torch and duration of a frame."""
    try:
        from .export_run import run_export
    except ModuleNotFoundError as error:
        raise_missing_extra("koemorph export", "train", error)
    click.echo(
        run_export(checkpoint, output or _default_output(checkpoint, options), audio, options)
    )


def _default_output(checkpoint: Path, options: Mapping[str, Any]) -> Path:
    """last.safetensors -> last.onnx, last-int8.onnx, last-60.onnx, last.pt, last.ptl, last.pte."""
    parts = [checkpoint.stem]
    parts += [options["fps"]] if options["fps"] else []
    parts += [options["quantize"]] if options["quantize"] != "none" else []
    suffix = ".ptl" if options["mobile"] else SUFFIXES[options["file_format"]]
    return checkpoint.with_name("-".join(parts) + suffix)
