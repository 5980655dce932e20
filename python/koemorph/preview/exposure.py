"""Exposure of a rig's vertices, to darken a mouth interior that has the skin's material."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_DIRECTIONS = 24
_HIDDEN, _EXPOSED = 0.03, 0.17
"""Exposures at which a vertex has the interior's colour and its own."""
_INTERIOR_TINT = np.array([0.30, 0.09, 0.10])
_MIN_SURFACE_EXPOSURE = 0.15
"""Median exposure below which a part is inside the head (teeth, eyes) and keeps its colours."""

Points = npt.NDArray[np.float64]


def _directions() -> Points:
    """Return evenly distributed unit vectors (Fibonacci sphere)."""
    k = np.arange(_DIRECTIONS) + 0.5
    height, angle = 1 - 2 * k / _DIRECTIONS, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], axis=1)


def exposure(positions: Points, triangles: npt.NDArray[np.integer]) -> Points:
    """Return per vertex the fraction of directions from which it is visible.

    Visibility is tested with depth buffers of surface samples, one per direction.

    Args:
        positions: (V, 3).
        triangles: (F, 3) vertex indices.

    Returns:
        (V,) in 0..1.
    """
    corners = positions[triangles]
    middles = (corners + np.roll(corners, 1, axis=1)) / 2
    surface = np.concatenate([positions, middles.reshape(-1, 3), corners.mean(axis=1)])
    low, high = positions.min(axis=0), positions.max(axis=0)
    center, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-9)
    size = int(np.clip(np.sqrt(len(surface) / 6), 8, 256))
    tolerance = 3 * 2 * radius / size
    visible = np.zeros(len(positions))
    for direction in _directions():
        helper = np.array([1.0, 0, 0]) if abs(direction[0]) < 0.7 else np.array([0, 1.0, 0])
        right = np.cross(helper, direction)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(direction, right), direction], axis=1)
        place = (surface - center) @ axes / radius
        cell = np.clip(((place[:, :2] + 1) / 2 * size).astype(np.intp), 0, size - 1)
        index = cell[:, 0] * size + cell[:, 1]
        nearest = np.full(size * size, -np.inf)
        np.maximum.at(nearest, index, place[:, 2])
        count = len(positions)
        visible += place[:count, 2] * radius > nearest[index[:count]] * radius - tolerance
    return visible / _DIRECTIONS


def darken_interior(
    colors: npt.NDArray[np.uint8], exposed: Points, triangles: npt.NDArray[np.integer]
) -> npt.NDArray[np.uint8]:
    """Return the colours of a part with its hidden vertices darkened.

    Args:
        colors: (V, 3) colours of the part.
        exposed: (V,) exposure of the part's vertices in the whole rig.
        triangles: (F, 3) vertex indices of the part.

    Returns:
        (V, 3) colours; unchanged for a part that is mostly hidden.
    """
    if not len(triangles) or np.median(exposed) < _MIN_SURFACE_EXPOSURE:
        return colors
    # Average over neighbouring vertices for a soft edge.
    total, count = np.zeros(len(exposed)), np.zeros(len(exposed))
    for column in triangles.T:
        np.add.at(total, column, exposed[triangles].mean(axis=1))
        np.add.at(count, column, 1)
    smooth = np.where(count > 0, total / np.maximum(count, 1), exposed)
    ratio = np.clip((smooth - _HIDDEN) / (_EXPOSED - _HIDDEN), 0, 1)[:, None]
    mixed: npt.NDArray[np.uint8] = np.round(colors * (ratio + (1 - ratio) * _INTERIOR_TINT)).astype(
        np.uint8
    )
    return mixed
