"""glTF 2.0 files (.glb, .gltf, .vrm): read and written without losing unknown content.

Source: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-file-format-specification
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from koemorph.outputs.atomic import atomic_path

_MAGIC = b"glTF"
_HEADER = struct.Struct("<4sII")  # magic, version, bytes of the file
_CHUNK = struct.Struct("<I4s")  # bytes, type
_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".ktx2": "image/ktx2",
}


@dataclass
class GltfFile:
    """A glTF file in memory.

    Attributes:
        json: The JSON document; every buffer view refers to `blob`.
        blob: All buffers, concatenated.
        folder: The file's folder, against which relative URIs resolve.
    """

    json: dict[str, Any]
    blob: bytearray
    folder: Path

    def add(self, kind: str, item: dict[str, Any]) -> int:
        """Append an item to a top-level array ("accessors", ...) and return its index."""
        items: list[dict[str, Any]] = self.json.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def add_bytes(self, data: bytes) -> int:
        """Append bytes to the blob and return the index of their new buffer view."""
        self.blob += bytes(-len(self.blob) % 4)
        view = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        self.blob += data
        return self.add("bufferViews", view)

    def embed_images(self) -> None:
        """Embed external images, whose relative URIs break when the file is written elsewhere."""
        for image in self.json.get("images", []):
            uri = image.get("uri", "data:")
            if uri.startswith("data:"):
                continue
            path = self.folder / unquote(uri)
            kind = _IMAGES.get(path.suffix.lower())
            if kind is not None and path.is_file():
                del image["uri"]
                image |= {"bufferView": self.add_bytes(path.read_bytes()), "mimeType": kind}

    def save(self, path: Path) -> None:
        """Write a .gltf with embedded data, or a binary file for any other extension.

        Raises:
            OutputError: The file cannot be written.
        """
        buffer: dict[str, Any] = {"byteLength": len(self.blob)}
        with atomic_path(path) as temporary:
            if path.suffix.lower() == ".gltf":
                buffer["uri"] = "data:application/octet-stream;base64,"
                buffer["uri"] += base64.b64encode(self.blob).decode("ascii")
                text = json.dumps(self.json | {"buffers": [buffer]}, indent=1)
                temporary.write_text(text, encoding="ascii")
            else:
                temporary.write_bytes(_glb(self.json | {"buffers": [buffer]}, self.blob))


def read(path: Path) -> GltfFile:
    """Read a file; the first bytes, not the extension, decide between binary and JSON.

    Raises:
        OSError: The file or one of its buffers cannot be read.
        Exception: The file is no glTF (ValueError, struct.error, ...).
    """
    data = path.read_bytes()
    chunks = _chunks(data) if data[:4] == _MAGIC else {b"JSON": data}
    described: dict[str, Any] = json.loads(chunks[b"JSON"].decode("utf-8-sig"))
    blob, starts = bytearray(), []
    for buffer in described.get("buffers", []):
        blob += bytes(-len(blob) % 8)
        starts.append(len(blob))
        uri = buffer.get("uri")
        # A buffer without URI and BIN chunk is filled by an extension.
        blob += chunks.get(b"BIN\0", b"") if uri is None else _resource(uri, path.parent)
    for view in described.get("bufferViews", []):
        view["byteOffset"] = view.get("byteOffset", 0) + starts[view["buffer"]]
        view["buffer"] = 0
    return GltfFile(described, blob, path.parent)


def _chunks(data: bytes) -> dict[bytes, bytes]:
    _, version, length = _HEADER.unpack_from(data)
    if version != 2 or length > len(data):
        raise ValueError(f"glTF {version} of {length} bytes, of which {len(data)} are there")
    chunks: dict[bytes, bytes] = {}
    at = _HEADER.size
    while at < length:
        size, kind = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        chunks.setdefault(kind, data[at : at + size])
        at += size
    return chunks


def _resource(uri: str, folder: Path) -> bytes:
    if uri.startswith("data:"):
        return base64.b64decode(unquote(uri.partition(",")[2]))
    return (folder / unquote(uri)).read_bytes()


def _glb(described: dict[str, Any], blob: bytearray) -> bytes:
    text = json.dumps(described, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 4)
    data = bytes(blob) + bytes(-len(blob) % 4)
    length = _HEADER.size + 2 * _CHUNK.size + len(text) + len(data)
    return b"".join(
        (
            _HEADER.pack(_MAGIC, 2, length),
            _CHUNK.pack(len(text), b"JSON"),
            text,
            _CHUNK.pack(len(data), b"BIN\0"),
            data,
        )
    )
