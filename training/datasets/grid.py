"""GRID audio-visual sentence corpus, talker s1, with blendshapes by MediaPipe Face Landmarker.

Layout: audio/NAME.flac and coef/NAME.npz with `coef` (T, 52), `names`, `fps` (25); or, of a film,
coef/NAME as `koemorph dataset from-video NAME.mpg coef/NAME` makes it. The corpus is CC BY 4.0
(Cooke, Barker, Cunningham, Shao 2006; https://doi.org/10.5281/zenodo.3625687).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError

from .recordings import evenly, read_recording
from .registry import Clip, read_face

TRAIN_CLIPS = 800
# Nearly flat in MediaPipe's output for this talker: no label rather than a wrong one.
UNLABELLED = (
    "mouthFunnel", "mouthShrugLower", "mouthShrugUpper", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "cheekPuff", "tongueOut",
)  # fmt: skip

# Its sound, weights (T, N), names (N,), frames a second, and which frames (T,) were seen.
_Face = tuple[Path, NDArray[np.float32], tuple[str, ...], float, NDArray[np.bool_] | None]


def clips(source: Path) -> Iterator[Clip]:
    """Every clip, sorted by name: the first 800 are train, the rest dev."""
    found = (source / "coef").glob("*")
    faces = [path for path in found if path.suffix == ".npz" or path.is_dir()]
    if not faces:
        raise DataError(f"{source} is not GRID: it has no coef/*.npz.")
    for number, path in enumerate(sorted(faces, key=lambda path: path.stem)):
        audio, weights, names, fps, seen = _from_film(path) if path.is_dir() else _from_table(path)
        yield Clip(
            name=path.stem,
            split="train" if number < TRAIN_CLIPS else "dev",
            audio=audio,
            weights=weights,
            names=names,
            fps=fps,
            unlabelled=UNLABELLED,
            metadata={
                "source_format": "MediaPipe Face Landmarker",
                "source": "GRID audio-visual sentence corpus, talker s1",
                "license": "CC-BY-4.0",
                "subject": "grid_s1",
                "language": "en",
            },
            seen=seen,
        )


def _from_table(path: Path) -> _Face:
    audio = path.parent.parent / "audio" / f"{path.stem}.flac"
    return audio, *read_face(path, "coef", "names"), None


def _from_film(path: Path) -> _Face:
    recording = read_recording(path)
    face, seen = evenly(recording)
    return recording.audio, face, BLENDSHAPES, recording.fps, seen
