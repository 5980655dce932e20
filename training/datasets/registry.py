"""Corpora: readers that know how a source lays out its files, and make v2.0 recordings of it."""

from __future__ import annotations

import importlib
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError

from .recordings import arrange, read_audio, write_recording

# Name on the command line -> module with `clips(source: Path) -> Iterator[Clip]`.
SOURCES = {
    "grid": "koemorph.training.datasets.grid",
    "facegood": "koemorph.training.datasets.facegood",
}


@dataclass(frozen=True)
class Clip:
    """One recording as its source has it.

    weights: (T, N) with one of `names` a column; frame k is at k / fps seconds of the audio.
    unlabelled: names of columns that this source cannot tell, though it has them.
    split: train or dev.
    seen: (T,) bool, False for frames that were not captured; all were where it is None.
    """

    name: str
    split: str
    audio: Path
    weights: NDArray[np.float32]
    names: tuple[str, ...]
    fps: float
    unlabelled: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    seen: NDArray[np.bool_] | None = None


def clips(source_name: str, source: Path) -> Iterator[Clip]:
    """The clips of a known source; raises DataError when the folder is not laid out as expected."""
    if source_name not in SOURCES:
        raise DataError(f"unknown source {source_name}; known are {', '.join(sorted(SOURCES))}.")
    if not source.is_dir():
        raise DataError(f"the folder {source} does not exist.")
    found: Iterator[Clip] = importlib.import_module(SOURCES[source_name]).clips(source)
    return found


def read_face(
    path: Path, weights: str, names: str
) -> tuple[NDArray[np.float32], tuple[str, ...], float]:
    """A face out of an .npz: its tables `weights` (T, N) and `names` (N,), and `fps`.

    Raises DataError, with the file, for a broken one and for numbers that are no face over time.
    """
    try:
        with np.load(path) as stored:
            face = np.asarray(stored[weights], np.float32)
            known = tuple(map(str, stored[names]))
            fps = float(stored["fps"])
    except (BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError, zlib.error) as error:
        raise DataError(
            f"{path} does not hold {weights}, {names} and fps ({error}): copy it again."
        ) from error
    if not 0 < fps < math.inf:
        raise DataError(f"{path}: fps is {fps:g}, not a number above 0.")
    if not face.size or face.shape[1:] != (len(known),):
        raise DataError(f"{path}: {weights} has shape {face.shape}, not (T, {len(known)}).")
    broken = np.flatnonzero(~np.isfinite(face).all(axis=1))
    if len(broken):
        raise DataError(f"{path}, frame {broken[0]}: a value of {weights} is not finite.")
    return face, known, fps


def write_clip(clip: Clip, out: Path) -> Path:
    """Writes a clip as the v2.0 folder out/SPLIT/NAME."""
    audio, sample_rate = read_audio(clip.audio)
    weights, labelled = arrange(clip.weights, clip.names)
    labelled[[BLENDSHAPES.index(name) for name in clip.unlabelled]] = False
    return write_recording(
        out / clip.split / clip.name,
        audio,
        sample_rate,
        weights,
        clip.fps,
        labelled=labelled,
        seen=clip.seen,
        metadata=clip.metadata,
    )
