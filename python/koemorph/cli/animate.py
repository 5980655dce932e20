"""`koemorph animate`: write the animations of recordings to files."""

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
from koemorph.cli.clips import animate_clips, is_clips_file
from koemorph.cli.options import (
    choose_model,
    choose_rig_map,
    edits_option,
    fps_option,
    model_option,
    refuse_overwrite,
)
from koemorph.cli.progress import plural, progress_bar
from koemorph.controls import DEFAULT_PRESET, presets
from koemorph.edits import Edit, load_edits
from koemorph.errors import AudioError, DataError, OutputError
from koemorph.model import Model
from koemorph.outputs import FORMATS, find_format
from koemorph.outputs.jsonl import STDOUT, write_jsonl
from koemorph.retarget import maps

_PATH = click.Path(path_type=Path)
_NAMES = [known.name for known in FORMATS]
_FORMATS = ", ".join(f"{known.name} ({known.description})" for known in FORMATS)


def _refuse_unused_rig(output: Path, file_format: str | None, is_folder: bool) -> None:
    """Raise OutputError when --rig is given for a format that has no use for it."""
    if is_folder or str(output) == STDOUT:
        name = file_format or "jsonl"
    else:
        name = find_format(output, file_format).name
    if name != "glb":
        raise OutputError(
            f"--rig has no effect on the format {name}: only glb uses it. Use --format glb, or "
            "omit --rig; --retarget converts to a rig's names.",
            code="rig_unused",
        )


def _dry_run(model: Model, audio: Path, output: str, settings: batch.Settings) -> None:
    """Raise the errors that would otherwise appear after the recording is animated."""
    # Probably a misspelled folder, whose output is a folder, too.
    if not audio.suffix and not audio.exists():
        raise AudioError(
            f"{audio} does not exist. Give the path of a recording or folder.",
            code="file_not_found",
        )
    if output != STDOUT:
        for source in (audio, *settings.files):
            refuse_overwrite(source, Path(output))
    silence = batch.animate_silence(model, settings)
    if output != STDOUT:
        batch.dry_run(silence, Path(output), settings)
    elif settings.format not in (None, "jsonl"):
        raise OutputError(
            f"Cannot write {settings.format} to standard output: only jsonl is supported. "
            "Give --output a file name.",
            code="format_not_for_stdout",
        )
    else:
        write_jsonl(silence, io.StringIO())


def _animate_one(
    audio: Path, output: str, settings: batch.Settings, edits: tuple[Edit, ...]
) -> None:
    model = Model(settings.model)
    _dry_run(model, audio, output, settings)
    with progress_bar(f"Animating {audio.name}") as progress:
        animation = model.animate(
            audio,
            preset=settings.preset,
            edits=edits,
            retarget=settings.retarget,
            progress=progress,
        )
    if output == STDOUT:
        write_jsonl(animation, sys.stdout)
        return
    animation.save(output, settings.format, rig=settings.rig, node=settings.node)
    frames = plural(len(animation), "frame")
    click.echo(f"Wrote {output}: {frames} at {animation.fps} fps, {animation.duration:.2f} s.")


def _cpu_seconds() -> float:
    """CPU time of this process and its finished child processes."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _animate_all(
    jobs: list[batch.Job], settings: batch.Settings, processes: int, overwrite: bool
) -> int:
    """Run the jobs, finished ones only if `overwrite`; return the exit code, 1 after a failure."""
    waiting = [job for job in jobs if overwrite or not job.is_done()]
    failed: list[tuple[batch.Job, str]] = []
    seconds = 0.0
    console = Console(stderr=True)
    begin, begin_cpu = time.perf_counter(), _cpu_seconds()
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Animating", total=len(waiting))

        def on_done(job: batch.Job, duration: float, error: str) -> None:
            nonlocal seconds
            seconds += duration
            if error:
                failed.append((job, error))
            bar.advance(task)

        batch.run(waiting, settings, min(processes, max(1, len(waiting))), on_done)
    elapsed, cpu = time.perf_counter() - begin, _cpu_seconds() - begin_cpu
    click.echo(
        f"{plural(len(waiting) - len(failed), 'recording')} animated, "
        f"{len(jobs) - len(waiting)} up to date, {len(failed)} failed: "
        f"{seconds:.0f} s of audio in {elapsed:.1f} s "
        f"({seconds / max(elapsed, 1e-9):.0f} x real time), {cpu:.1f} s of CPU time.",
        err=True,
    )
    for job, error in failed:
        click.echo(f"  {job.audio}: {error}", err=True)
    return 1 if failed else 0


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=_PATH, metavar="IN...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE|FOLDER|-",
    help="Output file, folder for several recordings, or - for standard output.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(_NAMES),
    help=f"Output format: {_FORMATS}.  [default: by the extension of --output, in a folder jsonl]",
)
@fps_option
@model_option
@click.option(
    "--preset",
    metavar="NAME|FILE",
    help=f"Preset of the controls: {', '.join(presets())}, or a JSON file.  "
    f"[default: {DEFAULT_PRESET}]",
)
@click.option(
    "--retarget",
    metavar="NAME|FILE",
    help=f"Retarget map: {', '.join(maps())}, or a JSON file.",
)
@click.option(
    "--rig", type=_PATH, help="The .glb, .gltf or .vrm that receives the animation (format glb)."
)
@click.option("--node", default="", help="Path from Unity's Animator to the mesh (format anim).")
@edits_option
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of processes for several recordings.",
)
@click.option("--overwrite", is_flag=True, help="Replace outputs that are up to date.")
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
    edits: Path | None,
    jobs: int,
    overwrite: bool,
) -> int:
    """Write the animation of recordings to files; frame k is at k / fps seconds.

    IN is a recording, a folder of recordings or a list (.txt with one path per line). With a
    folder, a list or several recordings the output is a folder, or with --rig one .glb with a
    named animation per recording; outputs in a folder that are newer than their
    recording are kept, and failures are listed at the end.
    """
    if edits is not None and batch.is_batch(inputs):
        raise DataError(
            f"--edits needs one recording: {len(inputs)} inputs or a folder are given. Animate the "
            "edited recording on its own.",
            code="edits_for_batch",
        )
    is_many = batch.is_batch(inputs) and not is_clips_file(Path(output), rig)
    if rig is not None:
        _refuse_unused_rig(Path(output), file_format, is_many)
        refuse_overwrite(rig, Path(output))
        retarget = choose_rig_map(rig, retarget)
    settings = batch.Settings(choose_model(model, fps), preset, retarget, file_format, rig, node)
    if batch.is_batch(inputs) and not is_many:
        return animate_clips(inputs, Path(output), settings)
    if not is_many:
        _animate_one(inputs[0], output, settings, () if edits is None else load_edits(edits))
        return 0
    if output == STDOUT:
        raise OutputError(
            "Cannot write several recordings to standard output. Give --output a folder.",
            code="stdout_for_batch",
        )
    planned = batch.plan(inputs, Path(output), file_format)
    for source in settings.files:
        for job in planned:
            refuse_overwrite(source, job.output)
    batch.prepare(planned, Path(output), settings)
    return _animate_all(planned, settings, jobs, overwrite)
