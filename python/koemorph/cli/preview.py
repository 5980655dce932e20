"""`koemorph preview`: an HTML page or a video of animations."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path

import click

from koemorph import outputs, preview
from koemorph.animation import Animation
from koemorph.audio import open_audio
from koemorph.cli.options import (
    choose_model,
    choose_rig_map,
    edits_option,
    fps_option,
    model_option,
    refuse_overwrite,
)
from koemorph.cli.progress import progress_bar
from koemorph.controls import DEFAULT_PRESET, presets
from koemorph.edits import load_edits
from koemorph.errors import DataError, OutputError
from koemorph.model import Model
from koemorph.outputs import display_name
from koemorph.outputs.atomic import atomic_open
from koemorph.preview import Take, VideoSettings
from koemorph.preview import sound as sounds
from koemorph.preview import video as videos
from koemorph.preview.sound import Sound
from koemorph.retarget import arkit_animation, load_retarget_map, maps

_PATH = click.Path(path_type=Path)
# The page embeds audio and curves; a longer one would be slow to open.
_MAX_MINUTES = 20
_RIG_EXTENSIONS = (".glb", ".gltf", ".vrm")


@dataclass(frozen=True)
class _Source:
    """A file with an optional label, `[LABEL=]FILE` on the command line."""

    path: Path
    label: str

    @staticmethod
    def parse(text: str) -> _Source:
        label, separator, name = text.partition("=")
        if separator and not Path(text).exists():
            return _Source(_frames_file(Path(name)), label)
        path = _frames_file(Path(text))
        named = path.parent if path.stem == "blendshapes" and path.parent.name else path
        return _Source(path, display_name(named))

    @property
    def is_animation(self) -> bool:
        return outputs.format_of_extension(self.path) is not None


def _frames_file(path: Path) -> Path:
    """Return the frames file of a v2.0 recording's folder, other paths unchanged."""
    frames = path / "blendshapes.jsonl"
    return frames if frames.is_file() else path


def _check_duration(path: Path, seconds: float) -> None:
    if seconds > 60 * _MAX_MINUTES:
        raise DataError(
            f"Cannot preview {path}: it lasts {seconds / 60:.0f} minutes, at most {_MAX_MINUTES} "
            "are supported. Cut out a part.",
            code="too_long",
        )


def _read_sound(path: Path) -> Sound:
    """Read an audio file whose duration the page supports."""
    with open_audio(path) as recording:
        _check_duration(path, recording.sample_count / recording.sample_rate)
    return sounds.read(path)


def _read_animation(path: Path) -> Animation:
    animation = outputs.read(path)
    _check_duration(path, animation.end)
    return animation


def _audio_beside(frames: Path) -> Path | None:
    """Return NAME.wav or audio.wav, as recordings of v1.0 and v2.0 have it."""
    places = (frames.with_suffix(".wav"), frames.with_name("audio.wav"))
    return next((place for place in places if place.is_file()), None)


def _animate(sound: Sound, model: Model, name: str, preset: str | None) -> Animation:
    with progress_bar(f"Animating {name}") as progress:
        return model.animate(
            sound.samples, sample_rate=sound.sample_rate, preset=preset, progress=progress
        )


def _unique_labels(takes: list[Take]) -> list[Take]:
    """Number repeated labels."""
    seen: dict[str, int] = {}
    unique = []
    for take in takes:
        seen[take.label] = seen.get(take.label, 0) + 1
        repeated = seen[take.label] > 1
        label = f"{take.label} {seen[take.label]}" if repeated else take.label
        unique.append(Take(label, take.animation))
    return unique


@click.command()
@click.argument("source", metavar="[LABEL=]IN")
@click.option("-o", "--output", type=_PATH, help="The page.  [default: IN with .html]")
@click.option(
    "--compare",
    multiple=True,
    metavar="[LABEL=]FILE",
    help="Another take to show beside IN: audio, an animation, or a v2.0 folder. Repeatable.",
)
@click.option(
    "--preset",
    "chosen",
    multiple=True,
    metavar="NAME|FILE",
    help=f"One of {', '.join(presets())}, or a file. Several are compared.  "
    f"[default: {DEFAULT_PRESET}]",
)
@click.option("--rig", type=_PATH, help="A .glb, .gltf or .vrm to move.")
@click.option(
    "--retarget", metavar="NAME|FILE", help=f"Map for --rig: one of {', '.join(maps())}, or a file."
)
@edits_option
@click.option(
    "--audio", type=_PATH, help="Audio of an animation.  [default: NAME.wav or audio.wav]"
)
@click.option("--video", type=_PATH, help="Also write a video (.mp4, .webm, ...); needs ffmpeg.")
@fps_option
@model_option
@click.option("--overwrite", is_flag=True, help="Replace existing output files.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def command(
    source: str,
    *,
    output: Path | None,
    compare: tuple[str, ...],
    chosen: tuple[str, ...],
    rig: Path | None,
    retarget: str | None,
    edits: Path | None,
    audio: Path | None,
    video: Path | None,
    fps: str | None,
    model: str | None,
    overwrite: bool,
    open_page: bool,
) -> None:
    """Write a page that plays IN with a face; it works offline.

    IN is audio, which is animated, or an animation (.jsonl, .csv, .glb, .npz, .json, .anim). An
    animated .glb is its own rig.
    """
    main, others = _Source.parse(source), [_Source.parse(text) for text in compare]
    target = output or main.path.with_suffix(".html")
    if rig is None and main.path.suffix.lower() in _RIG_EXTENSIONS:
        rig = main.path
    inputs = [main.path, *(other.path for other in others), audio, rig]
    _check_outputs([target, video], inputs, overwrite)
    if video is not None:
        videos.find_programs(video)
    if retarget is not None and rig is None:
        raise DataError("--retarget needs a rig. Use --rig HERO.glb.", code="retarget_without_rig")
    if rig is not None and _is_arkit(main):
        retarget = choose_rig_map(rig, retarget)
    loaded_map = None if retarget is None else load_retarget_map(retarget)
    sound, takes = _load(main, others, chosen, audio, choose_model(model, fps))
    title = main.label
    loaded_edits = () if edits is None else load_edits(edits)
    page = preview.build_page(takes, title, sound, rig, loaded_map, edits=loaded_edits)
    with atomic_open(target) as stream:
        stream.write(page)
    click.echo(f"Wrote {target} ({len(page) / 1e6:.1f} MB). Open it in a browser.")
    if video is not None:
        settings = VideoSettings(fps=takes[0].animation.fps)
        exported = preview.build_page(takes, title, sound, rig, loaded_map, settings, loaded_edits)
        videos.write_video(exported, video, sound, settings)
        click.echo(f"Wrote {video} ({video.stat().st_size / 1e6:.1f} MB).")
    if open_page:
        webbrowser.open(target.resolve().as_uri())


def _is_arkit(source: _Source) -> bool:
    """Whether a source has the ARKit blend shapes; a retargeted animation has its rig's."""
    return not source.is_animation or arkit_animation(_read_animation(source.path)) is not None


def _check_outputs(targets: list[Path | None], inputs: list[Path | None], overwrite: bool) -> None:
    """Refuse outputs that are inputs, or that exist without --overwrite."""
    for target in filter(None, targets):
        for taken in filter(None, inputs):
            refuse_overwrite(taken, target)
        if target.is_file() and not overwrite:
            raise OutputError(
                f"Cannot write {target}: the file exists. Use --overwrite to replace it, or "
                "another name.",
                code="file_exists",
            )


def _load(
    main: _Source,
    others: list[_Source],
    chosen: tuple[str, ...],
    audio: Path | None,
    model: str,
) -> tuple[Sound | None, list[Take]]:
    """Return the audio and all takes."""
    if main.is_animation and chosen:
        raise DataError(
            f"--preset needs audio: {main.path} is an animation. Give the audio as IN.",
            code="preset_without_audio",
        )
    loaded = None if main.is_animation and all(one.is_animation for one in others) else Model(model)

    def animate(one: _Source, sound: Sound, preset: str | None) -> Animation:
        assert loaded is not None
        return _animate(sound, loaded, one.path.name, preset)

    if main.is_animation:
        takes = [Take(main.label, _read_animation(main.path))]
        audio = audio or _audio_beside(main.path)
        sound = None if audio is None else _read_sound(audio)
    else:
        sound = _read_sound(main.path)
        takes = [Take(display_name(Path(name)), animate(main, sound, name)) for name in chosen]
        takes = takes or [Take(main.label, animate(main, sound, None))]
    for one in others:
        if one.is_animation:
            takes.append(Take(one.label, _read_animation(one.path)))
        else:
            takes.append(Take(one.label, animate(one, _read_sound(one.path), None)))
    return sound, _unique_labels(takes)
