"""The numbers inside a glTF file: accessors, plain and sparse, and meshes with their morphs."""

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
    """Triangles of one primitive: positions (V, 3), indices (F, 3), one delta (V, 3) a target."""

    positions: npt.NDArray[np.float32]
    indices: npt.NDArray[np.uint32]
    deltas: list[npt.NDArray[np.float32]]
    color: tuple[float, float, float]


class Reader:
    """Reads accessors of one loaded file; OutputError when they point outside its data."""

    def __init__(self, gltf: GltfFile) -> None:
        self._gltf = gltf
        self._blob = bytes(gltf.blob)

    def _view(self, at: dict[str, Any], kind: int, count: int, width: int) -> Array:
        """The values in a buffer view that `at`, an accessor or a part of one, refers to."""
        of = self._gltf.json["bufferViews"][at["bufferView"]]
        dtype = np.dtype(_COMPONENTS[kind])
        start = of["byteOffset"] + at.get("byteOffset", 0)
        stride = of.get("byteStride") or dtype.itemsize * width
        end = start + stride * (count - 1) + dtype.itemsize * width
        if count < 0 or end > len(self._blob):
            raise OutputError("The rig's data ends too early; export it as .glb again.")
        shape, strides = (count, width), (stride, dtype.itemsize)
        view_of: Array = np.ndarray(shape, dtype, self._blob, start, strides)
        return view_of

    def accessor(self, index: int) -> Array:
        """An accessor's values, (count, width), as a copy; normalised integers become floats."""
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
        """One primitive of a mesh, as triangles."""
        of = self._gltf.json["meshes"][mesh]["primitives"][primitive]
        if of.get("mode", _TRIANGLES) != _TRIANGLES:
            raise OutputError("The rig's mesh is not made of triangles; triangulate it on export.")
        plain = self._gltf.json["accessors"][of["attributes"]["POSITION"]]
        if _DRACO in of.get("extensions", {}) and "bufferView" not in plain:
            raise OutputError(
                "The rig's mesh is compressed with Draco, which is not read; export it without "
                "compression."
            )
        positions = self._positions(of["attributes"])
        if "indices" in of:
            indices = self.accessor(of["indices"])[:, 0].astype(np.uint32)
        else:
            indices = np.arange(len(positions), dtype=np.uint32)
        if indices.size and indices.max() >= len(positions):
            raise OutputError("The rig's triangles point at missing vertices; export it again.")
        deltas = [
            self._positions(target) if "POSITION" in target else np.zeros_like(positions)
            for target in of.get("targets", [])
        ]
        triangles = indices[: len(indices) // 3 * 3].reshape(-1, 3)
        return Surface(positions, triangles, deltas, self._color(of.get("material")))

    def _color(self, material: int | None) -> tuple[float, float, float]:
        if material is not None:
            shading = self._gltf.json["materials"][material].get("pbrMetallicRoughness")
            if shading is not None:
                red, green, blue, _ = shading.get("baseColorFactor", (1, 1, 1, 1))
                return (float(red), float(green), float(blue))
        return (0.8, 0.8, 0.8)
