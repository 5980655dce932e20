"""FACEGOOD Audio2Face data: one Mandarin voice with an artist-solved rig, 30 fps, mouth only.

Layout: 1114_2_0N.flac and .npz with `arkit52` (T, 52), `arkit_names`, `fps`. MIT;
https://github.com/FACEGOOD/FACEGOOD-Audio2Face.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from koemorph.coefficients import COEFFICIENTS
from koemorph.errors import DataError

from . import Clip, read_face

DEV = "1114_2_04"
# What the map of the rig to ARKit moves; the rest of the face was not animated.
LABELLED = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthSmileRight",
    "mouthRollLower", "mouthRollUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
)  # fmt: skip


def clips(source: Path) -> Iterator[Clip]:
    """The four recordings; 2_01 to 2_03 are train, 2_04 is dev."""
    tables = sorted(source.glob("1114_2_*.npz"))
    if not tables:
        raise DataError(f"{source} is not FACEGOOD's data: it has no 1114_2_*.npz.")
    for path in tables:
        weights, names, fps = read_face(path, "arkit52", "arkit_names")
        yield Clip(
            name=path.stem,
            split="dev" if path.stem == DEV else "train",
            audio=path.with_suffix(".flac"),
            weights=weights,
            names=names,
            fps=fps,
            unlabelled=tuple(name for name in COEFFICIENTS if name not in LABELLED),
            metadata={
                "source_format": "artist-solved rig, mapped to ARKit",
                "source": "FACEGOOD Audio2Face",
                "license": "MIT",
                "subject": "facegood",
                "language": "zh",
            },
        )
