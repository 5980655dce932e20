"""koemorph dataset build, evaluate-teacher and align: the training data of the bundled models."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, track

from koemorph.cli.progress import plural
from koemorph.errors import DataError

from ..datasets.forced_alignment import align_folder, read_transcripts
from ..recipes.koemorph import build as recipe
from ..recipes.koemorph import teacher_evaluation
from ..recipes.koemorph.articulation_estimator import STEPS
from ..recipes.koemorph.config import ALL_SOURCES, CAPTURES, WITHOUT_TEACHER, BuildConfig
from ..recipes.koemorph.voices import synthesize_voices

_PATH = click.Path(path_type=Path)


def _hours(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not 0 <= value < math.inf:
        raise click.BadParameter(f"{value:g} is not a number of hours.")
    return value


def _part(context: click.Context, parameter: click.Parameter, value: tuple[int, int]) -> Any:
    if value[0] > value[1]:
        raise click.BadParameter(f"part {value[0]} of {value[1]} does not exist.")
    return value


@click.command()
@click.argument("data", type=_PATH)
@click.argument("work", type=_PATH)
@click.argument("out", type=_PATH)
@click.option("--voices", type=_PATH, help="Folder of the .bin files of npm kokoro-js.")
@click.option(
    "--kokoro-hours",
    default=1.5,
    show_default=True,
    callback=_hours,
    help="Speech to synthesize with Kokoro.",
)
@click.option(
    "--flite-hours",
    default=2.2,
    show_default=True,
    callback=_hours,
    help="Speech to synthesize with Flite.",
)
@click.option(
    "--takes",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="How often each utterance is used, each time with another augmentation.",
)
@click.option(
    "--source",
    "names",
    multiple=True,
    type=click.Choice(ALL_SOURCES),
    help="Build only this one.",
)
@click.option(
    "--capture",
    "captures",
    multiple=True,
    type=click.Choice(CAPTURES),
    default=CAPTURES,
    help="Train the teacher only on this data set (with a WORK folder of its own).",
)
@click.option(
    "--part",
    type=(click.IntRange(1), click.IntRange(1)),
    default=(1, 1),
    callback=_part,
    help="K N: build the K-th of N parts of the sessions, for N processes or machines. Run once "
    "before without --part, for example with --source librivox, for voices and teacher.",
)
def build(
    data: Path,
    work: Path,
    out: Path,
    *,
    voices: Path | None,
    kokoro_hours: float,
    flite_hours: float,
    takes: int,
    names: tuple[str, ...],
    captures: tuple[str, ...],
    part: tuple[int, int],
) -> None:
    """Build the training data of the bundled models from DATA, in OUT.

    DATA holds grid_s1, facegood, kathleen and librivox. Synthetic voices and the teacher are stored
    in WORK; without --voices, those in WORK are used. Finished steps are skipped.
    """
    if voices is not None and part[1] > 1:
        raise click.UsageError("--voices with --part: synthesize voices before, without --part.")
    config = BuildConfig(data, work, out, takes=takes, captures=captures)
    names = names or ALL_SOURCES
    with Progress(console=Console(stderr=True)) as progress:
        if voices is not None:
            task = progress.add_task("voices", total=3600 * (kokoro_hours + flite_hours))
            synthesize_voices(
                config, voices, kokoro_hours, flite_hours, lambda s: progress.advance(task, s)
            )
        if set(names) - set(WITHOUT_TEACHER):
            _train_teacher(config, progress)
        task = progress.add_task("sessions (seconds)", total=None)
        recipe.build_sessions(config, names, lambda s: progress.advance(task, s), part)
    click.echo(f"wrote {out}")


def _train_teacher(config: BuildConfig, progress: Progress) -> None:
    estimator = progress.add_task("articulation estimator", total=STEPS)
    teacher = progress.add_task("teacher", total=recipe.TEACHER_EPOCHS)
    recipe.load_teacher(
        config,
        lambda loss: progress.advance(teacher),
        lambda loss: progress.advance(estimator),
    )
    progress.update(estimator, completed=STEPS)
    progress.update(teacher, completed=recipe.TEACHER_EPOCHS)


@click.command("evaluate-teacher")
@click.argument("data", type=_PATH)
@click.argument("work", type=_PATH)
def evaluate_teacher(data: Path, work: Path) -> None:
    """Evaluate the teacher in WORK on the dev captures in DATA; prints JSON."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("articulation estimator", total=STEPS)
        report = teacher_evaluation.evaluate_teacher(
            BuildConfig(data, work, work), lambda loss: progress.advance(task)
        )
        progress.update(task, completed=STEPS)
    click.echo(json.dumps(report, indent=2))


@click.command()
@click.argument("audio", type=_PATH)
@click.argument("labels", type=_PATH)
@click.option(
    "--texts",
    type=_PATH,
    help="File of transcripts, lines NAME|TEXT. Default: NAME.txt beside each audio file.",
)
@click.option("--grid", is_flag=True, help="Decode the transcripts from GRID's names, as bbaf2n.")
def align(audio: Path, labels: Path, texts: Path | None, *, grid: bool) -> int:
    """Find the phones of the English recordings with transcripts in folder AUDIO.

    They are appended to LABELS (phones.jsonl), for `dataset build` and `koemorph evaluate
    --phones`. Recordings that LABELS has already are skipped. The exit code is 1 if none could be
    aligned.
    """
    if texts is not None and grid:
        raise click.UsageError("--texts with --grid: use one of them.")
    if not labels.absolute().parent.is_dir():
        raise DataError(
            f"folder {labels.absolute().parent} does not exist.", code="folder_not_found"
        )
    transcripts = None if texts is None else read_transcripts(texts)
    results = list(
        track(
            align_folder(audio, labels, transcripts, grid=grid),
            "aligning",
            console=Console(stderr=True),
        )
    )
    for name, problem in results:
        if problem:
            click.echo(f"{name}: {problem}", err=True)
    aligned = sum(not problem for _, problem in results)
    click.echo(f"aligned {aligned} of {plural(len(results), 'recording')} in {labels}")
    return 0 if aligned else 1
