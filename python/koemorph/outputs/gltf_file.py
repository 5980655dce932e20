"""glTF 2.0 files, .glb, .gltf and .vrm: read as they stand, written with all that was in them."""

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
    """A file's JSON, and the bytes of its buffers as one: every buffer view lies in `blob`."""

    json: dict[str, Any]
    blob: bytearray
    folder: Path

    def add(self, kind: str, item: dict[str, Any]) -> int:
        """Append to "accessors", "animations" and so on; returns its index."""
        items: list[dict[str, Any]] = self.json.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def add_bytes(self, data: bytes) -> int:
        """Append to the blob; returns the index of the new buffer view."""
        self.blob += bytes(-len(self.blob) % 4)
        view = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        self.blob += data
        return self.add("bufferViews", view)

    def embed_images(self) -> None:
        """Take in pictures that lie beside the file, which would not be found from elsewhere."""
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
        """Write .gltf with its data inside, anything else as binary; OutputError when it cannot."""
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
    """Read a file, told by its first bytes whatever it is called.

    Raises OSError when it, or a file of its buffers, cannot be read, and others (ValueError,
    struct.error, ...) when it is no glTF.
    """
    data = path.read_bytes()
    chunks = _chunks(data) if data[:4] == _MAGIC else {b"JSON": data}
    described: dict[str, Any] = json.loads(chunks[b"JSON"].decode("utf-8-sig"))
    blob, starts = bytearray(), []
    for buffer in described.get("buffers", []):
        blob += bytes(-len(blob) % 8)
        starts.append(len(blob))
        uri = buffer.get("uri")
        # One without either is a place for what an extension unpacks.
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
