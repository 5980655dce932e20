"""File formats of animations; the other modules of this package are network protocols."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koemorph.animation import Animation
from koemorph.errors import DataError, OutputError
from koemorph.outputs.atomic import atomic_path


@dataclass(frozen=True)
class WriteOptions:
    """Options that single formats use and the others ignore.

    Attributes:
        rig: The .glb, .gltf or .vrm that the glb format adds the animation to.
        node: Path from Unity's Animator to the mesh, for the anim format. "" when both are on
            one object.
    """

    rig: Path | None = None
    node: str = ""


Writer = Callable[[Animation, Path, WriteOptions], None]
Reader = Callable[[Path], Animation]


@dataclass(frozen=True)
class FileFormat:
    """A file format.

    Attributes:
        name: Value of `--format`.
        extensions: File name extensions, lower case, with the dot.
        module: Module that defines `write` and, where the format can be read, `read`.
        description: Short description for help texts.
    """

    name: str
    extensions: tuple[str, ...]
    module: str
    description: str


FORMATS: tuple[FileFormat, ...] = (
    FileFormat("jsonl", (".jsonl",), "koemorph.outputs.jsonl", "KoeMorph v2.0, one frame a line"),
    FileFormat(
        "csv", (".csv",), "koemorph.outputs.livelink_csv", "Live Link Face recording, for Unreal"
    ),
    FileFormat("anim", (".anim",), "koemorph.outputs.unity", "Unity animation clip"),
    FileFormat("glb", (".glb", ".gltf", ".vrm"), "koemorph.outputs.gltf", "your rig, animated"),
    FileFormat("json", (".json",), "koemorph.outputs.threejs", "three.js AnimationClip"),
    FileFormat("npz", (".npz",), "koemorph.outputs.npz", "NumPy arrays"),
)


def as_text(name: str | Path) -> str:
    """Return a file name as valid Unicode text; undecodable bytes become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def display_name(path: Path) -> str:
    """Return a file's name without its extension, as valid Unicode text."""
    return as_text(path.stem)


def format_of_extension(path: Path) -> FileFormat | None:
    """Return the format of a file name's extension, or None when no format has it."""
    for file_format in FORMATS:
        if path.name.lower().endswith(file_format.extensions):
            return file_format
    return None


def find_format(path: Path, name: str | None = None) -> FileFormat:
    """Return the format of an output file.

    Args:
        path: The output file; its extension decides when `name` is None.
        name: A format's name.

    Raises:
        OutputError: There is no such format (code "unknown_format"), or `path` is a folder
            ("is_folder").
    """
    if name is not None:
        for file_format in FORMATS:
            if file_format.name == name:
                return file_format
        names = ", ".join(file_format.name for file_format in FORMATS)
        raise OutputError(
            f'Unknown format: "{name}" is not one of {names}. Use one of them.',
            code="unknown_format",
        )
    file_format_of_path = format_of_extension(path)
    if file_format_of_path is not None:
        return file_format_of_path
    if path.is_dir():
        raise OutputError(
            f"Cannot write {path}: it is a folder. Give the name of a file in it.",
            code="is_folder",
        )
    extensions = ", ".join(extension for known in FORMATS for extension in known.extensions)
    raise OutputError(
        f'Unknown format: {path.name} has the extension "{path.suffix}", expected one of '
        f"{extensions}. Change the extension or use --format.",
        code="unknown_format",
    )


def write(
    animation: Animation,
    path: Path,
    format: str | None = None,
    options: WriteOptions | None = None,
) -> None:
    """Write an animation to a file.

    Args:
        animation: The animation.
        path: The output file, replaced atomically.
        format: A format's name; by default the format of the path's extension.
        options: Options of the glb and anim formats.

    Raises:
        OutputError: The format is unknown, or the file cannot be written.
        DataError: The format cannot store this animation's curves.
    """
    file_format = find_format(path, format)
    writer: Writer = importlib.import_module(file_format.module).write
    writer(animation, path, options or WriteOptions())


def read(path: Path) -> Animation:
    """Read an animation from a file of any format that KoeMorph writes.

    Args:
        path: The file. Its extension decides the format; `write`'s output reads back with the
            same names, weights and times within the format's precision.

    Returns:
        The animation.

    Raises:
        DataError: The file cannot be read or its extension belongs to no format.
    """
    file_format = format_of_extension(path)
    if file_format is None:
        extensions = ", ".join(extension for known in FORMATS for extension in known.extensions)
        raise DataError(
            f'Unknown format: {path} has the extension "{path.suffix}", expected one of '
            f"{extensions}.",
            code="unknown_format",
        )
    reader: Reader = importlib.import_module(file_format.module).read
    return reader(path)


class _DryRunDone(Exception):  # noqa: N818 (no error)
    """Makes `atomic_path` remove the file of a dry run."""


def dry_run(animation: Animation, path: Path, format: str | None, options: WriteOptions) -> None:
    """Write to a temporary file beside `path` and remove it; raise what `write` would raise.

    Args:
        animation: A short animation with the names and fps of the real one.
        path: The output file, which stays unchanged. Devices and pipes are not written.
        format: A format's name; by default the format of the path's extension.
        options: Options of the glb and anim formats.

    Raises:
        OutputError: As `write`; the message names `path`.
        DataError: As `write`.
    """
    file_format = find_format(path, format)
    with suppress(_DryRunDone), atomic_path(path) as temporary:
        try:
            if temporary != path:
                write(animation, temporary, file_format.name, options)
        except OutputError as error:
            message = str(error).replace(str(temporary), str(path))
            raise OutputError(message, code=error.code) from error
        raise _DryRunDone
