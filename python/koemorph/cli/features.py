"""`koemorph features`: write tables of eGeMAPS features or of a model's mel frames."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
import numpy as np
import pandas as pd

from koemorph import features
from koemorph.audio import ProblemHandler, is_damaged, read_mono
from koemorph.cli.progress import plural, progress_bar
from koemorph.egemaps import compute_egemaps
from koemorph.errors import AudioError, OutputError
from koemorph.outputs import as_text
from koemorph.outputs.atomic import atomic_path

_PATH = click.Path(path_type=Path)
_WRITERS = {".csv": pd.DataFrame.to_csv, ".parquet": pd.DataFrame.to_parquet}


def _table(
    path: Path,
    level: Literal["functionals", "lld"],
    mel: bool,
    channel: int | None,
    on_problem: ProblemHandler,
) -> pd.DataFrame:
    samples, sample_rate = read_mono(path, channel=channel, on_problem=on_problem)
    if not mel:
        return compute_egemaps(samples, sample_rate, level)
    settings = features.FeatureSettings()
    frames = features.extract(samples, sample_rate, settings).mel
    times = pd.to_timedelta(np.arange(len(frames)) / settings.fps, unit="s")
    columns = [f"mel{band}" for band in range(frames.shape[1])]
    return pd.DataFrame(frames, index=pd.Index(times, name="start"), columns=columns)


@click.command()
@click.argument("recordings", nargs=-1, required=True, type=_PATH, metavar="AUDIO...")
@click.option("-o", "--output", required=True, type=_PATH, help="Output file, .csv or .parquet.")
@click.option(
    "--level",
    type=click.Choice(["functionals", "lld"]),
    default="functionals",
    show_default=True,
    help="88 functionals per recording, or 25 low-level descriptors every 10 ms.",
)
@click.option(
    "--mel",
    is_flag=True,
    help="Write mel frames, as a model receives them at 30 fps, instead of eGeMAPS.",
)
@click.option(
    "--channel",
    type=click.IntRange(1),
    metavar="N",
    help="Process one channel, 1 is left.  [default: the average]",
)
def command(
    recordings: tuple[Path, ...],
    output: Path,
    level: Literal["functionals", "lld"],
    mel: bool,
    channel: int | None,
) -> int:
    """Write the eGeMAPSv02 features of recordings to one table.

    The first column is the file name; the others have openSMILE's names. Channels are averaged. The
    exit code is 1 when a recording lacks audio.
    """
    suffix = output.suffix.lower()
    if suffix not in _WRITERS:
        raise OutputError(
            f"Unknown format of {output}: its extension must be {' or '.join(_WRITERS)}.",
            code="unknown_format",
        )
    tables = []
    problems: list[AudioError] = []
    # Opened first, so that an unwritable output fails before the computation.
    with atomic_path(output) as path:
        with progress_bar(f"Processing {plural(len(recordings), 'recording')}") as progress:
            for done, recording in enumerate(recordings, 1):
                tables.append(_table(recording, level, mel, channel, problems.append))
                progress(done / len(recordings))
        table = pd.concat(tables, keys=[as_text(one) for one in recordings], names=["file"])
        _WRITERS[suffix](table.reset_index() if suffix == ".parquet" else table, path)
    for problem in problems:
        click.echo(f"koemorph: {problem}", err=True)
    return 1 if is_damaged(problems) else 0
