"""NumPy arrays: times, weights, names and fps in one compressed file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from koemorph.animation import Animation
from koemorph.errors import DataError
from koemorph.outputs import WriteOptions
from koemorph.outputs.atomic import atomic_path


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """Write `times` (T,) float64 s, `weights` (T, N) float32, `names` (N,) str, `fps` int.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            times=animation.times,
            weights=animation.weights,
            names=np.array(animation.names),
            fps=animation.fps,
        )


def read(path: Path) -> Animation:
    """Read the arrays that `write` writes.

    Raises:
        DataError: The file cannot be read (code "unreadable") or lacks an array ("bad_npz").
    """
    try:
        with np.load(path) as arrays:
            times, weights = arrays["times"].astype(float), arrays["weights"].astype(np.float32)
            names, fps = tuple(map(str, arrays["names"])), int(arrays["fps"])
    except OSError as error:
        raise DataError(
            f"Cannot read {path}: {error.strerror or error}.", code="unreadable"
        ) from error
    except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"Cannot read {path}: expected an .npz file with the arrays times, weights, names and "
            "fps.",
            code="bad_npz",
        ) from error
    return Animation(times, weights, names, fps)
