"""koemorph inspect: a picture of a model's attention or curves."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.model import find_model

from ..cache import FeatureCache
from ..checkpoints import load_checkpoint
from ..datasets.recordings import read_audio
from ..evaluate import open_model
from ..expression import expression_backend
from ..pictures import attention_picture, curves_figure, save_picture

_SECONDS = 10


@click.command(name="inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("wav", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A .png, .svg, .pdf, ..."
)
@click.option(
    "--frame", type=int, help="Of a checkpoint: which frame's attention; by default the loudest."
)
def command(model: Path, wav: Path, output: Path, frame: int | None) -> None:
    """Draw MODEL on WAV: attention of a checkpoint; curves of an .onnx or a bundled model."""
    audio, rate = read_audio(wav)
    model = find_model(model)
    if model.suffix == ".onnx":
        if frame is not None:
            raise DataError(
                f"{model.name} shows curves of all frames; --frame is for checkpoints.",
                code="invalid_option",
            )
        player = open_model(model)
        settings = FeatureSettings.for_fps(player.fps)
        with FeatureCache.temporary(settings, expression_backend("none")) as cache:
            mel = np.array(cache.load(audio, rate).mel[: _SECONDS * player.fps])
        figure = curves_figure(mel, player.animate(audio, rate)[: len(mel)], None, player.fps)
    else:
        checkpoint = load_checkpoint(model)
        description = checkpoint.description
        backend = expression_backend(description.expression_features)
        with FeatureCache.temporary(description.features, backend) as cache:
            figure = attention_picture(checkpoint.network(), cache.load(audio, rate), frame)
    save_picture(figure, output)
    click.echo(f"wrote {output}")
