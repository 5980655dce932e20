"""NumPy arrays: times, weights, names and fps in one compressed file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from koemorph.animation import Animation
from koemorph.outputs import WriteOptions
from koemorph.outputs.atomic import atomic_path


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """`times` (T,) float64, `weights` (T, N) float32, `names` (N,) text, `fps` int."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            times=animation.times,
            weights=animation.weights,
            names=np.array(animation.names),
            fps=animation.fps,
        )
