"""`koemorph animate`: a recording becomes a file of frames."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from koemorph.cli.progress import progress_bar
from koemorph.controls import presets
from koemorph.model import Model
from koemorph.outputs.jsonl import write_jsonl
from koemorph.retarget import maps


@click.command()
@click.argument("audio", type=click.Path(path_type=Path), metavar="IN.wav")
@click.option("-o", "--output", required=True, metavar="OUT", help="File to write; - for stdout.")
@click.option("--fps", type=click.Choice(["30", "60"]), help="Frames a second; else the model's.")
@click.option(
    "--model", "model_path", type=click.Path(path_type=Path), help="Your own .onnx model."
)
@click.option("--preset", metavar="NAME|FILE", help=f"One of {', '.join(presets())}, or a file.")
@click.option("--retarget", metavar="NAME|FILE", help=f"One of {', '.join(maps())}, or a file.")
def command(  # noqa: PLR0917
    audio: Path,
    output: str,
    fps: str | None,
    model_path: Path | None,
    preset: str | None,
    retarget: str | None,
) -> None:
    """Animate a recording: frame k is the face at exactly k / fps seconds."""
    model = Model(model_path)
    with progress_bar(f"Animating {audio.name}") as progress:
        animation = model.animate(
            audio,
            None if fps is None else int(fps),
            preset=preset,
            retarget=retarget,
            progress=progress,
        )
    if output == "-":
        write_jsonl(animation, sys.stdout)
    else:
        animation.save(output)
