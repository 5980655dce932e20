"""Accessors, meshes and morph targets of a glTF file as NumPy arrays.

Source: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#accessors
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from koemorph.errors import OutputError
from koemorph.outputs.gltf_file import GltfFile

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_TRIANGLES = 4
_DRACO = "KHR_draco_mesh_compression"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Surface:
    """The triangles of one primitive.

    Attributes:
        positions: Vertex positions (V, 3).
        indices: Vertex indices of the triangles (F, 3).
        deltas: Position offsets (V, 3), one array per morph target.
        normals: Vertex normals (V, 3), or None.
        texture_coordinates: UV sets by TEXCOORD index, each (V, 2).
        colors: Vertex colours (V, 3), linear 0..1, or None.
        material: The material's index, or None.
    """

    positions: npt.NDArray[np.float32]
    indices: npt.NDArray[np.uint32]
    deltas: list[npt.NDArray[np.float32]]
    normals: npt.NDArray[np.float32] | None
    texture_coordinates: dict[int, npt.NDArray[np.float32]]
    colors: npt.NDArray[np.float32] | None
    material: int | None


class Reader:
    """Reads the arrays of one loaded file."""

    def __init__(self, gltf: GltfFile) -> None:
        self._gltf = gltf
        self._blob = bytes(gltf.blob)

    def _view(self, at: dict[str, Any], kind: int, count: int, width: int) -> Array:
        """Return the values (count, width) that `at`, an accessor or a part of one, refers to."""
        of = self._gltf.json["bufferViews"][at["bufferView"]]
        dtype = np.dtype(_COMPONENTS[kind])
        start = of["byteOffset"] + at.get("byteOffset", 0)
        stride = of.get("byteStride") or dtype.itemsize * width
        end = start + stride * (count - 1) + dtype.itemsize * width
        if count < 0 or end > len(self._blob):
            raise OutputError(
                f"Cannot read the rig: an accessor ends at byte {end} of {len(self._blob)}. "
                "Export it as .glb again.",
                code="rig_broken",
            )
        shape, strides = (count, width), (stride, dtype.itemsize)
        view_of: Array = np.ndarray(shape, dtype, self._blob, start, strides)
        return view_of

    def accessor(self, index: int) -> Array:
        """Return an accessor's values.

        Args:
            index: The accessor's index.

        Returns:
            A new array (count, width); normalized integers become floats.

        Raises:
            OutputError: The data ends too early (code "rig_broken").
        """
        of = self._gltf.json["accessors"][index]
        kind, count, width = of["componentType"], of["count"], _WIDTHS[of["type"]]
        values: Array
        if "bufferView" in of:
            values = self._view(of, kind, count, width).copy()
        else:
            values = np.zeros((count, width), _COMPONENTS[kind])
        if "sparse" in of:
            at, new, changed = (of["sparse"][key] for key in ("indices", "values", "count"))
            rows = self._view(at, at["componentType"], changed, 1)
            values[rows[:, 0]] = self._view(new, kind, changed, width)
        if of.get("normalized"):
            values = values.astype(np.float32) / np.iinfo(values.dtype).max
        return values

    def _positions(self, attributes: dict[str, int]) -> npt.NDArray[np.float32]:
        return self.accessor(attributes["POSITION"]).astype(np.float32)

    def surface(self, mesh: int, primitive: int) -> Surface:
        """Return one primitive of a mesh as triangles.

        Args:
            mesh: The mesh's index.
            primitive: The primitive's index in the mesh.

        Raises:
            OutputError: The primitive is not made of triangles (code "rig_not_triangles"), uses
                Draco ("rig_compressed") or is malformed ("rig_broken").
        """
        of = self._gltf.json["meshes"][mesh]["primitives"][primitive]
        if of.get("mode", _TRIANGLES) != _TRIANGLES:
            raise OutputError(
                f"Cannot read the rig: primitive mode {of['mode']}, expected triangles (4). "
                "Triangulate the mesh on export.",
                code="rig_not_triangles",
            )
        plain = self._gltf.json["accessors"][of["attributes"]["POSITION"]]
        if _DRACO in of.get("extensions", {}) and "bufferView" not in plain:
            raise OutputError(
                "Cannot read the rig: its mesh uses Draco compression, which is not supported. "
                "Export it without compression.",
                code="rig_compressed",
            )
        positions = self._positions(of["attributes"])
        if "indices" in of:
            indices = self.accessor(of["indices"])[:, 0].astype(np.uint32)
        else:
            indices = np.arange(len(positions), dtype=np.uint32)
        if indices.size and indices.max() >= len(positions):
            raise OutputError(
                f"Cannot read the rig: a triangle refers to vertex {indices.max()} of "
                f"{len(positions)}. Export it again.",
                code="rig_broken",
            )
        deltas = [
            self._positions(target) if "POSITION" in target else np.zeros_like(positions)
            for target in of.get("targets", [])
        ]
        triangles = indices[: len(indices) // 3 * 3].reshape(-1, 3)
        attributes = of["attributes"]
        normals = self._attribute(attributes, "NORMAL")
        colors = self._attribute(attributes, "COLOR_0")
        uv = {
            int(name.removeprefix("TEXCOORD_")): self.accessor(at).astype(np.float32)
            for name, at in attributes.items()
            if name.startswith("TEXCOORD_")
        }
        return Surface(
            positions,
            triangles,
            deltas,
            normals,
            uv,
            None if colors is None else colors[:, :3],
            of.get("material"),
        )

    def _attribute(self, attributes: dict[str, int], name: str) -> npt.NDArray[np.float32] | None:
        return self.accessor(attributes[name]).astype(np.float32) if name in attributes else None
