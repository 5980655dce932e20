"""koemorph dataset: make, convert and check recordings."""

from __future__ import annotations

import contextlib
import logging
from itertools import chain
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, track

from koemorph.errors import DataError, MissingExtraError

from ..datasets import converters, registry
from ..datasets.check import check_folder, check_recording
from ..datasets.recordings import find_recordings
from ..datasets.video import LANDMARKER_URL
from ..datasets.video import from_video as read_video
from ..settings import compose_config, read_settings
from .recipe import align, corpus, teacher

_PROGRESS = Console(stderr=True)
_PATH = click.Path(path_type=Path)


@click.group(name="dataset")
def command() -> None:
    """Make, convert and check data sets of recordings (voice + blendshapes)."""


command.add_command(corpus)
command.add_command(teacher)
command.add_command(align)


@command.command()
@click.argument("source_name", type=click.Choice(sorted(registry.SOURCES)))
@click.argument("source", type=_PATH)
@click.argument("out", type=_PATH)
def convert(source_name: str, source: Path, out: Path) -> None:
    """Turn a known corpus in folder SOURCE into v2.0 folders OUT/train/* and OUT/dev/*."""
    count = 0
    clips = registry.clips(source_name, source)
    for clip in track(clips, f"converting {source_name}", console=_PROGRESS):
        registry.write_clip(clip, out)
        count += 1
    click.echo(f"wrote {count} recordings to {out}")


@command.command()
@click.argument("folder", type=_PATH)
def check(folder: Path) -> int:
    """Find what is wrong with the recordings in FOLDER; exit code 1 when something is."""
    paths = find_recordings(folder)
    count = 0
    of_each = map(check_recording, track(paths, "checking", console=_PROGRESS))
    for problem in chain(check_folder(folder), chain.from_iterable(of_each)):
        click.echo(str(problem))
        count += 1
    click.echo(f"{len(paths)} recordings, {count} problems")
    return 1 if count else 0


@command.command("from-live-link")
@click.argument("table", type=_PATH)
@click.argument("sound", type=_PATH)
@click.argument("out", type=_PATH)
@click.option(
    "--fps",
    type=float,
    help="Of the timecodes; by default read off them, which takes a second or two.",
)
def from_live_link(table: Path, sound: Path, out: Path, fps: float | None) -> None:
    """Turn a Live Link Face TABLE (.csv) and its SOUND (audio or video) into the folder OUT."""
    converters.write(converters.from_live_link(table, fps), sound, out)
    click.echo(f"wrote {out}")


@command.command("from-video")
@click.argument("video", type=_PATH)
@click.argument("out", type=_PATH)
@click.option(
    "--landmarker",
    type=_PATH,
    default=Path("face_landmarker.task"),
    show_default=True,
    help=f"MediaPipe's model file, from {LANDMARKER_URL}.",
)
def from_video(video: Path, out: Path, landmarker: Path) -> None:
    """Turn a VIDEO of a face into the folder OUT, its blendshapes read by MediaPipe."""
    converters.write(read_video(video, landmarker), video, out)
    click.echo(f"wrote {out}")


@command.command("from-v1")
@click.argument("source", type=_PATH)
@click.argument("out", type=_PATH)
def from_v1(source: Path, out: Path) -> None:
    """Turn the pairs NAME.wav + NAME.jsonl in folder SOURCE into v2.0 folders under OUT."""
    pairs = [path for path in find_recordings(source) if path.is_file()]
    if not pairs:
        raise DataError(f"{source} has no pairs NAME.wav + NAME.jsonl: it is v2.0 already.")
    count = converters.convert_pairs(pairs, source, out)
    click.echo(f"wrote {count} recordings to {out}")


@command.command("from-beat")
@click.argument("table", type=_PATH)
@click.argument("sound", type=_PATH)
@click.argument("out", type=_PATH)
@click.option("--fps", type=float, default=60.0, show_default=True, help="Where no times are.")
def from_beat(table: Path, sound: Path, out: Path, fps: float) -> None:
    """Turn a BEAT-style TABLE (.json) and its SOUND into the folder OUT."""
    converters.write(converters.from_beat(table, fps), sound, out)
    click.echo(f"wrote {out}")


@command.command()
@click.argument("overrides", nargs=-1)
@click.option("--scheduler", help="Address of a Dask scheduler (tcp://...); else a local cluster.")
@click.option(
    "--workers", type=click.IntRange(1), default=2, show_default=True, help="Of the local cluster."
)
def prepare(overrides: tuple[str, ...], scheduler: str | None, workers: int) -> None:
    """Compute the features of a training run beforehand; OVERRIDES are those of the run."""
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingExtraError(
            'Preparing features in parallel needs Dask: pip install "koemorph[dask]".'
        ) from error
    from ..precompute import prepare_features
    from ..training_data import all_tracks

    settings = read_settings(compose_config(overrides))
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,  # what goes wrong in a task is raised here
            )
            scheduler = stack.enter_context(cluster).scheduler_address
        try:
            client = stack.enter_context(Client(scheduler))  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise DataError(
                f"there is no Dask scheduler at {scheduler} ({error}): give the address that "
                "`dask scheduler` says, such as tcp://HOST:8786."
            ) from error
        progress = stack.enter_context(Progress(console=_PROGRESS))
        task = progress.add_task("preparing features", total=None)
        names = prepare_features(
            all_tracks(settings),
            settings.data.cache.absolute(),
            settings.features,
            settings.expression.name,
            client,
            done=lambda count: progress.update(task, description=f"preparing features: {count}"),
        )
    click.echo(f"{len(set(names))} tracks are ready in {settings.data.cache}")
