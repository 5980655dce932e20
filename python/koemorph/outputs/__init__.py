"""Where an animation can go: file formats here, network protocols in the modules beside it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koemorph.animation import Animation
from koemorph.errors import OutputError
from koemorph.outputs.atomic import atomic_path


@dataclass(frozen=True)
class WriteOptions:
    """What some formats want to know; the others do not look at it.

    rig: the .glb or .gltf that GLB puts the animation on.
    node: the path from Unity's Animator to the mesh, for .anim; "" when both are on one object.
    """

    rig: Path | None = None
    node: str = ""


Writer = Callable[[Animation, Path, WriteOptions], None]


@dataclass(frozen=True)
class FileFormat:
    """A file format: what it is called, how its files end, and the module that has `write`."""

    name: str
    extensions: tuple[str, ...]
    module: str
    description: str


FORMATS: tuple[FileFormat, ...] = (
    FileFormat("jsonl", (".jsonl",), "koemorph.outputs.jsonl", "KoeMorph v2.0 frames, one a line"),
    FileFormat(
        "csv", (".csv",), "koemorph.outputs.livelink_csv", "Live Link Face recording, for Unreal"
    ),
    FileFormat("anim", (".anim",), "koemorph.outputs.unity", "Unity animation clip"),
    FileFormat("glb", (".glb", ".gltf", ".vrm"), "koemorph.outputs.gltf", "your own rig, animated"),
    FileFormat("json", (".json",), "koemorph.outputs.threejs", "three.js AnimationClip"),
    FileFormat("npz", (".npz",), "koemorph.outputs.npz", "NumPy arrays"),
)


def as_text(name: str | Path) -> str:
    """A name as text that any file can hold: names of files need not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def display_name(path: Path) -> str:
    """A file's name without its ending, as text that any file can hold."""
    return as_text(path.stem)


def find_format(path: Path, name: str | None = None) -> FileFormat:
    """The format called `name`, else the one `path` ends with; OutputError when there is none."""
    if name is not None:
        for file_format in FORMATS:
            if file_format.name == name:
                return file_format
        known = ", ".join(file_format.name for file_format in FORMATS)
        raise OutputError(f'There is no format "{name}"; choose one of {known}.')
    for file_format in FORMATS:
        if path.name.lower().endswith(file_format.extensions):
            return file_format
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it.")
    known = ", ".join(extension for known in FORMATS for extension in known.extensions)
    raise OutputError(
        f"The ending of {path.name} names no format; use one of {known}, or name the format."
    )


def write(
    animation: Animation,
    path: Path,
    format: str | None = None,
    options: WriteOptions | None = None,
) -> None:
    """Write an animation in the format that `format`, or else the path's extension, names."""
    file_format = find_format(path, format)
    writer: Writer = importlib.import_module(file_format.module).write
    writer(animation, path, options or WriteOptions())


class _Rehearsed(Exception):  # noqa: N818 (no error)
    """Takes away what a rehearsal has written."""


def dry_run(animation: Animation, path: Path, format: str | None, options: WriteOptions) -> None:
    """Write beside `path` and take it away again: raises what `write` would, but `path` stays."""
    file_format = find_format(path, format)
    with suppress(_Rehearsed), atomic_path(path) as scratch:
        try:
            # A device or a pipe is no place to dry_run.
            if scratch != path:
                write(animation, scratch, file_format.name, options)
        except OutputError as error:  # It may name the scratch, of which nobody has heard.
            raise OutputError(str(error).replace(str(scratch), str(path))) from error
        raise _Rehearsed
