"""`koemorph animate` with one output for several recordings: a rig with one clip each."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph import batch
from koemorph.animation import Animation
from koemorph.audio import is_damaged
from koemorph.batch_plan import plan
from koemorph.batch_settings import Settings
from koemorph.cli.options import refuse_overwrite, warn
from koemorph.cli.progress import named_problem, plural, progress_bar
from koemorph.errors import KoemorphError
from koemorph.model import Model
from koemorph.outputs import format_of_extension, gltf


def is_clips_file(output: Path, rig: Path | None) -> bool:
    """Whether several recordings go into one file: a .glb, .gltf or .vrm with a rig."""
    if rig is None or output.is_dir() or not output.suffix:
        return False
    known = format_of_extension(output)
    return known is not None and known.name == "glb"


def animate_clips(inputs: tuple[Path, ...], output: Path, settings: Settings) -> int:
    """Write one animation per recording into one copy of the rig.

    Recordings that cannot be animated are listed on standard error and left out, those that lack
    audio are listed.

    Args:
        inputs: Recordings, folders and lists.
        output: The .glb, .gltf or .vrm.
        settings: Settings of all recordings, with a rig.

    Returns:
        The exit code: 1 when a recording is left out or lacks audio.

    Raises:
        KoemorphError: The settings are invalid, or no recording can be animated.
    """
    assert settings.rig is not None
    # The planned outputs are only used as unique names.
    folder = output.with_name("clips")
    planned = plan(inputs, folder, "glb", is_raw=settings.raw is not None)
    for source in (*settings.files, *(job.audio for job in planned.jobs)):
        refuse_overwrite(source, output)
    model = Model(settings.model)
    batch.dry_run(batch.animate_silence(model, settings), output, settings)
    clips: dict[str, Animation] = {}
    failed = [f"{path}: {reason}" for path, reason in planned.unreadable]
    damaged: list[str] = []
    for job in planned.jobs:
        try:
            with progress_bar(f"Animating {job.audio.name}") as progress:
                animated, problems = batch.animate_recording(
                    model, job, settings, progress=progress
                )
        except (KoemorphError, OSError) as error:
            failed.append(named_problem(job.audio, str(error)))
            continue
        for path, animation in animated:
            clips[path.relative_to(folder).with_suffix("").as_posix()] = animation
        for problem in problems:
            warn(named_problem(job.audio, str(problem)))
        if is_damaged(problems):
            damaged.append(str(job.audio))
    if clips:
        gltf.write_clips(clips, output, settings.rig)
        seconds = sum(clip.duration for clip in clips.values())
        click.echo(f"Wrote {output}: {plural(len(clips), 'animation')}, {seconds:.2f} s.")
    if failed:
        warn(f"{plural(len(failed), 'recording')} failed:")
        for line in failed:
            warn(f"  {line}")
    return 1 if failed or damaged else 0
