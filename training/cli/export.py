"""koemorph export: a trained network as a file that plays without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import koemorph
from koemorph.errors import DataError

from ..cache import FeatureCache
from ..checkpoints import load_checkpoint
from ..datasets.recordings import read_audio
from ..export import FORMATS, QUANTIZATIONS, at_fps, export, metadata
from ..expression import expression_backend
from ..styles import set_style

SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "executorch": ".pte"}
SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"


@click.command(name="export")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file; by default beside CHECKPOINT, by its name.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default="onnx",
    show_default=True,
    help="Only onnx is what KoeMorph itself plays.",
)
@click.option(
    "--quantize",
    type=click.Choice(QUANTIZATIONS),
    default="none",
    show_default=True,
    help="Smaller weights, for less memory.",
)
@click.option("--mobile", is_flag=True, help="TorchScript for its lite interpreter.")
@click.option("--fps", type=click.Choice(["30", "60"]), help="Frame rate; the checkpoint's own.")
@click.option(
    "--audio",
    default=SAMPLE,
    type=click.Path(path_type=Path),
    help="Speech to verify the export with; by default the sample that KoeMorph ships.",
)
@click.option("--style", help="What the model speaks: NAME, or a mixture NAME=0.7,OTHER=0.3.")
@click.option("--name", default="koemorph", show_default=True, help="The model's name.")
@click.option("--model-version", default="1", show_default=True, help="The model's version.")
@click.option(
    "--license", "license_name", default="unknown", show_default=True, help="The model's licence."
)
@click.option(
    "--training-data", default="unknown", show_default=True, help="What it has learned from."
)
@click.option("--metrics", type=click.Path(path_type=Path), help="JSON of koemorph evaluate.")
def command(checkpoint: Path, output: Path | None, audio: Path, **options: Any) -> None:
    """Export CHECKPOINT; prints size, difference from torch, and what a frame costs."""
    loaded = load_checkpoint(checkpoint)
    network, settings = at_fps(loaded, int(options["fps"] or loaded.description.features.fps))
    set_style(network, options["style"])
    described = metadata(
        loaded,
        network,
        settings,
        {
            **{key: options[key] for key in ("name", "model_version", "training_data")},
            "license": options["license_name"],
            "style": options["style"] or network.settings.styles[0],
            "metrics": _metrics(options["metrics"]),
        },
    )
    samples, rate = read_audio(audio)
    with FeatureCache.temporary(
        settings, expression_backend(loaded.description.expression_features)
    ) as cache:
        written = export(
            network,
            described,
            cache.load(samples, rate),
            output or _beside(checkpoint, options),
            file_format=options["file_format"],
            quantize=options["quantize"],
            mobile=options["mobile"],
        )
    click.echo(
        f"{written.path}: {written.bytes / 1e6:.2f} MB, {settings.fps} fps; largest "
        f"difference from torch {written.difference:.2g}, smallest r {written.correlation:.5f}; "
        f"{written.frame_milliseconds:.3f} ms a frame on one thread"
    )


def _beside(checkpoint: Path, options: Mapping[str, Any]) -> Path:
    """last.safetensors -> last.onnx, last-int8.onnx, last-60.onnx, last.pt, last.ptl, last.pte."""
    parts = [checkpoint.stem]
    parts += [options["fps"]] if options["fps"] else []
    parts += [options["quantize"]] if options["quantize"] != "none" else []
    suffix = ".ptl" if options["mobile"] else SUFFIXES[options["file_format"]]
    return checkpoint.with_name("-".join(parts) + suffix)


def _metrics(path: Path | None) -> str:
    if path is None:
        return "{}"
    try:
        return json.dumps(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} as JSON: {error}") from error
