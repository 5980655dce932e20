"""`koemorph animate` with one output for several recordings: a rig with one clip each."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph import batch
from koemorph.animation import Animation
from koemorph.cli.options import refuse_overwrite, warn
from koemorph.cli.progress import plural, progress_bar
from koemorph.errors import KoemorphError
from koemorph.model import Model
from koemorph.outputs import format_of_extension, gltf


def is_clips_file(output: Path, rig: Path | None) -> bool:
    """Whether several recordings go into one file: a .glb, .gltf or .vrm with a rig."""
    if rig is None or output.is_dir() or not output.suffix:
        return False
    known = format_of_extension(output)
    return known is not None and known.name == "glb"


def animate_clips(inputs: tuple[Path, ...], output: Path, settings: batch.Settings) -> int:
    """Write one animation per recording into one copy of the rig.

    Recordings that cannot be animated are listed on standard error and left out.

    Args:
        inputs: Recordings, folders and lists.
        output: The .glb, .gltf or .vrm.
        settings: Settings of all recordings, with a rig.

    Returns:
        The exit code: 1 when a recording is left out.

    Raises:
        KoemorphError: The settings are invalid, or no recording can be animated.
    """
    assert settings.rig is not None
    # The planned outputs are only used as unique names.
    folder = output.with_name("clips")
    jobs = batch.plan(inputs, folder, "glb")
    for source in (*settings.files, *(job.audio for job in jobs)):
        refuse_overwrite(source, output)
    model = Model(settings.model)
    batch.dry_run(batch.animate_silence(model, settings), output, settings)
    clips: dict[str, Animation] = {}
    failed: list[str] = []
    for job in jobs:
        name = job.output.relative_to(folder).with_suffix("").as_posix()
        try:
            with progress_bar(f"Animating {job.audio.name}") as progress:
                clips[name] = model.animate(
                    job.audio,
                    preset=settings.preset,
                    retarget=settings.retarget,
                    progress=progress,
                )
        except (KoemorphError, OSError) as error:
            failed.append(f"{job.audio}: {error}")
    if clips:
        gltf.write_clips(clips, output, settings.rig)
        seconds = sum(clip.duration for clip in clips.values())
        click.echo(f"Wrote {output}: {plural(len(clips), 'animation')}, {seconds:.2f} s.")
    if failed:
        warn(f"{plural(len(failed), 'recording')} failed:")
        for line in failed:
            warn(f"  {line}")
    return 1 if failed else 0
