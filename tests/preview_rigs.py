"""Small rigs for tests of the preview, made with pygltflib."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pygltflib as gltf


def png(rgb: tuple[int, int, int]) -> bytes:
    """Encode a PNG of one colour, 2 x 2 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    rows = b"".join(b"\0" + bytes(rgb) * 2 for _ in range(2))
    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _quad(left: float) -> np.ndarray:
    corners = [(left, -1, 0), (left + 1, -1, 0), (left + 1, 1, 0), (left, 1, 0)]
    return np.array(corners, np.float32)


def two_materials(
    path: Path, names: tuple[str, ...] = ("jawOpen", "mouthPucker"), vrm0: bool = False
) -> Path:
    """Write a rig with a textured green quad on the left and a plain blue one on the right.

    The first target moves the lower corners down by 1, the others move the whole rig up.
    """
    blob = b""
    rig = gltf.GLTF2(
        scene=0,
        scenes=[gltf.Scene(nodes=[0])],
        nodes=[gltf.Node(mesh=0)],
        meshes=[gltf.Mesh(primitives=[], extras={"targetNames": list(names)})],
    )

    def add(array: np.ndarray, kind: str, component: int) -> int:
        nonlocal blob
        view = gltf.BufferView(buffer=0, byteOffset=len(blob), byteLength=array.nbytes)
        blob += array.tobytes()
        rig.bufferViews.append(view)
        accessor = gltf.Accessor(
            bufferView=len(rig.bufferViews) - 1,
            componentType=component,
            count=len(array),
            type=kind,
        )
        if kind == "VEC3":
            accessor.min, accessor.max = array.min(0).tolist(), array.max(0).tolist()
        rig.accessors.append(accessor)
        return len(rig.accessors) - 1

    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    for material, left in enumerate((-1.0, 0.0)):
        place = add(_quad(left), "VEC3", gltf.FLOAT)
        targets = []
        for index in range(len(names)):
            delta = np.zeros((4, 3), np.float32)
            delta[:, 1] = (-1, -1, 0.1, 0.1) if index == 0 else 0.5
            targets.append(gltf.Attributes(POSITION=add(delta, "VEC3", gltf.FLOAT)))
        indices = add(np.array([0, 1, 2, 0, 2, 3], "<u2"), "SCALAR", gltf.UNSIGNED_SHORT)
        attributes = gltf.Attributes(POSITION=place, TEXCOORD_0=add(uv, "VEC2", gltf.FLOAT))
        rig.meshes[0].primitives.append(
            gltf.Primitive(
                attributes=attributes, indices=indices, material=material, targets=targets
            )
        )
    picture = png((10, 200, 20))
    rig.bufferViews.append(gltf.BufferView(buffer=0, byteOffset=len(blob), byteLength=len(picture)))
    blob += picture
    rig.images = [gltf.Image(bufferView=len(rig.bufferViews) - 1, mimeType="image/png")]
    rig.textures = [gltf.Texture(source=0)]
    texture = gltf.TextureInfo(index=0)
    rig.materials = [
        gltf.Material(pbrMetallicRoughness=gltf.PbrMetallicRoughness(baseColorTexture=texture)),
        gltf.Material(
            pbrMetallicRoughness=gltf.PbrMetallicRoughness(baseColorFactor=[0.02, 0.02, 0.8, 1])
        ),
    ]
    if vrm0:
        rig.extensions = {"VRM": {"specVersion": "0.0"}}
        rig.extensionsUsed = ["VRM"]
    rig.buffers = [gltf.Buffer(byteLength=len(blob))]
    rig.set_binary_blob(blob)
    rig.save_binary(str(path))
    return path
