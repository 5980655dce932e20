"""koemorph dataset: make, convert and check recordings."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, track

from .. import corpora
from ..corpora import build

_PROGRESS = Console(stderr=True)


@click.group(name="dataset")
def command() -> None:
    """Make, convert and check data sets of recordings (voice + coefficients)."""


@command.command()
@click.argument("source_name", metavar="NAME", type=click.Choice(sorted(corpora.SOURCES)))
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def convert(source_name: str, source: Path, out: Path) -> None:
    """Turn a known corpus NAME in folder SOURCE into v2.0 folders OUT/train/* and OUT/dev/*."""
    count = 0
    clips = corpora.clips(source_name, source)
    for clip in track(clips, f"converting {source_name}", console=_PROGRESS):
        corpora.write_clip(clip, out)
        count += 1
    click.echo(f"wrote {count} recordings to {out}")


@command.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("work", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--voices", type=click.Path(path_type=Path), help="Folder of .bin files, npm kokoro-js."
)
@click.option("--kokoro-hours", default=1.5, show_default=True, help="Speech to synthesise.")
@click.option("--flite-hours", default=0.75, show_default=True, help="Speech to synthesise.")
@click.option("--takes", default=2, show_default=True, help="Rooms in which each sentence is said.")
@click.option(
    "--source", "names", multiple=True, type=click.Choice(build.SOURCES), help="Only these."
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
) -> None:
    """Build the corpus of the bundled models: DATA (grid_s1, facegood, kathleen) to OUT.

    Synthetic voices and the teacher are kept in WORK. What is finished is not done again.
    """
    plan = build.Plan(data, work, out, takes=takes)
    with Progress(console=_PROGRESS) as progress:
        if voices is not None:
            task = progress.add_task("voices", total=3600 * (kokoro_hours + flite_hours))
            build.make_voices(
                plan, voices, kokoro_hours, flite_hours, lambda s: progress.advance(task, s)
            )
        task = progress.add_task("teacher", total=build.TEACHER_EPOCHS)
        build.make_teacher(plan, lambda loss: progress.advance(task))
        progress.update(task, completed=build.TEACHER_EPOCHS)
        task = progress.add_task("sessions (seconds)", total=None)
        build.make_sessions(plan, names or build.SOURCES, lambda s: progress.advance(task, s))
    click.echo(f"the corpus is in {out}")


@command.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("work", type=click.Path(path_type=Path))
def teacher(data: Path, work: Path) -> None:
    """Print how well the teacher of WORK does on GRID's dev captures in DATA, as JSON."""
    click.echo(json.dumps(build.evaluate_teacher(build.Plan(data, work, work)), indent=2))
