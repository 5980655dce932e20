"""GRID audio-visual sentence corpus, talker s1, with coefficients by MediaPipe Face Landmarker.

Layout: audio/NAME.flac (16 kHz), coef/NAME.npz with `coef` (T, 52), `names`, `fps` (25). The corpus
is CC BY 4.0 (Cooke, Barker, Cunningham, Shao 2006; https://doi.org/10.5281/zenodo.3625687).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from koemorph.errors import DataError

from . import Clip, read_face

TRAIN_CLIPS = 800
# Nearly flat in MediaPipe's output for this talker: no label rather than a wrong one.
UNLABELLED = (
    "mouthFunnel", "mouthShrugLower", "mouthShrugUpper", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "cheekPuff", "tongueOut",
)  # fmt: skip


def clips(source: Path) -> Iterator[Clip]:
    """Every clip, sorted by name: the first 800 are train, the rest dev."""
    tables = sorted((source / "coef").glob("*.npz"))
    if not tables:
        raise DataError(f"{source} is not GRID: it has no coef/*.npz.")
    for number, path in enumerate(tables):
        weights, names, fps = read_face(path, "coef", "names")
        yield Clip(
            name=path.stem,
            split="train" if number < TRAIN_CLIPS else "dev",
            audio=source / "audio" / f"{path.stem}.flac",
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
        )
