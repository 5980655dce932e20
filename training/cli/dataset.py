"""koemorph dataset: convert, check, label and build data sets of recordings."""

from __future__ import annotations

import contextlib
from collections import Counter
from itertools import chain
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, track

from koemorph.cli.progress import plural
from koemorph.dask_client import dask_client
from koemorph.errors import DataError

from ..datasets import converters, registry
from ..datasets.beat import read_beat
from ..datasets.check import check_folder, check_recording
from ..datasets.live_link import read_live_link
from ..datasets.recordings import find_recordings
from ..datasets.video import LANDMARKER_URL, read_video
from ..settings import compose_config, read_settings
from .recipe import align, build, evaluate_teacher

_PROGRESS = Console(stderr=True)
_PATH = click.Path(path_type=Path)


@click.group(name="dataset")
def command() -> None:
    """Convert, check and build data sets of recordings (voice and captured face)."""


command.add_command(build)
command.add_command(evaluate_teacher)
command.add_command(align)


@command.command()
@click.argument("name", type=click.Choice(sorted(registry.DATASETS)))
@click.argument("source", type=_PATH)
@click.argument("out", type=_PATH)
def convert(name: str, source: Path, out: Path) -> None:
    """Convert a published data set in folder SOURCE to v2.0 folders OUT/train/* and OUT/dev/*."""
    clips = registry.read_dataset(name, source)
    splits: Counter[str] = Counter()
    for clip in track(clips, f"converting {name}", console=_PROGRESS):
        registry.write_clip(clip, out)
        splits[clip.split] += 1
    of_each = ", ".join(f"{splits[split]} {split}" for split in ("train", "dev"))
    click.echo(f"wrote {plural(splits.total(), 'recording')} to {out}: {of_each}")


@command.command()
@click.argument("folder", type=_PATH)
def check(folder: Path) -> int:
    """Report problems of the recordings in FOLDER. The exit code is 1 if there are any."""
    paths = find_recordings(folder)
    count = 0
    of_each = map(check_recording, track(paths, "checking", console=_PROGRESS))
    for problem in chain(check_folder(folder), chain.from_iterable(of_each)):
        click.echo(str(problem))
        count += 1
    click.echo(f"{plural(len(paths), 'recording')}, {plural(count, 'problem')}")
    return 1 if count else 0


@command.command("from-live-link")
@click.argument("table", type=_PATH)
@click.argument("audio", type=_PATH)
@click.argument("out", type=_PATH)
@click.option(
    "--fps",
    type=float,
    help="Frame rate of the timecodes. Default: detected, which needs a take of 1 to 2 seconds.",
)
def from_live_link(table: Path, audio: Path, out: Path, fps: float | None) -> None:
    """Convert a Live Link Face TABLE (.csv) and its AUDIO (or video) to the folder OUT."""
    converters.write_table(read_live_link(table, fps), audio, out)
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
    """Convert a VIDEO of a face to the folder OUT, with blend shapes detected by MediaPipe."""
    converters.write_table(read_video(video, landmarker), video, out)
    click.echo(f"wrote {out}")


@command.command("from-v1")
@click.argument("source", type=_PATH)
@click.argument("out", type=_PATH)
def from_v1(source: Path, out: Path) -> None:
    """Convert the pairs NAME.wav + NAME.jsonl (v1.0) in folder SOURCE to v2.0 folders in OUT."""
    pairs = [path for path in find_recordings(source) if path.is_file()]
    if not pairs:
        raise DataError(
            f"{source}: no pairs NAME.wav + NAME.jsonl (v1.0), only v2.0 folders.",
            code="no_pairs",
        )
    count = converters.convert_pairs(pairs, source, out)
    click.echo(f"wrote {plural(count, 'recording')} to {out}")


@command.command("from-beat")
@click.argument("table", type=_PATH)
@click.argument("audio", type=_PATH)
@click.argument("out", type=_PATH)
@click.option(
    "--fps", type=float, default=60.0, show_default=True, help="Frame rate, if frames have no time."
)
def from_beat(table: Path, audio: Path, out: Path, fps: float) -> None:
    """Convert a BEAT facial TABLE (.json) and its AUDIO to the folder OUT."""
    converters.write_table(read_beat(table, fps), audio, out)
    click.echo(f"wrote {out}")


@command.command()
@click.argument("overrides", nargs=-1)
@click.option(
    "--scheduler", help="Address of a Dask scheduler (tcp://...). Default: start a local cluster."
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Workers of the local cluster.",
)
def prepare(overrides: tuple[str, ...], scheduler: str | None, workers: int) -> None:
    """Compute the features of a training run in advance. OVERRIDES are those of the run."""
    settings = read_settings(compose_config(overrides))
    with contextlib.ExitStack() as stack:
        # First: without Dask, the modules below cannot be imported.
        client = stack.enter_context(dask_client(scheduler, workers))
        from ..precompute import precompute_features
        from ..training_data import iterate_tracks

        progress = stack.enter_context(Progress(console=_PROGRESS))
        task = progress.add_task("computing features", total=None)
        names = precompute_features(
            iterate_tracks(settings),
            Path(settings.data.cache_dir).absolute(),
            settings.features,
            settings.expression.name,
            client,
            on_progress=lambda n: progress.update(task, description=f"computing features: {n}"),
        )
    tracks = plural(len(set(names)), "track")
    click.echo(f"features of {tracks} are in {settings.data.cache_dir}")
