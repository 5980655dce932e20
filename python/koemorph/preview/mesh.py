"""A user's rig for the preview page: quantized vertices, sparse morph targets, materials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import OutputError
from koemorph.outputs import rig
from koemorph.outputs.gltf_file import GltfFile
from koemorph.outputs.gltf_read import Reader, Surface
from koemorph.preview.exposure import darken_interior, exposure
from koemorph.preview.material import Images, Material, embed_data_uris, read_material

_MIN_DELTA = 4e-4
"""Smallest morph delta that is kept, as a fraction of the head's height."""
_MIN_HEIGHT = 1e-4
"""Smallest height of the moving part, as a fraction of its width."""
_MAX_VERTICES = 400_000
_MOUTH_TARGETS = ("mouthPucker", "mouthFunnel", "mouthClose", "jawOpen")
_VIEW_ORDER = ("OPAQUE", "MASK", "BLEND")

Matrix = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]


@dataclass
class _Part:
    """One primitive in world space."""

    positions: Points
    triangles: npt.NDArray[np.uint32]
    colors: npt.NDArray[np.uint8]
    uv: npt.NDArray[np.float32]
    welded: npt.NDArray[np.uint32]
    material: Material
    morphs: dict[str, Points]


def _local_matrix(node: dict[str, Any]) -> Matrix:
    if "matrix" in node:
        matrix: Matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
        return matrix
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.asarray(node.get("scale", (1, 1, 1)))
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _mesh_nodes(gltf: GltfFile) -> list[tuple[int, Matrix]]:
    """Return the mesh index and world matrix of every node with a mesh."""
    nodes = gltf.json.get("nodes", [])
    children = {child for node in nodes for child in node.get("children", [])}
    pending = [(index, np.eye(4)) for index in range(len(nodes)) if index not in children]
    found: list[tuple[int, Matrix]] = []
    seen: set[int] = set()
    while pending:
        index, parent = pending.pop()
        if index in seen:
            continue  # a malformed file may have cyclic nodes
        seen.add(index)
        node = gltf.json["nodes"][index]
        world = parent @ _local_matrix(node)
        if "mesh" in node:
            # The transform of a skinned mesh's node is ignored; at rest the skin is the identity.
            found.append((node["mesh"], np.eye(4) if "skin" in node else world))
        pending += [(child, world) for child in node.get("children", [])]
    return found


def _weld(surface: Surface) -> npt.NDArray[np.uint32]:
    """Return per vertex the first vertex with the same position and normal.

    Exporters split vertices at UV seams; smooth normals need them joined.
    """
    keys = [surface.positions]
    if surface.normals is not None:
        keys.append(np.round(surface.normals, 1) + 0.0)  # + 0.0 turns -0.0 into 0.0
    table = np.concatenate(keys, axis=1)
    _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.uint32)


def _part(surface: Surface, material: Material, world: Matrix, morphs: dict[str, Points]) -> _Part:
    count = len(surface.positions)
    colors = np.ones((count, 3)) if surface.colors is None else surface.colors
    colors = np.clip(colors * np.array(material.color[:3]), 0, 1)
    uv = surface.texture_coordinates.get(material.texture_coordinates)
    uv = np.zeros((count, 2), np.float32) if uv is None else uv
    return _Part(
        surface.positions @ world[:3, :3].T + world[:3, 3],
        surface.indices if np.linalg.det(world[:3, :3]) >= 0 else surface.indices[:, ::-1],
        np.round(colors * 255).astype(np.uint8),
        (uv * material.scale + material.offset).astype(np.float32),
        _weld(surface),
        material,
        morphs,
    )


def _parts(gltf: GltfFile, path: Path, names: tuple[str, ...]) -> list[_Part]:
    matches = {match.mesh: match for match in rig.match_rig(gltf, names, path)}
    reader = Reader(gltf)
    parts = []
    for mesh, world in _mesh_nodes(gltf):
        for primitive in range(len(gltf.json["meshes"][mesh]["primitives"])):
            surface = reader.surface(mesh, primitive)
            match = matches.get(mesh)
            morphs: dict[str, Points] = {}
            for terms, delta in zip(match.terms if match else (), surface.deltas, strict=False):
                for term in terms:
                    moved = term.gain * (delta @ world[:3, :3].T)
                    morphs[names[term.column]] = morphs.get(names[term.column], 0) + moved
            material = read_material(gltf, surface.material)
            parts.append(_part(surface, material, world, morphs))
    return sorted(parts, key=lambda part: _VIEW_ORDER.index(part.material.alpha_mode))


def _head_box(parts: list[_Part]) -> tuple[Points, float]:
    """Return centre and half height of the vertices that morph targets move, i.e. the head."""
    moving = [np.zeros((0, 3))]
    for part in parts:
        moves = np.zeros(len(part.positions), bool)
        for delta in part.morphs.values():
            moves |= np.abs(delta).max(axis=1) > 0
        moving.append(part.positions[moves])
    points = np.concatenate(moving)
    if not len(points):
        raise OutputError(
            "Cannot show the rig: its morph targets move no vertex. Export them with their shapes.",
            code="rig_flat",
        )
    low, high = points.min(axis=0), points.max(axis=0)
    center = (low + high) / 2
    half = (high[1] - low[1]) / 2
    if not half > _MIN_HEIGHT * float((high - low).max()):
        raise OutputError(
            "Cannot show the rig: its moving part has no height. Export it upright, +Y up.",
            code="rig_flat",
        )
    # The moving part ends at the brows; the head extends above it.
    center[1] += 0.12 * half
    return center, float(half * 1.3)


def _mouth_center(parts: list[_Part], names: Sequence[str]) -> Points | None:
    """Return the centre of the vertices that the mouth's targets move most, None without any."""
    for name in (*_MOUTH_TARGETS, *(name for name in names if name not in BLENDSHAPES)):
        moved = [
            (part.positions, np.linalg.norm(part.morphs[name], axis=1))
            for part in parts
            if name in part.morphs
        ]
        most = max((float(distance.max(initial=0)) for _, distance in moved), default=0.0)
        if most > 0:
            points = np.concatenate([place[length > 0.5 * most] for place, length in moved])
            center: Points = (points.min(axis=0) + points.max(axis=0)) / 2
            return center
    return None


def _faces_backwards(gltf: GltfFile) -> bool:
    """Whether the model faces -Z, as VRM 0.x does; glTF and VRM 1.0 face +Z."""
    return "VRM" in gltf.json.get("extensions", {})


def pack(path: Path, names: tuple[str, ...] = BLENDSHAPES) -> tuple[dict[str, Any], bytes]:
    """Convert a rig to what page/rig.js reads.

    Args:
        path: The .glb, .gltf or .vrm.
        names: The animation's names; the rig's matching morph targets are included.

    Returns:
        A JSON object and the arrays it describes: positions u16 (V, 3), colours u8 (V, 3), UV f32
        (V, 2), weld indices u32 (V,), triangles u32 (F, 3), then per target vertex indices u32
        (N,) and deltas i16 (N, 3).

    Raises:
        OutputError: The rig cannot be read, matches no name, has too many vertices (code
            "rig_too_large") or no height ("rig_flat").
    """
    gltf = rig.load(path)
    with rig.rig_errors(path):
        gltf.embed_images()
        embed_data_uris(gltf)
        parts = _parts(gltf, path, names)
        center, half = _head_box(parts)
        images = Images(gltf)
        groups = [_group(part, images) for part in parts]
        pictures = images.encode()
    count = sum(len(part.positions) for part in parts)
    if count > _MAX_VERTICES:
        raise OutputError(
            f"Cannot show the rig {path}: it has {count} vertices, at most {_MAX_VERTICES} are "
            "supported. Export the head alone.",
            code="rig_too_large",
        )
    starts = np.cumsum([0] + [len(part.positions) for part in parts])
    normalized = (np.concatenate([part.positions for part in parts]) - center) / half
    _darken_interiors(parts, starts, normalized)
    extent = float(np.abs(normalized).max())
    mouth = _mouth_center(parts, names)
    targets, chunks = _targets(parts, starts, names, half)
    info = {
        "vertices": count,
        "triangles": sum(len(part.triangles) for part in parts),
        "extent": extent,
        "targets": targets,
        "groups": groups,
        "images": pictures,
        "backwards": _faces_backwards(gltf),
        "mouth": None if mouth is None else ((mouth - center) / half).round(4).tolist(),
    }
    return info, b"".join([*_vertex_chunks(parts, starts, normalized / extent), *chunks])


def _darken_interiors(parts: list[_Part], starts: npt.NDArray[np.int64], places: Points) -> None:
    """Darken what is hidden at rest, such as the inside of the mouth."""
    shifted = [part.triangles + start for part, start in zip(parts, starts, strict=False)]
    exposed = exposure(places, np.concatenate(shifted))
    for part, start in zip(parts, starts, strict=False):
        own = exposed[start : start + len(part.positions)]
        part.colors = darken_interior(part.colors, own, part.triangles)


def _group(part: _Part, images: Images) -> dict[str, Any]:
    """Describe the draw call of a part."""
    return {
        "triangles": len(part.triangles),
        "image": images.index(part.material.image),
        "opacity": part.material.color[3] if part.material.alpha_mode == "BLEND" else 1,
        "cutoff": part.material.alpha_cutoff if part.material.alpha_mode == "MASK" else 0,
        "blend": part.material.alpha_mode == "BLEND",
    }


def _vertex_chunks(
    parts: list[_Part], starts: npt.NDArray[np.int64], positions: Points
) -> list[bytes]:
    shifted = list(zip(parts, starts, strict=False))
    return [
        np.round((positions + 1) * 32767.5).astype("<u2").tobytes(),
        np.concatenate([part.colors for part in parts]).tobytes(),
        np.concatenate([part.uv for part in parts]).astype("<f4").tobytes(),
        np.concatenate([part.welded + start for part, start in shifted]).astype("<u4").tobytes(),
        np.concatenate([part.triangles + start for part, start in shifted]).astype("<u4").tobytes(),
    ]


def _targets(
    parts: list[_Part], starts: npt.NDArray[np.int64], names: Sequence[str], half: float
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Return the description and arrays of every target that moves a vertex."""
    targets, chunks = [], []
    for name in names:
        rows, deltas = _sparse(parts, starts, name, half)
        if len(rows):
            scale = float(np.abs(deltas).max())
            chunks.append(rows.astype("<u4").tobytes())
            chunks.append(np.round(deltas / scale * 32767).astype("<i2").tobytes())
            targets.append({"name": name, "count": len(rows), "scale": scale})
    return targets, chunks


def _sparse(
    parts: list[_Part], starts: npt.NDArray[np.int64], name: str, half: float
) -> tuple[npt.NDArray[np.int64], Points]:
    """Return the vertices that a target moves, and their deltas relative to the head's size."""
    rows, deltas = [np.zeros(0, np.int64)], [np.zeros((0, 3))]
    for part, start in zip(parts, starts, strict=False):
        if name in part.morphs:
            delta = part.morphs[name] / half
            moving = np.flatnonzero(np.abs(delta).max(axis=1) > _MIN_DELTA)
            rows.append(moving + start)
            deltas.append(delta[moving])
    return np.concatenate(rows), np.concatenate(deltas)
