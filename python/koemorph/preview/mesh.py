"""A user's rig, made small enough for a page: quantised vertices and sparse morphs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import OutputError
from koemorph.outputs import rig
from koemorph.outputs.gltf_file import GltfFile
from koemorph.outputs.gltf_read import Reader

_LEAST_MOVE = 4e-4
"""Of the head's height: what moves less is left out."""
_LEAST_HEIGHT = 1e-4
"""Of its width: what is lower has no height to be shown by."""
_MAX_VERTICES = 400_000

Matrix = npt.NDArray[np.float64]


@dataclass
class _Part:
    positions: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.uint32]
    color: npt.NDArray[np.uint8]
    morphs: dict[str, npt.NDArray[np.float64]]


def _local(node: dict[str, Any]) -> Matrix:
    if "matrix" in node:
        given: Matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
        return given
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.asarray(node.get("scale", (1, 1, 1)))
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _placements(gltf: GltfFile) -> list[tuple[int, Matrix]]:
    """Mesh and world matrix of every node that shows a mesh."""
    nodes = gltf.json.get("nodes", [])
    children = {child for node in nodes for child in node.get("children", [])}
    waiting = [(index, np.eye(4)) for index in range(len(nodes)) if index not in children]
    found: list[tuple[int, Matrix]] = []
    seen: set[int] = set()
    while waiting:
        index, parent = waiting.pop()
        if index in seen:
            continue  # a broken file may have nodes that are their own ancestors
        seen.add(index)
        node = gltf.json["nodes"][index]
        world = parent @ _local(node)
        if "mesh" in node:
            # A skinned mesh stands where its skin puts it: at rest, the origin.
            found.append((node["mesh"], np.eye(4) if "skin" in node else world))
        waiting += [(child, world) for child in node.get("children", [])]
    return found


def _parts(gltf: GltfFile, path: Path) -> list[_Part]:
    matches = {match.mesh: match for match in rig.match_rig(gltf, BLENDSHAPES, path)}
    reader = Reader(gltf)
    parts = []
    for mesh, world in _placements(gltf):
        for primitive in range(len(gltf.json["meshes"][mesh]["primitives"])):
            surface = reader.surface(mesh, primitive)
            match = matches.get(mesh)
            columns = match.columns if match else ()
            morphs = {
                BLENDSHAPES[column]: delta @ world[:3, :3].T
                for column, delta in zip(columns, surface.deltas, strict=False)
                if column is not None
            }
            color = (np.clip(surface.color, 0, 1) * 255).astype(np.uint8)
            positions = surface.positions @ world[:3, :3].T + world[:3, 3]
            parts.append(_Part(positions, surface.indices, color, morphs))
    return parts


def _head_box(parts: list[_Part]) -> tuple[npt.NDArray[np.float64], float]:
    """Centre and half height of what moves: the head, whatever body hangs below it."""
    moving = [np.zeros((0, 3))]
    for part in parts:
        moves = np.zeros(len(part.positions), bool)
        for delta in part.morphs.values():
            moves |= np.abs(delta).max(axis=1) > 0
        moving.append(part.positions[moves])
    points = np.concatenate(moving)
    if not len(points):
        raise OutputError("The rig's morph targets move nothing; export them with their shapes.")
    low, high = points.min(axis=0), points.max(axis=0)
    center = (low + high) / 2
    half = (high[1] - low[1]) / 2
    if not half > _LEAST_HEIGHT * float((high - low).max()):
        raise OutputError("What the rig's morph targets move has no height; export it upright.")
    # The moving part ends at the brows; a head goes on above it.
    center[1] += 0.12 * half
    return center, float(half * 1.3)


def pack(path: Path) -> tuple[dict[str, Any], bytes]:
    """What page/rig.js reads: a description, and the numbers one after the other."""
    gltf = rig.load(path)
    with rig.rig_errors(path):
        parts = _parts(gltf, path)
        center, half = _head_box(parts)
    positions = np.concatenate([part.positions for part in parts])
    if len(positions) > _MAX_VERTICES:
        raise OutputError(
            f"{path} has {len(positions)} vertices; a page shows at most {_MAX_VERTICES}. "
            "Export the head alone."
        )
    normal = (positions - center) / half
    extent = float(np.abs(normal).max())
    starts = np.cumsum([0] + [len(part.positions) for part in parts])
    colors = np.concatenate([np.tile(part.color, (len(part.positions), 1)) for part in parts])
    triangles = [part.triangles + start for part, start in zip(parts, starts, strict=False)]
    chunks = [
        np.round((normal / extent + 1) * 32767.5).astype("<u2").tobytes(),
        colors.tobytes(),
        np.concatenate(triangles).astype("<u4").tobytes(),
    ]
    targets = []
    for name in BLENDSHAPES:
        rows, deltas = _sparse(parts, starts, name, half)
        if not len(rows):
            continue
        scale = float(np.abs(deltas).max())
        chunks += [rows.astype("<u4").tobytes()]
        chunks += [np.round(deltas / scale * 32767).astype("<i2").tobytes()]
        targets.append({"names": [name], "count": len(rows), "scale": scale})
    info = {
        "vertices": len(positions),
        "triangles": sum(len(part.triangles) for part in parts),
        "extent": extent,
        "targets": targets,
    }
    return info, b"".join(chunks)


def _sparse(
    parts: list[_Part], starts: npt.NDArray[np.int64], name: str, half: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    rows, deltas = [np.zeros(0, np.int64)], [np.zeros((0, 3))]
    for part, start in zip(parts, starts, strict=False):
        if name in part.morphs:
            delta = part.morphs[name] / half
            moving = np.flatnonzero(np.abs(delta).max(axis=1) > _LEAST_MOVE)
            rows.append(moving + start)
            deltas.append(delta[moving])
    return np.concatenate(rows), np.concatenate(deltas)
