"""Lips on a mesh: what blendshapes mean in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import DataError
from koemorph.outputs.gltf_read import Reader
from koemorph.outputs.rig import load, match_rig

FloatArray = NDArray[np.float32]
# A head is about this high; a mesh in other units is scaled to it.
HEAD_MILLIMETRES = 240.0
# Vertices that move at least this share of the most moved one are the ones a shape is about.
MOVED = 0.5


@dataclass(frozen=True)
class Lips:
    """The lips of a rig, linear in the blendshapes.

    deltas: (52, L, 3), millimetres that each blendshape moves each lip vertex.
    gap: (52,), millimetres that each blendshape opens the middle of the lips.
    """

    deltas: FloatArray
    gap: FloatArray

    def vertices(self, weights: FloatArray) -> FloatArray:
        """Displacements (T, L, 3), in mm, of blendshapes (T, 52)."""
        flat: FloatArray = weights @ self.deltas.reshape(len(BLENDSHAPES), -1)
        return flat.reshape(len(weights), -1, 3)

    def opening(self, weights: FloatArray) -> FloatArray:
        """Lip gap (T,) in mm: 0 where the lips touch."""
        opened: FloatArray = np.maximum(weights @ self.gap, 0.0)
        return opened


def read_lips(path: Path) -> Lips:
    """The lips of the mesh in a .glb whose targets are ARKit's; DataError when they are not."""
    gltf = load(path)
    match = max(match_rig(gltf, BLENDSHAPES, path), key=lambda each: len(each.targets))
    surface = Reader(gltf).surface(match.mesh, 0)
    deltas = np.zeros((len(BLENDSHAPES), *surface.positions.shape), np.float32)
    for target, column in enumerate(match.columns):
        if column is not None:
            deltas[column] = surface.deltas[target]
    height = float(np.ptp(surface.positions[:, 1]))
    deltas *= HEAD_MILLIMETRES / height
    lower = _moved(deltas, "mouthLowerDownLeft", "mouthLowerDownRight")
    upper = _moved(deltas, "mouthUpperUpLeft", "mouthUpperUpRight")
    if not lower.any() or not upper.any():
        raise DataError(f"{path} has no mouthLowerDown and mouthUpperUp: no lips are found.")
    lips = lower | upper
    rims = [
        _rim(surface.positions, upper, highest=False),
        _rim(surface.positions, lower, highest=True),
    ]
    gap = deltas[:, rims[0], 1].mean(axis=1) - deltas[:, rims[1], 1].mean(axis=1)
    return Lips(deltas[:, lips], gap)


def _moved(deltas: FloatArray, *names: str) -> NDArray[np.bool_]:
    """(V,): vertices that these blendshapes together move most."""
    distance = np.linalg.norm(deltas[[INDEX[name] for name in names]].sum(axis=0), axis=1)
    moved: NDArray[np.bool_] = distance > MOVED * distance.max()
    return moved if distance.max() > 0 else np.zeros_like(moved)


def _rim(positions: FloatArray, lip: NDArray[np.bool_], *, highest: bool) -> NDArray[np.int64]:
    """The vertices in the middle of a lip that are nearest to the other lip."""
    inside = np.flatnonzero(lip)
    across = positions[inside, 0]
    middle = inside[np.abs(across - np.median(across)) < 0.15 * max(float(np.ptp(across)), 1e-9)]
    order = np.argsort(positions[middle, 1])
    count = max(3, len(middle) // 10)
    chosen: NDArray[np.int64] = middle[order[-count:] if highest else order[:count]]
    return chosen
