"""`koemorph features`: recordings become tables of eGeMAPS, or of the mel frames a model sees."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
import numpy as np
import pandas as pd

from koemorph import features
from koemorph.audio import read_mono
from koemorph.cli.progress import progress_bar
from koemorph.egemaps import compute_egemaps
from koemorph.errors import OutputError
from koemorph.outputs import as_text
from koemorph.outputs.atomic import atomic_path

_PATH = click.Path(path_type=Path)
_WRITERS = {".csv": pd.DataFrame.to_csv, ".parquet": pd.DataFrame.to_parquet}


def _table(path: Path, level: Literal["functionals", "lld"], mel: bool) -> pd.DataFrame:
    samples, rate = read_mono(path)
    if not mel:
        return compute_egemaps(samples, rate, level)
    settings = features.FeatureSettings()
    frames = features.extract(samples, rate, settings).mel
    times = pd.to_timedelta(np.arange(len(frames)) / settings.fps, unit="s")
    columns = [f"mel{band}" for band in range(frames.shape[1])]
    return pd.DataFrame(frames, index=pd.Index(times, name="start"), columns=columns)


@click.command()
@click.argument("recordings", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="OUT.csv or OUT.parquet.")
@click.option(
    "--level",
    type=click.Choice(["functionals", "lld"]),
    default="functionals",
    show_default=True,
    help="88 numbers a recording, or 25 every 10 ms.",
)
@click.option("--mel", is_flag=True, help="The mel frames a model sees, instead of eGeMAPS.")
def command(
    recordings: tuple[Path, ...], output: Path, level: Literal["functionals", "lld"], mel: bool
) -> None:
    """Write eGeMAPSv02 of RECORDINGS as one table, the file's name in its first column.

    Columns are named as openSMILE names them. Recordings with several channels are mixed down.
    """
    suffix = output.suffix.lower()
    if suffix not in _WRITERS:
        raise OutputError(f"{output} must end with {' or '.join(_WRITERS)}.")
    tables = []
    # Opened first: that nothing can be written there need not be found when all has been heard.
    with atomic_path(output) as path:
        with progress_bar(f"Listening to {len(recordings)} recordings") as progress:
            for done, recording in enumerate(recordings, 1):
                tables.append(_table(recording, level, mel))
                progress(done / len(recordings))
        table = pd.concat(tables, keys=[as_text(one) for one in recordings], names=["file"])
        _WRITERS[suffix](table.reset_index() if suffix == ".parquet" else table, path)
