"""`koemorph animate`: recordings become files of frames."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from koemorph import batch
from koemorph.cli.options import choose_model, fps_option, model_option, refuse_overwrite
from koemorph.cli.progress import progress_bar
from koemorph.controls import presets
from koemorph.errors import AudioError, OutputError
from koemorph.model import Model
from koemorph.outputs import FORMATS
from koemorph.outputs.jsonl import STDOUT, write_jsonl
from koemorph.retarget import maps

_PATH = click.Path(path_type=Path)
_NAMES = [known.name for known in FORMATS]
_FORMATS = ", ".join(f"{known.name} ({known.description})" for known in FORMATS)


def _rehearse(model: Model, audio: Path, output: str, settings: batch.Settings) -> None:
    """Raise now what would else be found once the recording is animated."""
    if not audio.suffix and not audio.exists():  # a slip in a folder's name, with OUT a folder, too
        raise AudioError(f"There is no recording or folder {audio}; check the path.")
    if output != STDOUT:
        for taken in (audio, *settings.files):
            refuse_overwrite(taken, Path(output))
    silence = batch.animate_silence(model, settings)
    if output != STDOUT:
        batch.rehearse(silence, Path(output), settings)
    elif settings.format not in (None, "jsonl"):
        raise OutputError(
            f"Standard output takes jsonl alone; for {settings.format} give -o the name of a file."
        )
    else:
        write_jsonl(silence, io.StringIO())


def _animate_one(audio: Path, output: str, settings: batch.Settings) -> None:
    model = Model(settings.model)
    _rehearse(model, audio, output, settings)
    with progress_bar(f"Animating {audio.name}") as progress:
        animation = model.animate(
            audio,
            preset=settings.preset,
            retarget=settings.retarget,
            progress=progress,
        )
    if output == STDOUT:
        write_jsonl(animation, sys.stdout)
    else:
        animation.save(output, settings.format, rig=settings.rig, node=settings.node)


def _processor_seconds() -> float:
    """What this process and those it has waited for have used; tells work from a busy machine."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _animate_all(
    jobs: list[batch.Job], settings: batch.Settings, processes: int, overwrite: bool
) -> int:
    """Animate many, what is done only if `overwrite`; returns the exit code, 1 when some failed."""
    waiting = [job for job in jobs if overwrite or not job.is_done()]
    failed: list[tuple[batch.Job, str]] = []
    seconds = 0.0
    console = Console(stderr=True)
    began, spent = time.perf_counter(), _processor_seconds()
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Animating", total=len(waiting))

        def done(job: batch.Job, length: float, trouble: str) -> None:
            nonlocal seconds
            seconds += length
            if trouble:
                failed.append((job, trouble))
            bar.advance(task)

        batch.run(waiting, settings, min(processes, max(1, len(waiting))), done)
    took, spent = time.perf_counter() - began, _processor_seconds() - spent
    kept = len(jobs) - len(waiting)
    click.echo(
        f"{len(waiting) - len(failed)} animated, {kept} were done already, {len(failed)} failed; "
        f"{seconds:.0f} s of sound in {took:.1f} s ({seconds / max(took, 1e-9):.0f} x real time), "
        f"{spent:.1f} s of processor time.",
        err=True,
    )
    for job, trouble in failed:
        click.echo(f"  {job.audio}: {trouble}", err=True)
    return 1 if failed else 0


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=_PATH, metavar="IN...")
@click.option("-o", "--output", required=True, metavar="OUT", help="File or folder; - for stdout.")
@click.option("--format", "file_format", type=click.Choice(_NAMES), help=_FORMATS)
@fps_option
@model_option
@click.option("--preset", metavar="NAME|FILE", help=f"One of {', '.join(presets())}, or a file.")
@click.option("--retarget", metavar="NAME|FILE", help=f"One of {', '.join(maps())}, or a file.")
@click.option("--rig", type=_PATH, help="The .glb that GLB output puts the animation on.")
@click.option("--node", default="", help="Path from Unity's Animator to the mesh, for .anim.")
@click.option("--jobs", type=click.IntRange(1), default=1, help="Processes for many recordings.")
@click.option("--overwrite", is_flag=True, help="Replace outputs that are newer than their recording.")
def command(
    *,
    inputs: tuple[Path, ...],
    output: str,
    file_format: str | None,
    fps: str | None,
    model: str | None,
    preset: str | None,
    retarget: str | None,
    rig: Path | None,
    node: str,
    jobs: int,
    overwrite: bool,
) -> int:
    """Animate recordings: frame k is the face at exactly k / fps seconds.

    IN is a recording, or any number of recordings, folders and lists (.txt: one path a line);
    then OUT is a folder, finished files are not made again, and what failed is told at the end.
    """
    settings = batch.Settings(
        choose_model(model, fps), preset, retarget, file_format, rig, node
    )
    if not batch.is_batch(inputs):
        _animate_one(inputs[0], output, settings)
        return 0
    if output == STDOUT:
        raise OutputError("Standard output takes one recording; for many give -o a folder.")
    planned = batch.plan(inputs, Path(output), file_format)
    for taken in settings.files:
        for job in planned:
            refuse_overwrite(taken, job.output)
    batch.prepare(planned, Path(output), settings)
    return _animate_all(planned, settings, jobs, overwrite)
