"""Which recordings a batch animates, and the output file of each."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from koemorph.audio_files.detect import detect
from koemorph.audio_files.source import ByteSource
from koemorph.errors import AudioError, DataError
from koemorph.outputs import FORMATS, find_format

# fmt: off
AUDIO_EXTENSIONS = frozenset((
    ".3gp", ".aac", ".aif", ".aifc", ".aiff", ".amr", ".au", ".avi", ".bwf", ".caf", ".flac",
    ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpga", ".oga",
    ".ogg", ".ogv", ".opus", ".rf64", ".snd", ".spx", ".w64", ".wav", ".wave", ".webm", ".wma",
))
# fmt: on
ALL_EXTENSIONS = tuple(extension for known in FORMATS for extension in known.extensions)
_KNOWN_EXTENSIONS = AUDIO_EXTENSIONS.union(ALL_EXTENSIONS)
MANIFEST_EXTENSIONS = frozenset((".txt", ".tsv", ".lst"))


@dataclass(frozen=True)
class Job:
    """One recording and the file of its animation."""

    audio: Path
    output: Path


@dataclass
class Plan:
    """The jobs of a batch and what is left out of it.

    Attributes:
        jobs: One job per recording.
        unreadable: Files and folders that may contain audio but cannot be read, and why.
        ignored: Files that are not audio, such as texts and pictures.
    """

    jobs: list[Job] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)


def has_several(inputs: Sequence[Path]) -> bool:
    """Return whether the inputs are a folder, a list or several recordings."""
    return len(inputs) != 1 or inputs[0].is_dir() or inputs[0].suffix.lower() in MANIFEST_EXTENSIONS


def is_folder(output: str) -> bool:
    """Return whether an output is a folder by its last character or on the disk."""
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _walk(folder: Path, plan: Plan, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the files below a folder, of linked folders too, but not in a circle."""
    resolved = folder.resolve()
    if resolved in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        plan.unreadable.append((folder, f"the folder cannot be read ({error.strerror})"))
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry, plan, (*above, resolved))
        elif not entry.name.startswith("._"):  # macOS writes them for metadata.
            yield entry


def _is_recording(path: Path, plan: Plan, is_raw: bool) -> bool:
    """Return whether a file in a folder is audio by its name or content; else note it."""
    if path.suffix.lower() in AUDIO_EXTENSIONS:
        return True
    try:
        with path.open("rb") as file:
            kind = detect(ByteSource(file))
    except OSError as error:
        plan.unreadable.append((path, f"it cannot be read ({error.strerror})"))
        return False
    if kind.is_unknown and not is_raw:
        reason = "it is an unknown kind of file; samples without a header need --raw"
        plan.unreadable.append((path, reason))
        return False
    if kind.read is None and not kind.is_container:
        plan.ignored.append(path)
        return False
    return True


def _manifest(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a list's recordings: a path per line, optionally a tab and the output path."""
    try:
        text = source.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise DataError(
            f"Cannot read the list {source}: {error.strerror}. Check the path.",
            code="file_not_found",
        ) from error
    if "\0" in text:  # No path contains it.
        raise DataError(
            f"Cannot read the list {source}: it is not UTF-8 text. Write one path per line.",
            code="invalid_manifest",
        )
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not entries:
        raise DataError(
            f"The list {source} is empty. Write one path per line.", code="empty_manifest"
        )
    for line in entries:
        audio, _, output = line.partition("\t")
        path = Path(audio.strip())
        is_below = not path.is_absolute() and ".." not in path.parts
        yield source.parent / path, Path(output.strip() or (path if is_below else path.name))


def _absolute(path: Path) -> Path:
    """Return the absolute path without "..", with symbolic links as they are."""
    return Path(os.path.normpath(path.absolute()))


def _base(inputs: Sequence[Path]) -> Path:
    """Return the folder that the names of outputs are relative to."""
    if len(inputs) == 1 and inputs[0].is_dir():
        return _absolute(inputs[0])
    folders = [_absolute(path.parent) for path in inputs]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on several drives
        return Path()


def _recordings(inputs: Sequence[Path], plan: Plan, is_raw: bool) -> Iterator[tuple[Path, Path]]:
    """Yield the recordings, each with its output path relative to the output folder."""
    lists = [path for path in inputs if path.suffix.lower() in MANIFEST_EXTENSIONS]
    others = [path for path in inputs if path not in lists or path.is_dir()]
    base = _base(others) if others else Path()
    for source in inputs:
        if source.is_dir():
            found = [path for path in _walk(source, plan) if _is_recording(path, plan, is_raw)]
            if not found and not plan.unreadable:
                raise AudioError(
                    f"{source} contains no audio files ({', '.join(sorted(AUDIO_EXTENSIONS))}). "
                    "Give another folder.",
                    code="no_recordings",
                )
        elif source in lists:
            yield from _manifest(source)
            continue
        else:
            found = [source]
        for path in found:
            place = _absolute(path)
            yield path, place.relative_to(base) if place.is_relative_to(base) else Path(path.name)


def _with_extension(path: Path, extension: str) -> Path:
    """Replace a known extension, else append: a name may contain dots."""
    stem = path.stem if path.suffix.lower() in _KNOWN_EXTENSIONS else path.name
    return path.with_name(stem + extension)


def plan(inputs: Sequence[Path], folder: Path, format: str | None, is_raw: bool = False) -> Plan:
    """Assign an output file to every recording.

    Outputs of a folder have the folder's structure, those of a list the paths in the list, those
    of several files the structure below the folder that contains all of them. Recordings whose
    names differ only in the extension keep it in the output's name.

    Args:
        inputs: Recordings, folders and lists.
        folder: The output folder.
        format: Name of the output format; None for JSONL.
        is_raw: Whether files of unknown kinds in folders are recordings.

    Raises:
        AudioError: An input folder contains no recordings.
        DataError: `folder` is not a folder, a list is invalid, or two outputs collide.
    """
    extension = (find_format(folder, format) if format else FORMATS[0]).extensions[0]
    if folder.is_file() or (folder.name.lower().endswith(ALL_EXTENSIONS) and not folder.is_dir()):
        reason = "is a folder" if inputs[0].is_dir() else "is not the only recording"
        raise DataError(
            f"Output {folder} is a file, but {inputs[0]} {reason}. Give a folder.",
            code="output_not_a_folder",
        )
    planned = Plan()
    by_output: dict[Path, list[tuple[Path, Path]]] = defaultdict(list)
    for audio, path in dict.fromkeys(_recordings(inputs, planned, is_raw)):
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise DataError(
                f"Invalid output {path} of {audio}: it must be a file below {folder}. "
                "Correct the list.",
                code="invalid_output",
            )
        by_output[folder / _with_extension(path, extension)].append((audio, path))
    jobs: dict[Path, Job] = {}
    for short, sources in by_output.items():
        for audio, path in sources:
            is_alone = len(sources) == 1
            output = short if is_alone else folder / path.with_name(path.name + extension)
            if output in jobs:
                raise DataError(
                    f"Output collision: {audio} and {jobs[output].audio} both become {output}. "
                    "Set another output for one of them in a list, after a tab.",
                    code="output_collision",
                )
            jobs[output] = Job(audio, output)
    return replace(planned, jobs=list(jobs.values()))
