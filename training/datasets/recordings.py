"""Recordings: a voice and the face that spoke, as folders of dataset v2.0 or pairs of v1.0.

A v2.0 recording is a folder with `audio.wav` (or .flac, .ogg), `blendshapes.jsonl`,
`metadata.json` and, optionally, `timecode.json`. A v1.0 recording is a pair NAME.wav + NAME.jsonl.
Either is read into a Recording; only v2.0 is written.
"""

from __future__ import annotations

import datetime
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from koemorph.audio import open_audio
from koemorph.blendshapes import BLENDSHAPES, PASCAL_NAMES
from koemorph.errors import AudioError, DataError, OutputError
from koemorph.outputs.atomic import atomic_open, atomic_path
from koemorph.outputs.jsonl import frame_interval, frame_line, read_table

from ..metadata import read_metadata

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")
COMMON_RATES = (24.0, 25.0, 30.0, 50.0, 60.0)
# Timestamps are often written with four decimals; this near to frame / fps they mean it exactly.
TIMESTAMP_ROUNDING = 1e-3
# Frames of a capture from the nearest one that was seen within which a face is known.
SEEN_FRAMES = 1.5


@dataclass(frozen=True)
class Capture:
    """A face over time.

    weights: (T, 52) in [0, 1], in the order of BLENDSHAPES; unlabelled columns are zero.
    times: (T,) seconds after the first sample of the audio, increasing.
    labelled: (52,) bool, False where the source cannot tell this blendshape.
    """

    weights: NDArray[np.float32]
    times: NDArray[np.float64]
    labelled: NDArray[np.bool_]


@dataclass(frozen=True)
class Recording:
    """A capture, the path of its audio, and whatever its metadata.json says."""

    name: str
    audio: Path
    capture: Capture
    fps: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Who speaks, "" where the metadata does not say."""
        return str(self.metadata.get("subject", ""))


def exact_fps(fps: float) -> Fraction:
    """The rational rate that a decimal means: 29.97 is 30000/1001, 25.0 is 25."""
    for base in (24, 30, 48, 60, 120):
        if abs(fps - base * 1000 / 1001) < 5e-3:
            return Fraction(base * 1000, 1001)
    return Fraction(fps).limit_denominator(1000)


def arrange(
    table: NDArray[np.floating[Any]], names: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Puts a (T, N) table with named columns into the one order, by name.

    Returns weights (T, 52), clipped to [0, 1], and labelled (52,). Columns with other names (head
    rotations, _neutral) are left out. Raises DataError when no name is one of ARKit's, and when two
    are the same one.
    """
    if table.ndim != 2 or table.shape[1] != len(names):
        raise DataError(f"a table of shape {table.shape} does not fit its {len(names)} names.")
    weights = np.zeros((len(table), len(BLENDSHAPES)), np.float32)
    labelled = np.zeros(len(BLENDSHAPES), np.bool_)
    for column, name in enumerate(names):
        index = _index(name)
        if index is None:
            continue
        if labelled[index]:
            raise DataError(f"two of the names are {BLENDSHAPES[index]}.")
        weights[:, index] = table[:, column]
        labelled[index] = True
    if not labelled.any():
        raise DataError(f"none of the names is one of ARKit's 52: {', '.join(names[:5])} ...")
    return np.clip(weights, 0.0, 1.0), labelled


def uniform_times(count: int, fps: float, start: float = 0.0) -> NDArray[np.float64]:
    """Times (count,) in seconds of frames at exactly k / fps after `start`."""
    rate = exact_fps(fps)
    return start + np.arange(count, dtype=np.float64) * rate.denominator / rate.numerator


def resample_capture(capture: Capture, fps: float, frames: int) -> NDArray[np.float32]:
    """The capture at the times k / fps, k < frames, by linear interpolation: (frames, 52).

    Times are computed from whole numbers, so they do not drift; before the first and after the last
    captured frame the face holds still.
    """
    wanted = uniform_times(frames, fps)
    after = np.clip(np.searchsorted(capture.times, wanted), 1, max(1, len(capture.times) - 1))
    if len(capture.times) == 1:
        return np.repeat(capture.weights, frames, axis=0)
    before = after - 1
    span = capture.times[after] - capture.times[before]
    share = np.clip((wanted - capture.times[before]) / span, 0.0, 1.0).astype(np.float32)[:, None]
    return capture.weights[before] * (1 - share) + capture.weights[after] * share


def seen_at(recording: Recording, wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a face was captured at each time (n,) in seconds, or within SEEN_FRAMES frames of it.

    It was not where tracking was lost for longer, and where the sound begins before the face or
    ends after it.
    """
    times = recording.capture.times
    after = np.searchsorted(times, wanted)
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(times) - 1)
    away = np.minimum(np.abs(wanted - times[before]), np.abs(times[after] - wanted))
    return away < SEEN_FRAMES / recording.fps


def evenly(
    recording: Recording, fps: float | None = None, frames: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The face at k / fps, k < frames, (frames, 52), and which of these are seen, (frames,).

    fps: None for the capture's own; frames: None for as many as the face lasts.
    """
    fps = recording.fps if fps is None else fps
    if frames is None:
        frames = round((float(recording.capture.times[-1]) + 1 / recording.fps) * fps)
    face = resample_capture(recording.capture, fps, frames)
    return face, seen_at(recording, uniform_times(frames, fps))


def read_audio(path: str | Path) -> tuple[NDArray[np.float32], int]:
    """Audio as mono float32 (n,) and its sample rate; raises AudioError with the path."""
    with open_audio(path) as recording:
        mono = np.concatenate([block.mean(axis=1) for block in recording.blocks])
    if not np.isfinite(mono).all():
        raise AudioError(f"{path} has samples that are not finite numbers.")
    return mono, recording.sample_rate


def write_audio(
    path: Path, audio: NDArray[np.floating[Any]], sample_rate: int, format: str = "WAV"
) -> None:
    """Writes (n,) as 16 bits, whole or not at all; OutputError where that is not possible.

    It is encoded in memory, since libsndfile does not say that a disk is full.
    """
    encoded = io.BytesIO()
    soundfile.write(encoded, audio, sample_rate, subtype="PCM_16", format=format)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())


def write_recording(
    folder: str | Path,
    audio: NDArray[np.float32],
    sample_rate: int,
    weights: NDArray[np.float32],
    fps: float,
    *,
    labelled: NDArray[np.bool_] | None = None,
    seen: NDArray[np.bool_] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Writes one v2.0 folder and returns it.

    audio: (n,) mono; it is stored as 16-bit WAV. weights: (T, 52) with frame k at k / fps seconds.
    labelled: (52,) bool; the False ones are listed in the metadata and masked in training.
    seen: (T,) bool; frames that are False were not captured and are left out.
    metadata: further keys, such as source_format, license, subject, phones.
    metadata.json is written last: a folder that has it is whole. Raises OutputError where it cannot
    be written.
    """
    folder = Path(folder)
    if weights.ndim != 2 or weights.shape[1] != len(BLENDSHAPES):
        raise DataError(f"{folder}: weights have shape {weights.shape}, not (T, 52).")
    labelled = np.ones(len(BLENDSHAPES), np.bool_) if labelled is None else labelled
    shown = np.arange(len(weights)) if seen is None else np.flatnonzero(seen)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise OutputError(f"Cannot make {folder}: {why}; choose another place.") from error
    write_audio(folder / "audio.wav", audio, sample_rate)
    with atomic_open(folder / "blendshapes.jsonl") as stream:
        times = uniform_times(len(weights), fps)
        for frame in shown:
            row = np.clip(weights[frame], 0, 1)
            stream.write(frame_line(int(frame), float(times[frame]), row, round(fps)))
    description = {
        "format_version": "2.0",
        "source_fps": fps,
        "duration_seconds": len(audio) / sample_rate,
        "num_frames": len(shown),
        "processing_date": datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="seconds"
        ),
        "source_format": "unknown",
        "blendshape_names": list(BLENDSHAPES),
        "unlabelled": [
            name for name, known in zip(BLENDSHAPES, labelled, strict=True) if not known
        ],
        **(metadata or {}),
    }
    with atomic_open(folder / "metadata.json") as stream:
        stream.write(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return folder


def find_recordings(root: str | Path) -> list[Path]:
    """The recordings under a folder, sorted: v2.0 folders, and .jsonl files of v1.0 pairs.

    Raises DataError, naming what was looked for, when there are none.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"the data folder {root} {what}.")
    found = []
    for folder, names in folders(root):
        for path in (folder / name for name in names if name.endswith(".jsonl")):
            if path.name == "blendshapes.jsonl":
                found.append(folder)
            elif _audio_beside(path.with_suffix("")) is not None:
                found.append(path)
    if not found:
        raise DataError(
            f"no recordings in {root}: looked for folders with blendshapes.jsonl and audio.wav "
            f"(v2.0) and for pairs NAME.jsonl + NAME.wav (v1.0); .flac and .ogg are read too."
        )
    return sorted(found)


def folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder under one, with the names of its files, in any order.

    Links to folders are followed, but no folder is entered twice.
    """
    entered = set()
    for folder, inner, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:
            inner.clear()
            continue
        entered.add(real)
        yield Path(folder), names


def read_recording(path: str | Path, *, auto_detect_fps: bool = True) -> Recording:
    """Reads a v2.0 folder, or a v1.0 pair by its .jsonl file.

    auto_detect_fps: frames are where their timestamps put them; without it, frame k is at k /
    source_fps of the metadata, whatever its timestamp.

    Raises DataError or AudioError with the file, and the line where there is one.
    """
    path = Path(path)
    if path.is_dir():
        stem, table = path / "audio", path / "blendshapes.jsonl"
        metadata = read_metadata(path / "metadata.json")
    else:
        stem, table, metadata = path.with_suffix(""), path, {}
    audio = _audio_beside(stem)
    if audio is None:
        raise DataError(f"{stem}.wav is missing (looked for {', '.join(AUDIO_SUFFIXES)}).")
    names = metadata.get("blendshape_names", BLENDSHAPES)
    times, rows = read_table(table, len(names))
    _check_range(rows, table)
    try:
        weights, labelled = arrange(rows, names)
        _mask(labelled, metadata.get("unlabelled", ()), names)
    except DataError as error:
        raise DataError(f"{path / 'metadata.json'}: {error}") from error
    if auto_detect_fps:
        fps = _detect_fps(times, metadata, table)
        times = _exact_times(times, fps)
    else:
        fps = _named_fps(metadata, table)
        times = uniform_times(len(times), fps)
    return Recording(stem.parent.name if path.is_dir() else stem.name, audio,
                     Capture(weights, times, labelled), fps, metadata)  # fmt: skip


def _mask(labelled: NDArray[np.bool_], unlabelled: Sequence[str], names: Sequence[str]) -> None:
    """Takes the labels of some names away; DataError for a name that stands for nothing."""
    for name in unlabelled:
        index = _index(name)
        if index is not None:
            labelled[index] = False
        elif name not in names:
            raise DataError(f"unlabelled names {name}, which is none of its blendshapes.")


def _index(name: str) -> int | None:
    """Place of a blendshape in any of its spellings: jawOpen, JawOpen, mouthSmile_L."""
    for short, long in (("_L", "Left"), ("_R", "Right")):
        if name.endswith(short):
            name = name[: -len(short)] + long
    name = name[:1].upper() + name[1:]
    return PASCAL_NAMES.index(name) if name in PASCAL_NAMES else None


def _check_range(rows: NDArray[np.float32], table: Path) -> None:
    outside = np.argwhere((rows < 0) | (rows > 1))
    if len(outside):
        frame, column = outside[0]
        text = table.read_text(encoding="utf-8").split("\n")
        line = [number for number, each in enumerate(text, 1) if each.strip()][frame]
        raise DataError(
            f"{table}, line {line}: blendshape {column} is {rows[frame, column]:g}, not in "
            f"[0, 1] ({len(outside)} such values)."
        )


def _audio_beside(stem: Path) -> Path | None:
    for suffix in AUDIO_SUFFIXES:
        candidate = stem.parent / (stem.name + suffix)
        if candidate.is_file():
            return candidate
    return None


def _detect_fps(times: NDArray[np.float64], metadata: Mapping[str, Any], table: Path) -> float:
    if len(times) < 2:
        return _named_fps(metadata, table)
    return shown_fps(times, metadata.get("source_fps"))


def shown_fps(times: NDArray[np.float64], named: float | None = None) -> float:
    """The rate that timestamps (T > 1,) show: the named one, or a common one, where that is near.

    A few frames may be missing.
    """
    shown = 1.0 / frame_interval(times)
    # Steps between timestamps of three decimals are off by up to 2 %.
    if named is not None and abs(named - shown) < 0.02 * shown:
        return float(named)
    common = min(COMMON_RATES, key=lambda rate: abs(rate - shown))
    return common if abs(common - shown) < 0.02 * common else shown


def _named_fps(metadata: Mapping[str, Any], table: Path) -> float:
    named = metadata.get("source_fps")
    if named is None:
        raise DataError(f"{table}: its metadata has no source_fps, and the timestamps show none.")
    return float(named)


def _exact_times(times: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Timestamps without their rounding, where they are those of an unbroken k / fps."""
    uniform = uniform_times(len(times), fps, start=0.0)
    return uniform if np.abs(times - uniform).max() < TIMESTAMP_ROUNDING else times
