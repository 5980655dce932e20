"""`koemorph animate`: a recording becomes a file of frames."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from koemorph.cli.progress import progress_bar
from koemorph.model import Model
from koemorph.outputs.jsonl import write_jsonl


@click.command()
@click.argument("audio", type=click.Path(path_type=Path), metavar="IN.wav")
@click.option("-o", "--output", required=True, metavar="OUT", help="File to write; - for stdout.")
@click.option("--fps", type=click.Choice(["30", "60"]), help="Frames a second; else the model's.")
@click.option(
    "--model", "model_path", type=click.Path(path_type=Path), help="Your own .onnx model."
)
def command(audio: Path, output: str, fps: str | None, model_path: Path | None) -> None:
    """Animate a recording: frame k is the face at exactly k / fps seconds."""
    model = Model(model_path)
    with progress_bar(f"Animating {audio.name}") as progress:
        animation = model.animate(audio, None if fps is None else int(fps), progress=progress)
    if output == "-":
        write_jsonl(animation, sys.stdout)
    else:
        animation.save(output)
