"""Published data sets that `koemorph dataset convert` reads, and their clips."""

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

from .captures import to_arkit_order
from .recordings import read_audio, write_recording

# Name on the command line -> module with `read_clips(source: Path) -> Iterator[CapturedClip]`.
DATASETS = {
    "grid": "koemorph.training.datasets.grid",
    "facegood": "koemorph.training.datasets.facegood",
}


@dataclass(frozen=True)
class CapturedClip:
    """A clip of a published data set.

    Attributes:
        name: its name in the data set.
        split: train or dev.
        audio: path of its audio.
        weights: (T, N), frame k at k / fps seconds of the audio.
        names: the N column names.
        fps: frames per second.
        unlabelled: columns whose values are not usable.
        metadata: for metadata.json.
        captured: (T,) bool, False for frames without a face; None: all have one.
    """

    name: str
    split: str
    audio: Path
    weights: NDArray[np.float32]
    names: tuple[str, ...]
    fps: float
    unlabelled: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    captured: NDArray[np.bool_] | None = None

    def arkit_weights(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Arrange the face in the order of BLENDSHAPES.

        Returns:
            weights (T, 52), and labelled (52,), False for what is missing or not usable.
        """
        weights, labelled = to_arkit_order(self.weights, self.names)
        labelled[[BLENDSHAPES.index(name) for name in self.unlabelled]] = False
        return weights, labelled


def read_dataset(name: str, source: Path) -> Iterator[CapturedClip]:
    """Read the clips of a published data set.

    Args:
        name: one of DATASETS.
        source: its folder.

    Returns:
        The clips, read one by one.

    Raises:
        DataError: the name is unknown (unknown_dataset), the folder does not exist
            (folder_not_found) or has another layout.
    """
    if name not in DATASETS:
        raise DataError(
            f"unknown data set {name}: expected one of {', '.join(sorted(DATASETS))}.",
            code="unknown_dataset",
        )
    if not source.is_dir():
        raise DataError(f"folder {source} does not exist.", code="folder_not_found")
    clips: Iterator[CapturedClip] = importlib.import_module(DATASETS[name]).read_clips(source)
    return clips


def read_npz_face(
    path: Path, weights: str, names: str
) -> tuple[NDArray[np.float32], tuple[str, ...], float]:
    """Read a face from an .npz file.

    Args:
        path: the file.
        weights: name of its array of weights, (T, N).
        names: name of its array of column names, (N,).

    Returns:
        weights (T, N), the column names, and its `fps`.

    Raises:
        DataError: the file is broken or lacks an array (invalid_table), fps is not above 0
            (invalid_fps), shapes do not match (invalid_shape), or a value is not finite
            (not_finite).
    """
    try:
        with np.load(path) as stored:
            face = np.asarray(stored[weights], np.float32)
            columns = tuple(map(str, stored[names]))
            fps = float(stored["fps"])
    except (BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError, zlib.error) as error:
        raise DataError(
            f"{path}: expected {weights}, {names} and fps ({error}). Copy the file again.",
            code="invalid_table",
        ) from error
    if not 0 < fps < math.inf:
        raise DataError(f"{path}: fps is {fps:g}, expected a number above 0.", code="invalid_fps")
    if not face.size or face.shape[1:] != (len(columns),):
        raise DataError(
            f"{path}: {weights} has shape {face.shape}, expected (T, {len(columns)}).",
            code="invalid_shape",
        )
    broken = np.flatnonzero(~np.isfinite(face).all(axis=1))
    if len(broken):
        raise DataError(
            f"{path}, frame {broken[0]}: a value of {weights} is not a finite number.",
            code="not_finite",
        )
    return face, columns, fps


def write_clip(clip: CapturedClip, out: Path) -> Path:
    """Write a clip as the v2.0 folder out/SPLIT/NAME.

    Args:
        clip: the clip.
        out: the data folder.

    Returns:
        The folder of the recording.

    Raises:
        AudioError: its audio cannot be read.
        OutputError: the folder cannot be written.
    """
    audio, sample_rate = read_audio(clip.audio)
    weights, labelled = clip.arkit_weights()
    return write_recording(
        out / clip.split / clip.name,
        audio,
        sample_rate,
        weights,
        clip.fps,
        labelled=labelled,
        captured=clip.captured,
        metadata=clip.metadata,
    )
