"""Recordings on disk: a voice and its captured face, as v2.0 folders or v1.0 pairs.

A v2.0 recording is a folder with `audio.wav` (or .flac, .ogg), `blendshapes.jsonl`,
`metadata.json` and, optionally, `timecode.json`. A v1.0 recording is a pair NAME.wav + NAME.jsonl.
Both are read into a Recording; only v2.0 is written.
"""

from __future__ import annotations

import datetime
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from koemorph.audio import open_audio
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import AudioError, DataError, OutputError
from koemorph.outputs.atomic import atomic_open, atomic_path
from koemorph.outputs.jsonl import frame_line, read_table

from ..metadata import read_metadata
from .captures import (
    Capture,
    blendshape_index,
    estimate_fps,
    frame_times,
    resample_capture,
    to_arkit_order,
)

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")
# Timestamps are often written with four decimals: closer than this to frame / fps means equal.
TIMESTAMP_ROUNDING = 1e-3
# Distance from a captured frame within which a time counts as captured.
CAPTURED_WITHIN_FRAMES = 1.5


@dataclass(frozen=True)
class Recording:
    """A capture, the path of its audio, and the contents of its metadata.json."""

    name: str
    audio: Path
    capture: Capture
    fps: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The speaker; "" where the metadata does not name one."""
        return str(self.metadata.get("subject", ""))


def captured_at(recording: Recording, times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find the times at which a face was captured.

    False where tracking was lost for longer than CAPTURED_WITHIN_FRAMES, and where the audio begins
    before the face or ends after it.

    Args:
        recording: the recording.
        times: (n,) seconds.

    Returns:
        (n,) bool.
    """
    captured = recording.capture.times
    after = np.searchsorted(captured, times)
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(captured) - 1)
    distance = np.minimum(np.abs(times - captured[before]), np.abs(captured[after] - times))
    return distance < CAPTURED_WITHIN_FRAMES / recording.fps


def resample_recording(
    recording: Recording, fps: float | None = None, frames: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Resample the face of a recording to the times k / fps.

    Args:
        recording: the recording.
        fps: frames per second; None for those of the capture.
        frames: number of frames; None for the whole capture.

    Returns:
        weights (frames, 52), and (frames,) bool, True for frames that were captured.
    """
    fps = recording.fps if fps is None else fps
    if frames is None:
        frames = round((float(recording.capture.times[-1]) + 1 / recording.fps) * fps)
    weights = resample_capture(recording.capture, fps, frames)
    return weights, captured_at(recording, frame_times(frames, fps))


def read_audio(path: str | Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file as mono.

    Args:
        path: the file.

    Returns:
        samples (n,), the mean of the channels, and the sample rate in Hz.

    Raises:
        AudioError: the file cannot be read, or a sample is not finite (not_finite).
    """
    with open_audio(path) as reader:
        mono = np.concatenate([block.mean(axis=1) for block in reader.blocks])
    if not np.isfinite(mono).all():
        raise AudioError(f"{path}: a sample is not a finite number.", code="not_finite")
    return mono, reader.sample_rate


def write_audio(
    path: Path, samples: NDArray[np.floating[Any]], sample_rate: int, format: str = "WAV"
) -> None:
    """Write mono audio as 16-bit PCM, atomically.

    Args:
        path: the file.
        samples: (n,).
        sample_rate: in Hz.
        format: a container of libsndfile.

    Raises:
        OutputError: the file cannot be written.
    """
    # Encoded in memory, because libsndfile does not report a full disk.
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, sample_rate, subtype="PCM_16", format=format)
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
    captured: NDArray[np.bool_] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a v2.0 folder. metadata.json is written last: a folder that has it is complete.

    Args:
        folder: the folder, created if it does not exist.
        audio: (n,) mono samples, stored as 16-bit WAV.
        sample_rate: in Hz.
        weights: (T, 52), frame k at k / fps seconds.
        fps: frames per second.
        labelled: (52,) bool; blend shapes that are False are listed as unlabelled in the metadata
            and masked in training. None: all are labelled.
        captured: (T,) bool; frames that are False are left out. None: all were captured.
        metadata: further keys of metadata.json, such as source_format, license, subject, phones.

    Returns:
        The folder.

    Raises:
        DataError: weights have another shape (invalid_shape).
        OutputError: the folder or a file cannot be written.
    """
    folder = Path(folder)
    if weights.ndim != 2 or weights.shape[1] != len(BLENDSHAPES):
        raise DataError(
            f"{folder}: weights have shape {weights.shape}, expected (T, 52).", code="invalid_shape"
        )
    labelled = np.ones(len(BLENDSHAPES), np.bool_) if labelled is None else labelled
    kept = np.arange(len(weights)) if captured is None else np.flatnonzero(captured)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot create folder {folder}: {error.strerror or error}.",
            code="cannot_create_folder",
        ) from error
    write_audio(folder / "audio.wav", audio, sample_rate)
    with atomic_open(folder / "blendshapes.jsonl") as stream:
        times = frame_times(len(weights), fps)
        for frame in kept:
            row = np.clip(weights[frame], 0, 1)
            stream.write(frame_line(int(frame), float(times[frame]), row, round(fps)))
    now = datetime.datetime.now(datetime.timezone.utc)
    description = {
        "format_version": "2.0",
        "source_fps": fps,
        "duration_seconds": len(audio) / sample_rate,
        "num_frames": len(kept),
        "processing_date": now.isoformat(timespec="seconds"),
        "source_format": "unknown",
        "blendshape_names": list(BLENDSHAPES),
        "unlabelled": [name for name, has in zip(BLENDSHAPES, labelled, strict=True) if not has],
        **(metadata or {}),
    }
    with atomic_open(folder / "metadata.json") as stream:
        stream.write(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return folder


def find_recordings(root: str | Path) -> list[Path]:
    """Find the recordings under a folder.

    Args:
        root: the folder.

    Returns:
        v2.0 folders and the .jsonl files of v1.0 pairs, sorted.

    Raises:
        DataError: the folder does not exist (folder_not_found) or holds no recording
            (no_recordings).
    """
    root = Path(root)
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"data folder {root} {what}.", code="folder_not_found")
    found = []
    for folder, names in walk_folders(root):
        for path in (folder / name for name in names if name.endswith(".jsonl")):
            if path.name == "blendshapes.jsonl":
                found.append(folder)
            elif _find_audio(path.with_suffix("")) is not None:
                found.append(path)
    if not found:
        raise DataError(
            f"no recordings in {root}: expected folders with blendshapes.jsonl and audio.wav "
            "(v2.0) or pairs NAME.jsonl + NAME.wav (v1.0). Audio may also be .flac or .ogg.",
            code="no_recordings",
        )
    return sorted(found)


def walk_folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """List a folder and all folders below it, in any order.

    Symbolic links are followed, each real folder is visited once.

    Args:
        root: the folder.

    Yields:
        Each folder with the names of its files.
    """
    visited = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            subfolders.clear()
            continue
        visited.add(real)
        yield Path(folder), names


def read_recording(path: str | Path, *, auto_detect_fps: bool = True) -> Recording:
    """Read a recording.

    Args:
        path: a v2.0 folder, or the .jsonl file of a v1.0 pair.
        auto_detect_fps: take frame times from the timestamps. If False, frame k is at
            k / source_fps of the metadata and timestamps are ignored.

    Returns:
        The recording; its audio is not read yet.

    Raises:
        DataError: a file is missing or inconsistent; the message has the file and line.
    """
    path = Path(path)
    if path.is_dir():
        stem, table = path / "audio", path / "blendshapes.jsonl"
        metadata = read_metadata(path / "metadata.json")
    else:
        stem, table, metadata = path.with_suffix(""), path, {}
    audio = _find_audio(stem)
    if audio is None:
        raise DataError(
            f"audio file missing: {stem}.wav not found (also tried "
            f"{', '.join(AUDIO_SUFFIXES[1:])}).",
            code="audio_missing",
        )
    names = metadata.get("blendshape_names", BLENDSHAPES)
    times, rows = read_table(table, len(names))
    _check_range(rows, table)
    try:
        weights, labelled = to_arkit_order(rows, names)
        _mask(labelled, metadata.get("unlabelled", ()), names)
    except DataError as error:
        raise DataError(f"{path / 'metadata.json'}: {error}", code=error.code) from error
    if auto_detect_fps:
        fps = _detect_fps(times, metadata, table)
        times = _exact_times(times, fps)
    else:
        fps = _metadata_fps(metadata, table)
        times = frame_times(len(times), fps)
    name = stem.parent.name if path.is_dir() else stem.name
    return Recording(name, audio, Capture(weights, times, labelled), fps, metadata)


def _mask(labelled: NDArray[np.bool_], unlabelled: Sequence[str], names: Sequence[str]) -> None:
    """Clear the labels of some blend shapes."""
    for name in unlabelled:
        index = blendshape_index(name)
        if index is not None:
            labelled[index] = False
        elif name not in names:
            raise DataError(
                f"unlabelled: {name} is not in blendshape_names.", code="unknown_blendshapes"
            )


def _check_range(rows: NDArray[np.float32], table: Path) -> None:
    outside = np.argwhere((rows < 0) | (rows > 1))
    if len(outside):
        frame, column = outside[0]
        text = table.read_text(encoding="utf-8").split("\n")
        line = [number for number, each in enumerate(text, 1) if each.strip()][frame]
        raise DataError(
            f"{table}, line {line}: blendshape {column} is {rows[frame, column]:g}, expected a "
            f"value in [0, 1] ({len(outside)} values are outside).",
            code="out_of_range",
        )


def _find_audio(stem: Path) -> Path | None:
    for suffix in AUDIO_SUFFIXES:
        candidate = stem.parent / (stem.name + suffix)
        if candidate.is_file():
            return candidate
    return None


def _detect_fps(times: NDArray[np.float64], metadata: Mapping[str, Any], table: Path) -> float:
    if len(times) < 2:
        return _metadata_fps(metadata, table)
    return estimate_fps(times, metadata.get("source_fps"))


def _metadata_fps(metadata: Mapping[str, Any], table: Path) -> float:
    fps = metadata.get("source_fps")
    if fps is None:
        raise DataError(
            f"{table}: unknown frame rate: the timestamps do not show it and metadata.json has no "
            "source_fps.",
            code="unknown_fps",
        )
    return float(fps)


def _exact_times(times: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Remove the rounding of timestamps that are an unbroken k / fps."""
    uniform = frame_times(len(times), fps)
    return uniform if np.abs(times - uniform).max() < TIMESTAMP_ROUNDING else times
