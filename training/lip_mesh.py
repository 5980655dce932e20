"""Lip geometry of a face mesh: displacements in millimetres by blend shape weights."""

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
HEAD_HEIGHT = 240.0  # mm, to which meshes of any unit are scaled
# Vertices of a lip are those that its blend shapes move by at least this ratio of the maximum.
MOVED_RATIO = 0.5


@dataclass(frozen=True)
class LipMesh:
    """The lips of a rig, linear in the weights.

    Attributes:
        deltas: (52, L, 3), displacement of each lip vertex in mm at weight 1.
        gap: (52,), opening of the middle of the lips in mm at weight 1.
    """

    deltas: FloatArray
    gap: FloatArray

    def displacements(self, weights: FloatArray) -> FloatArray:
        """Compute displacements of lip vertices.

        Args:
            weights: (T, 52).

        Returns:
            (T, L, 3) in mm.
        """
        flat: FloatArray = weights @ self.deltas.reshape(len(BLENDSHAPES), -1)
        return flat.reshape(len(weights), -1, 3)

    def opening(self, weights: FloatArray) -> FloatArray:
        """Compute the lip gap.

        Args:
            weights: (T, 52).

        Returns:
            (T,) in mm; 0 where the lips touch.
        """
        opened: FloatArray = np.maximum(weights @ self.gap, 0.0)
        return opened


def read_lips(path: Path) -> LipMesh:
    """Read the lips of a mesh with ARKit's morph targets.

    Args:
        path: a .glb file.

    Returns:
        The lips.

    Raises:
        DataError: the mesh has other morph targets, or none for the lips (no_lips).
    """
    gltf = load(path)
    match = max(match_rig(gltf, BLENDSHAPES, path), key=lambda each: len(each.targets))
    surface = Reader(gltf).surface(match.mesh, 0)
    deltas = np.zeros((len(BLENDSHAPES), *surface.positions.shape), np.float32)
    for target, terms in enumerate(match.terms):
        for term in terms:
            deltas[term.column] += term.gain * surface.deltas[target]
    height = float(np.ptp(surface.positions[:, 1]))
    deltas *= HEAD_HEIGHT / height
    lower = _moved(deltas, "mouthLowerDownLeft", "mouthLowerDownRight")
    upper = _moved(deltas, "mouthUpperUpLeft", "mouthUpperUpRight")
    if not lower.any() or not upper.any():
        raise DataError(
            f"{path}: no lips: mouthLowerDown and mouthUpperUp are missing or do not move.",
            code="no_lips",
        )
    lips = lower | upper
    rims = [
        _rim(surface.positions, upper, highest=False),
        _rim(surface.positions, lower, highest=True),
    ]
    gap = deltas[:, rims[0], 1].mean(axis=1) - deltas[:, rims[1], 1].mean(axis=1)
    return LipMesh(deltas[:, lips], gap)


def _moved(deltas: FloatArray, *names: str) -> NDArray[np.bool_]:
    """(V,): vertices that these blend shapes move most."""
    distance = np.linalg.norm(deltas[[INDEX[name] for name in names]].sum(axis=0), axis=1)
    moved: NDArray[np.bool_] = distance > MOVED_RATIO * distance.max()
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
