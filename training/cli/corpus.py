"""koemorph dataset corpus and teacher: what the bundled models learn from."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from ..corpora import build

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=_PATH)
@click.argument("work", type=_PATH)
@click.argument("out", type=_PATH)
@click.option("--voices", type=_PATH, help="Folder of .bin files of npm kokoro-js.")
@click.option("--kokoro-hours", default=1.5, show_default=True, help="Speech to synthesise.")
@click.option("--flite-hours", default=2.2, show_default=True, help="Speech to synthesise.")
@click.option("--takes", default=2, show_default=True, help="Rooms in which each sentence is said.")
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
    help="K N: the K-th of N parts of the sessions, for N processes or machines.",
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
    """Build the corpus of the bundled models: DATA (grid_s1, facegood, kathleen) to OUT.

    Synthetic voices and the teacher are kept in WORK; without --voices, those that are there are
    used. What is finished is not done again.
    """
    plan = build.Plan(data, work, out, takes=takes, captures=captures)
    with Progress(console=Console(stderr=True)) as progress:
        if voices is not None:
            task = progress.add_task("voices", total=3600 * (kokoro_hours + flite_hours))
            build.make_voices(
                plan, voices, kokoro_hours, flite_hours, lambda s: progress.advance(task, s)
            )
        task = progress.add_task("teacher", total=build.TEACHER_EPOCHS)
        build.make_teacher(plan, lambda loss: progress.advance(task))
        progress.update(task, completed=build.TEACHER_EPOCHS)
        task = progress.add_task("sessions (seconds)", total=None)
        build.make_sessions(plan, names or build.ALL, lambda s: progress.advance(task, s), part)
    click.echo(f"the corpus is in {out}")


@click.command()
@click.argument("data", type=_PATH)
@click.argument("work", type=_PATH)
def teacher(data: Path, work: Path) -> None:
    """Print how well the teacher of WORK does on GRID's dev captures in DATA, as JSON."""
    click.echo(json.dumps(build.evaluate_teacher(build.Plan(data, work, work)), indent=2))
