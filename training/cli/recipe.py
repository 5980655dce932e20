"""koemorph dataset corpus and teacher: what the bundled models learn from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, track

from koemorph.errors import DataError

from ..datasets.forced_alignment import align as find_phones
from ..datasets.forced_alignment import read_texts
from ..recipes.koemorph import build, teacher_evaluation
from ..recipes.koemorph.articulation_estimator import STEPS

_PATH = click.Path(path_type=Path)


def _hours(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not 0 <= value < math.inf:
        raise click.BadParameter(f"{value:g} is no number of hours.")
    return value


def _part(context: click.Context, parameter: click.Parameter, value: tuple[int, int]) -> Any:
    if value[0] > value[1]:
        raise click.BadParameter(f"there is no part {value[0]} of {value[1]}.")
    return value


@click.command()
@click.argument("data", type=_PATH)
@click.argument("work", type=_PATH)
@click.argument("out", type=_PATH)
@click.option("--voices", type=_PATH, help="Folder of .bin files of npm kokoro-js.")
@click.option(
    "--kokoro-hours",
    default=1.5,
    show_default=True,
    callback=_hours,
    help="Speech to synthesise.",
)
@click.option(
    "--flite-hours", default=2.2, show_default=True, callback=_hours, help="Speech to synthesise."
)
@click.option(
    "--takes",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Rooms in which each sentence is said.",
)
@click.option("--source", "names", multiple=True, type=click.Choice(build.ALL), help="Only these.")
@click.option(
    "--capture",
    "captures",
    multiple=True,
    type=click.Choice(build.CAPTURES),
    default=build.CAPTURES,
    help="Only these teach the teacher (WORK must then be another one).",
)
@click.option(
    "--part",
    type=(click.IntRange(1), click.IntRange(1)),
    default=(1, 1),
    callback=_part,
    help="K N: the K-th of N parts of the sessions, for N processes or machines, which share the "
    "voices and the teacher of a run before, such as one with --source librivox.",
)
def corpus(
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
    """Build the corpus of the bundled models out of DATA, in OUT.

    DATA holds grid_s1, facegood, kathleen and librivox. Synthetic voices and the teacher are kept
    in WORK; without --voices, those that are there are used. What is finished is not done again.
    """
    if voices is not None and part[1] > 1:
        raise click.UsageError("make the voices before, without --part: the parts share them.")
    plan = build.Plan(data, work, out, takes=takes, captures=captures)
    names = names or build.ALL
    with Progress(console=Console(stderr=True)) as progress:
        if voices is not None:
            task = progress.add_task("voices", total=3600 * (kokoro_hours + flite_hours))
            build.make_voices(
                plan, voices, kokoro_hours, flite_hours, lambda s: progress.advance(task, s)
            )
        if set(names) - set(build.UNTAUGHT):
            _make_teacher(plan, progress)
        task = progress.add_task("sessions (seconds)", total=None)
        build.make_sessions(plan, names, lambda s: progress.advance(task, s), part)
    click.echo(f"the corpus is in {out}")


def _make_teacher(plan: build.Plan, progress: Progress) -> None:
    listens = progress.add_task("listener", total=STEPS)
    learns = progress.add_task("teacher", total=build.TEACHER_EPOCHS)
    build.make_teacher(
        plan, lambda loss: progress.advance(learns), lambda loss: progress.advance(listens)
    )
    progress.update(listens, completed=STEPS)
    progress.update(learns, completed=build.TEACHER_EPOCHS)


@click.command()
@click.argument("data", type=_PATH)
@click.argument("work", type=_PATH)
def teacher(data: Path, work: Path) -> None:
    """Print how well the teacher of WORK does on the dev captures in DATA, as JSON."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("listener", total=STEPS)
        found = teacher_evaluation.evaluate_teacher(
            build.Plan(data, work, work), lambda loss: progress.advance(task)
        )
        progress.update(task, completed=STEPS)
    click.echo(json.dumps(found, indent=2))


@click.command()
@click.argument("sounds", type=_PATH)
@click.argument("labels", type=_PATH)
@click.option("--texts", type=_PATH, help="Lines NAME|TEXT; by default NAME.txt beside each sound.")
@click.option("--grid", is_flag=True, help="The names spell GRID's sentences, as bbaf2n does.")
def align(sounds: Path, labels: Path, texts: Path | None, *, grid: bool) -> int:
    """Find the phones of English recordings in folder SOUNDS whose words are known.

    They are added to LABELS (phones.jsonl), which the corpus and `koemorph evaluate --phones` read;
    what is there already is kept. Exit code 1 when nothing could be aligned.
    """
    if texts is not None and grid:
        raise click.UsageError("--grid has its texts in its names: leave --texts out.")
    if not labels.absolute().parent.is_dir():
        raise DataError(f"there is no folder {labels.absolute().parent} to write to.")
    told = None if texts is None else read_texts(texts)
    troubles = list(
        track(
            find_phones(sounds, labels, told, grid=grid), "aligning", console=Console(stderr=True)
        )
    )
    for name, trouble in troubles:
        if trouble:
            click.echo(f"{name}: {trouble.rstrip('.')}.", err=True)
    aligned = sum(not trouble for _, trouble in troubles)
    click.echo(f"{aligned} of {len(troubles)} recordings are aligned in {labels}")
    return 0 if aligned else 1
