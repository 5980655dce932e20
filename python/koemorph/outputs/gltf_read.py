"""The numbers inside a glTF file: accessors, plain and sparse, and meshes with their morphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pygltflib import GLTF2, BufferFormat

from koemorph.errors import OutputError

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}

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

    def __init__(self, gltf: GLTF2) -> None:
        self._gltf = gltf
        gltf.convert_buffers(BufferFormat.BINARYBLOB)
        self._blob = gltf.binary_blob() or b""

    def _view(self, view: int, offset: int, kind: int, count: int, width: int) -> Array:
        of = self._gltf.bufferViews[view]
        dtype = np.dtype(_COMPONENTS[kind])
        start = (of.byteOffset or 0) + (offset or 0)
        stride = of.byteStride or dtype.itemsize * width
        end = start + stride * (count - 1) + dtype.itemsize * width
        if count < 0 or end > len(self._blob):
            raise OutputError("The rig's data ends too early; export it as .glb again.")
        shape, strides = (count, width), (stride, dtype.itemsize)
        view_of: Array = np.ndarray(shape, dtype, self._blob, start, strides)
        return view_of

    def accessor(self, index: int) -> Array:
        """An accessor's values, (count, width), as a copy; normalised integers become floats."""
        of = self._gltf.accessors[index]
        width = _WIDTHS[of.type]
        if of.bufferView is None:
            values = np.zeros((of.count, width), _COMPONENTS[of.componentType])
        else:
            args = (of.bufferView, of.byteOffset, of.componentType, of.count, width)
            values = self._view(*args).copy()
        if of.sparse is not None:
            at, by = of.sparse.indices, of.sparse.values
            count = of.sparse.count
            rows = self._view(at.bufferView, at.byteOffset, at.componentType, count, 1)
            new = self._view(by.bufferView, by.byteOffset, of.componentType, count, width)
            values[rows[:, 0]] = new
        if of.normalized:
            return values.astype(np.float32) / np.iinfo(values.dtype).max
        return values

    def surface(self, mesh: int, primitive: int) -> Surface:
        """One primitive of a mesh, as triangles."""
        of = self._gltf.meshes[mesh].primitives[primitive]
        if of.mode not in (None, 4):
            raise OutputError("The rig's mesh is not made of triangles; triangulate it on export.")
        positions = self.accessor(of.attributes.POSITION).astype(np.float32)
        if of.indices is None:
            indices = np.arange(len(positions), dtype=np.uint32)
        else:
            indices = self.accessor(of.indices)[:, 0].astype(np.uint32)
        if indices.size and indices.max() >= len(positions):
            raise OutputError("The rig's triangles point at missing vertices; export it again.")
        nothing = np.zeros_like(positions)
        deltas = [
            self.accessor(target["POSITION"]).astype(np.float32)
            if "POSITION" in target
            else nothing
            for target in of.targets or []
        ]
        triangles = indices[: len(indices) // 3 * 3].reshape(-1, 3)
        return Surface(positions, triangles, deltas, self._color(of.material))

    def _color(self, material: int | None) -> tuple[float, float, float]:
        if material is not None:
            shading = self._gltf.materials[material].pbrMetallicRoughness
            if shading is not None and shading.baseColorFactor:
                red, green, blue = shading.baseColorFactor[:3]
                return (float(red), float(green), float(blue))
        return (0.8, 0.8, 0.8)
