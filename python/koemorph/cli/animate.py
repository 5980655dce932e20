"""`koemorph animate`: write the animations of recordings to files."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from koemorph import batch
from koemorph.audio import RawFormat, is_damaged
from koemorph.audio_files.reader import RAW_ENCODINGS
from koemorph.batch_cluster import Shard, run_on_dask
from koemorph.batch_plan import Job, Plan, has_several, is_folder, plan
from koemorph.batch_record import BatchRecord
from koemorph.batch_settings import Settings
from koemorph.cli.clips import animate_clips, is_clips_file
from koemorph.cli.options import (
    choose_model,
    choose_rig_map,
    edits_option,
    fps_option,
    model_option,
    refuse_overwrite,
)
from koemorph.cli.progress import named_problem, plural, progress_bar
from koemorph.controls import DEFAULT_PRESET, presets
from koemorph.edits import Edit, load_edits
from koemorph.errors import AudioError, DataError, OutputError
from koemorph.model import Model
from koemorph.outputs import FORMATS, find_format
from koemorph.outputs.jsonl import STDOUT, write_jsonl
from koemorph.retarget import maps

_PATH = click.Path(path_type=Path)
_MAX_NAMES = 10
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


def _dry_run(model: Model, audio: Path, output: str, settings: Settings) -> None:
    """Raise the errors that would otherwise appear after the recording is animated."""
    if output != STDOUT:
        for source in (audio, *settings.files):
            refuse_overwrite(source, Path(output))
    silence = batch.animate_silence(model, settings)
    if output != STDOUT:
        batch.dry_run(silence, Path(output), settings)
    elif settings.format not in (None, "jsonl") or settings.channel == 0:
        found = "several channels" if settings.channel == 0 else settings.format
        raise OutputError(
            f"Cannot write {found} to standard output: only jsonl of one stream is supported. "
            "Give --output a file name.",
            code="format_not_for_stdout",
        )
    else:
        write_jsonl(silence, io.StringIO())


def _animate_one(
    audio: Path, name: str, output: str, settings: Settings, edits: tuple[Edit, ...]
) -> int:
    """Animate one recording; return the exit code, 1 if audio is missing."""
    model = Model(settings.model)
    _dry_run(model, audio, output, settings)
    with progress_bar(f"Animating {name}") as progress:
        job = Job(audio, Path(output))
        animated, problems = batch.animate_recording(
            model, job, settings, name=name, edits=edits, progress=progress
        )
    for path, animation in animated:
        if output == STDOUT:
            write_jsonl(animation, sys.stdout)
            continue
        animation.save(path, settings.format, rig=settings.rig, node=settings.node)
        frames = plural(len(animation), "frame")
        click.echo(f"Wrote {path}: {frames} at {animation.fps} fps, {animation.duration:.2f} s.")
    for problem in problems:
        click.echo(f"koemorph: {problem}", err=True)
    return 1 if is_damaged(problems) else 0


@contextmanager
def _standard_input() -> Iterator[Path]:
    """Copy standard input to a temporary file, because headers and ends of files are read first."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stdin.bin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path


def _cpu_seconds() -> float:
    """CPU time of this process and its finished child processes."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _animate_all(
    planned: Plan,
    folder: Path,
    settings: Settings,
    overwrite: bool,
    run: Callable[[list[Job], batch.OnDone], None],
) -> int:
    """Run the jobs, finished ones only if `overwrite`; return the exit code, 1 after a failure."""
    record = BatchRecord(folder, settings)
    waiting = [job for job in planned.jobs if overwrite or not record.is_done(job)]
    done: list[tuple[Job, batch.Result]] = []
    console = Console(stderr=True)
    begin, begin_cpu = time.perf_counter(), _cpu_seconds()
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Animating", total=len(waiting))

        def on_done(job: Job, result: batch.Result) -> None:
            done.append((job, result))
            # Damage is reported again by the next batch.
            if not result.error and not is_damaged(result.problems):
                record.add(job, result.files)
            bar.advance(task)

        run(waiting, on_done)
    elapsed, cpu = time.perf_counter() - begin, _cpu_seconds() - begin_cpu
    seconds = sum(result.seconds for _, result in done)
    failed = sum(bool(result.error) for _, result in done)
    damaged = sum(is_damaged(result.problems) for _, result in done)
    unreadable = len(planned.unreadable)
    click.echo(
        f"{plural(len(waiting) - failed, 'recording')} animated, "
        f"{len(planned.jobs) - len(waiting)} up to date, {failed + unreadable} failed"
        f"{f', {damaged} with missing audio' if damaged else ''}: "
        f"{seconds:.0f} s of audio in {elapsed:.1f} s "
        f"({seconds / max(elapsed, 1e-9):.0f} x real time), {cpu:.1f} s of CPU time.",
        err=True,
    )
    for path, reason in planned.unreadable:
        click.echo(f"  {path}: {reason}", err=True)
    for job, result in done:
        for message in filter(None, (result.error, *map(str, result.problems))):
            click.echo(f"  {named_problem(job.audio, message)}", err=True)
    if planned.ignored:
        names = [path.name for path in planned.ignored[:_MAX_NAMES]]
        names += ["..."] if len(planned.ignored) > _MAX_NAMES else []
        click.echo(
            f"  {plural(len(planned.ignored), 'other file')} without audio: {', '.join(names)}",
            err=True,
        )
    return 1 if failed or damaged or unreadable else 0


def _parse_channel(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """Return the number of a channel, 0 for all."""
    known = {"all": 0, "left": 1, "right": 2}
    if text is None or text in known:
        return None if text is None else known[text]
    if not text.isdecimal() or int(text) < 1:
        raise click.BadParameter(f'"{text}" is not left, right, all or a number from 1.')
    return int(text)


def _parse_shard(_: click.Context, __: click.Parameter, text: str | None) -> Shard | None:
    try:
        return None if text is None else Shard.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _check_distribution(shard: Shard | None, scheduler: str | None, jobs: int, many: bool) -> None:
    """Raise an error for options of several machines that have no effect."""
    if scheduler is not None and jobs > 1:
        raise click.UsageError(
            "--jobs and --scheduler exclude each other: Dask starts the processes."
        )
    if not many and (shard is not None or scheduler is not None):
        option = "--scheduler" if shard is None else "--shard"
        raise DataError(
            f"{option} needs several recordings and a folder as --output: one output is given. "
            f"Omit {option}.",
            code="distribution_needs_batch",
        )


def _parse_raw(_: click.Context, __: click.Parameter, text: str | None) -> RawFormat | None:
    return None if text is None else RawFormat.parse(text)


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
    "--channel",
    callback=_parse_channel,
    metavar="N|left|right|all",
    help="Animate one channel (1 is left), or each into its own output, NAME.channel1.jsonl, ...  "
    "[default: the average]",
)
@click.option(
    "--raw",
    callback=_parse_raw,
    metavar="RATE[,CHANNELS[,ENCODING]]",
    help="Read IN as samples without a header, e.g. 24000 or 48000,2,f32le. Encodings: "
    f"{', '.join(RAW_ENCODINGS)}.  [default: 1 channel, s16le]",
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
@click.option(
    "--shard",
    callback=_parse_shard,
    metavar="I/N",
    help="Animate part I of N of the recordings only, from 1; one part per machine.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on the workers of the Dask scheduler at ADDRESS (tcp://HOST:8786), which share the "
    "file system with this machine.",
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
    channel: int | None,
    raw: RawFormat | None,
    rig: Path | None,
    node: str,
    edits: Path | None,
    jobs: int,
    shard: Shard | None,
    scheduler: str | None,
    overwrite: bool,
) -> int:
    """Write the animation of recordings to files; frame k is at k / fps seconds.

    IN is a recording (WAV, FLAC, Ogg, MP3, M4A, MP4, WebM, ...), a folder of recordings, a list
    (.txt with one path per line), or - for standard input. With a folder, a list, several
    recordings or an existing folder as output, the output is a folder, or with --rig one .glb with
    a named animation per recording. Outputs in a folder that belong to the same recording and
    settings are kept; failures are listed at the end. The exit code is 1 when a recording failed or
    lacks audio.
    """
    is_clips = has_several(inputs) and is_clips_file(Path(output), rig)
    is_many = not is_clips and (has_several(inputs) or (output != STDOUT and is_folder(output)))
    if edits is not None and (is_many or is_clips):
        raise DataError(
            f"--edits needs one recording and one output: {len(inputs)} inputs or a folder are "
            "given. Animate the edited recording on its own.",
            code="edits_for_batch",
        )
    _check_distribution(shard, scheduler, jobs, is_many)
    if rig is not None:
        _refuse_unused_rig(Path(output), file_format, is_many)
        refuse_overwrite(rig, Path(output))
        retarget = choose_rig_map(rig, retarget)
    chosen = choose_model(model, fps)
    settings = Settings(chosen, preset, retarget, file_format, rig, node, channel, raw)
    moments = () if edits is None else load_edits(edits)
    if STDOUT in map(str, inputs):
        if is_many or is_clips:
            raise DataError(
                "Cannot animate standard input into a folder. Give it alone, and --output a file.",
                code="stdin_for_batch",
            )
        with _standard_input() as audio:
            return _animate_one(audio, "standard input", output, settings, moments)
    # Probably a misspelled folder, whose output is a folder, too.
    if len(inputs) == 1 and not inputs[0].suffix and not inputs[0].exists():
        raise AudioError(
            f"{inputs[0]} does not exist. Give the path of a recording or folder.",
            code="file_not_found",
        )
    if output == STDOUT and has_several(inputs):
        raise OutputError(
            "Cannot write several recordings to standard output. Give --output a folder.",
            code="stdout_for_batch",
        )
    if is_clips:
        return animate_clips(inputs, Path(output), settings)
    if not is_many:
        return _animate_one(inputs[0], str(inputs[0]), output, settings, moments)
    folder = Path(output)
    planned = plan(inputs, folder, file_format, is_raw=raw is not None)
    for source in settings.files:
        for job in planned.jobs:
            with suppress(OSError):  # A name that is too long fails in its own job.
                refuse_overwrite(source, job.output)
    if planned.jobs:
        batch.prepare(planned.jobs, folder, settings)
    if shard is not None:  # after the plan, in which names of outputs depend on all recordings
        planned = replace(
            planned, jobs=shard.of(planned.jobs), unreadable=shard.of(planned.unreadable)
        )

    def run(waiting: list[Job], on_done: batch.OnDone) -> None:
        if scheduler is not None:
            run_on_dask(waiting, settings, scheduler, on_done)
        else:
            batch.run(waiting, settings, min(jobs, max(1, len(waiting))), on_done)

    return _animate_all(planned, folder, settings, overwrite, run)
