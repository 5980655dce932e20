"""koemorph evaluate: metrics of a model on captured recordings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from koemorph.cli.progress import plural
from koemorph.errors import DataError

from ..evaluate import (
    EvaluationClip,
    Report,
    RunnableModel,
    evaluate,
    open_model,
    read_evaluation_clips,
)
from ..lip_mesh import read_lips
from ..phone_metrics import Phones, parse_phones
from ..pictures import curves_figure, save_picture

# Metric -> heading.
_COLUMNS = {
    "r_speech": "r (speech)",
    "control_speech": "control (speech)",
    "r": "r",
    "control": "control",
    "r_within": "r within clips",
    "mae": "MAE",
    "lag_ms": "lag (ms)",
    "jitter": "jitter",
    "amplitude": "amplitude",
    "amplitude_within": "amplitude within clips",
}
_PICTURE_SECONDS = 10
_PATH = click.Path(path_type=Path)


@click.command(name="evaluate")
@click.argument("model", type=_PATH)
@click.argument("data", type=_PATH)
@click.option("--rig", type=_PATH, help="Face mesh (.glb): adds lip errors in mm and lip closure.")
@click.option("--phones", type=_PATH, help="Phones of the recordings (phones.jsonl).")
@click.option("--robustness", is_flag=True, help="Adds noise, music, telephone and reverberation.")
@click.option(
    "--picture", type=_PATH, help="Writes curves and capture as an image (.png, .svg, .pdf, ...)."
)
@click.option("--style", help="Style of a checkpoint: NAME, or a mix NAME=0.7,OTHER=0.3.")
@click.option("--json", "as_json", is_flag=True, help="Prints JSON instead of tables.")
def command(model: Path, data: Path, as_json: bool, **options: Any) -> None:
    """Evaluate MODEL (.onnx, .safetensors or a bundled model's name) on the recordings in DATA.

    r is the Pearson correlation with the capture and control the same with another recording's
    capture, of all frames together or in speech; within clips is the mean over recordings. MAE is
    the mean absolute error, lag is positive if the model is late, and jitter and amplitude are
    relative to the capture.
    """
    runnable = open_model(model, options["style"])
    phones = {} if options["phones"] is None else _read_phones(options["phones"])
    clips = read_evaluation_clips(data, runnable.fps, phones)
    if phones:
        _check_names([clip.name for clip in clips], phones, options["phones"])
    lips = None if options["rig"] is None else read_lips(options["rig"])
    if options["picture"] is not None:
        _draw(runnable, clips[0], options["picture"])
    report = evaluate(runnable, clips, lips, robustness=options["robustness"])
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        _print(report, f"{model.name} on {plural(len(clips), 'recording')} of {data}")


def _read_phones(path: Path) -> dict[str, Phones]:
    """By recording, from lines {"name": ..., "phones": [[phone, start, end], ...]}."""
    phones: dict[str, Phones] = {}
    number = 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number += 1
            entry = json.loads(line)
            phones[entry["name"]] = parse_phones(entry["phones"])
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}.", code="not_readable"
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}, line {number}: expected a name and phones ({error}).", code="invalid_label"
        ) from error
    return phones


def _check_names(names: Sequence[str], phones: Mapping[str, Phones], path: Path) -> None:
    """Reject phones of no recording, or of two recordings with the same name."""
    matching = [name for name in names if name in phones]
    if not matching:
        raise DataError(
            f"{path}: no line has the name of a recording: found {next(iter(phones))}, expected "
            f"such as {names[0]}, the name of the recording's folder (v2.0) or file (v1.0).",
            code="no_matching_phones",
        )
    duplicate = next((name for name in matching if matching.count(name) > 1), None)
    if duplicate is not None:
        raise DataError(
            f"{path}: two recordings are named {duplicate}. Add the phones of each to its "
            "metadata.json, as phones.",
            code="duplicate_name",
        )


def _draw(model: RunnableModel, clip: EvaluationClip, path: Path) -> None:
    output = model.animate(clip.audio, clip.sample_rate)
    frames = min(len(output), _PICTURE_SECONDS * model.fps)
    figure = curves_figure(clip.mel[:frames], output[:frames], clip.target[:frames], model.fps)
    save_picture(figure, path)


def _print(report: Report, title: str) -> None:
    console = Console(width=120)
    table = Table(title=title)
    table.add_column("blend shape")
    for heading in _COLUMNS.values():
        table.add_column(heading, justify="right")
    for blendshape, row in report.blendshapes.items():
        table.add_row(blendshape, *(_number(row[name]) for name in _COLUMNS))
    console.print(table)
    summary = Table(title="Summary")
    summary.add_column("metric")
    summary.add_column("value", justify="right")
    for name, value in report.summary.items():
        summary.add_row(name, _number(value))
    console.print(summary)
    if report.robustness:
        robustness = Table(title="Robustness (jawOpen)")
        for heading in ("condition", "r (speech)", "r", "in pauses"):
            robustness.add_column(heading, justify="left" if heading == "condition" else "right")
        for condition, row in report.robustness.items():
            values = (row["r_speech"], row["r"], row["silence_jaw_open"])
            robustness.add_row(condition, *map(_number, values))
        console.print(robustness)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
