"""koemorph dataset: make, convert and check recordings."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from .. import corpora

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
