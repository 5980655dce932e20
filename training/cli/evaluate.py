"""koemorph evaluate: how good a model is, beside its mismatch controls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from koemorph.errors import DataError

from ..evaluate import Player, Report, evaluate, open_player, read_cases
from ..lip_mesh import read_lips
from ..phone_metrics import Phones, as_phones
from ..pictures import curves_figure, save_picture

_COLUMNS = ("r_speech", "control_speech", "r", "control", "mae", "lag_ms", "jitter", "amplitude")


@click.command(name="evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--rig", type=click.Path(path_type=Path), help="A .glb: distances on a mesh, too.")
@click.option("--phones", type=click.Path(path_type=Path), help="phones.jsonl of the recordings.")
@click.option("--robustness", is_flag=True, help="The same in noise, quiet, telephone and room.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Curves against capture, a .png, .svg, .pdf, ...",
)
@click.option("--style", help="What a checkpoint speaks: NAME, or NAME=0.7,OTHER=0.3.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(model: Path, data: Path, as_json: bool, **options: Any) -> None:
    """Measure MODEL (.onnx, .safetensors or a bundled model's name) on the recordings in DATA."""
    player = open_player(model, options["style"])
    phones = {} if options["phones"] is None else _read_phones(options["phones"])
    cases = read_cases(data, player.fps, phones)
    if phones:
        _check_names([case.name for case in cases], phones, options["phones"])
    lips = None if options["rig"] is None else read_lips(options["rig"])
    if options["picture"] is not None:
        _draw(player, cases[0], options["picture"])
    report = evaluate(player, cases, lips, robustness=options["robustness"])
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        _print(report, f"{model.name} on {len(cases)} recordings of {data}")


def _read_phones(path: Path) -> dict[str, Phones]:
    """By recording, from lines {"name": ..., "phones": [[phone, start, end], ...]}."""
    found: dict[str, Phones] = {}
    number = 0
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number += 1
            entry = json.loads(line)
            found[entry["name"]] = as_phones(entry["phones"])
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}, line {number}: expected a name and phones ({error}).") from error
    return found


def _check_names(names: Sequence[str], phones: Mapping[str, Phones], path: Path) -> None:
    """DataError where phones are of none of the recordings, or of two that are called alike."""
    spoken = [name for name in names if name in phones]
    if not spoken:
        raise DataError(
            f"{path} has the phones of {next(iter(phones))}, but of none of the recordings, such "
            f"as {names[0]}: a name is that of the recording's folder (of its file, in pairs)."
        )
    alike = next((name for name in spoken if spoken.count(name) > 1), None)
    if alike is not None:
        raise DataError(
            f"{path}: two recordings are called {alike}; write the phones of each into its "
            "metadata.json, as phones."
        )


def _draw(player: Player, case: Any, path: Path) -> None:
    output = player.animate(case.audio, case.sample_rate)
    frames = min(len(output), 10 * player.fps)
    figure = curves_figure(case.mel[:frames], output[:frames], case.target[:frames], player.fps)
    save_picture(figure, path)


def _print(report: Report, title: str) -> None:
    console = Console(width=120)
    table = Table(title=title)
    table.add_column("blendshape")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for blendshape, row in report.blendshapes.items():
        table.add_row(blendshape, *(_number(row[name]) for name in _COLUMNS))
    console.print(table)
    summary = Table(title="summary")
    summary.add_column("measure")
    summary.add_column("value", justify="right")
    for name, value in report.summary.items():
        summary.add_row(name, _number(value))
    for condition, row in report.robustness.items():
        shown = f"{row['r_speech']:.3f} / {row['r']:.3f}; {_number(row['silence_jaw_open'])}"
        summary.add_row(f"jawOpen, {condition}: r; in pauses", shown)
    console.print(summary)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
