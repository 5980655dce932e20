"""`koemorph preview`: a page to watch, listen to and scrub through."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from koemorph import preview
from koemorph.animation import Animation
from koemorph.audio import open_audio
from koemorph.cli.options import choose_model, fps_option, model_option, refuse_overwrite
from koemorph.cli.progress import progress_bar
from koemorph.errors import DataError
from koemorph.model import Model
from koemorph.outputs import display_name
from koemorph.outputs.atomic import atomic_open
from koemorph.outputs.jsonl import read_jsonl
from koemorph.preview import sound as sounds
from koemorph.preview.sound import Sound

_PATH = click.Path(path_type=Path)
# A page keeps its sound and pictures inside; beyond this it would be slow to open.
_MOST_MINUTES = 20


def _check_length(path: Path, seconds: float) -> None:
    if seconds > 60 * _MOST_MINUTES:
        raise DataError(
            f"{path} lasts {seconds / 60:.0f} minutes; a page holds {_MOST_MINUTES}. "
            "Cut out the part you want to see."
        )


def _sound(path: Path) -> Sound:
    """The recording, unless it is too long: that is told before it is read."""
    with open_audio(path) as recording:
        _check_length(path, recording.sample_count / recording.sample_rate)
    return sounds.read(path)


def _capture(path: Path | None) -> Animation | None:
    if path is None:
        return None
    return read_jsonl(path / "blendshapes.jsonl" if path.is_dir() else path)


def _sound_beside(frames: Path) -> Path | None:
    """NAME.wav or audio.wav, as recordings of v1.0 and v2.0 have it."""
    places = (frames.with_suffix(".wav"), frames.with_name("audio.wav"))
    return next((place for place in places if place.is_file()), None)


@click.command()
@click.argument("source", type=_PATH, metavar="IN")
@click.option("-o", "--output", type=_PATH, help="The page to write; else beside IN, as .html.")
@click.option("--rig", type=_PATH, help="Your own .glb: its morph targets move, matched by name.")
@click.option("--audio", type=_PATH, help="The sound of a .jsonl; else NAME.wav or audio.wav.")
@click.option("--capture", type=_PATH, help="A captured .jsonl or v2.0 folder to show beside it.")
@fps_option
@model_option
@click.option("--open", "open_page", is_flag=True, help="Show the page in the browser.")
def command(
    source: Path,
    *,
    output: Path | None,
    rig: Path | None,
    audio: Path | None,
    capture: Path | None,
    fps: str | None,
    model: str | None,
    open_page: bool,
) -> None:
    """Make a page that plays IN (a recording, or frames as .jsonl) with its face; works offline."""
    target = output or source.parent / f"{source.stem}.html"
    for taken in filter(None, (source, audio, rig, capture)):
        refuse_overwrite(taken, target)
    if source.suffix.lower() == ".jsonl":
        animation = read_jsonl(source)
        audio = audio or _sound_beside(source)
        _check_length(source, animation.end)
        sound = None if audio is None else _sound(audio)
    else:
        sound = _sound(source)
        with progress_bar(f"Animating {source.name}") as progress:
            animation = Model(choose_model(model, fps)).animate(
                sound.samples,
                sample_rate=sound.rate,
                progress=progress,
            )
    page = preview.build_page(animation, display_name(source), sound, rig, _capture(capture))
    with atomic_open(target) as stream:
        stream.write(page)
    click.echo(f"{target} ({len(page) / 1e6:.1f} MB): open it in a browser and press play.")
    if open_page:
        webbrowser.open(target.resolve().as_uri())
