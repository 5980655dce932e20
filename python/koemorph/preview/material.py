"""Materials of a rig for the preview: base colours and base colour textures.

Source: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#materials and
https://github.com/KhronosGroup/glTF/tree/main/extensions/2.0/Khronos/KHR_texture_transform
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from koemorph.outputs.gltf_file import GltfFile

_DEFAULT_COLOR = (0.8, 0.8, 0.8, 1.0)
_SPECULAR_GLOSSINESS = "KHR_materials_pbrSpecularGlossiness"


@dataclass(frozen=True)
class Material:
    """What the preview uses of a glTF material.

    Attributes:
        color: Base colour factor, linear RGBA.
        image: Index of the base colour image, or None.
        texture_coordinates: Index of the TEXCOORD attribute.
        offset: UV offset.
        scale: UV scale.
        alpha_mode: "OPAQUE", "MASK" or "BLEND".
        alpha_cutoff: Opacity below which a masked pixel is transparent.
    """

    color: tuple[float, ...] = _DEFAULT_COLOR
    image: int | None = None
    texture_coordinates: int = 0
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    alpha_mode: str = "OPAQUE"
    alpha_cutoff: float = 0.5


@dataclass
class Images:
    """The images that a page embeds, in order of use."""

    gltf: GltfFile
    order: list[int] = field(default_factory=list)

    def index(self, image: int | None) -> int:
        """Return the position of an image in the page, -1 for None or an unreadable image."""
        if image is None or "bufferView" not in self.gltf.json["images"][image]:
            return -1
        if image not in self.order:
            self.order.append(image)
        return self.order.index(image)

    def encode(self) -> list[dict[str, str]]:
        """Return the images' MIME types and base64 data."""
        encoded = []
        for image in self.order:
            described = self.gltf.json["images"][image]
            view = self.gltf.json["bufferViews"][described["bufferView"]]
            start = view["byteOffset"]
            data = bytes(self.gltf.blob[start : start + view["byteLength"]])
            mime = described.get("mimeType", "image/png")
            encoded.append({"mime": mime, "data": base64.b64encode(data).decode("ascii")})
        return encoded


def embed_data_uris(gltf: GltfFile) -> None:
    """Move images with data URIs into the blob, as external files are by `embed_images`."""
    for image in gltf.json.get("images", []):
        header, comma, text = image.get("uri", "").partition(",")
        if comma and header.startswith("data:image/") and header.endswith(";base64"):
            del image["uri"]
            view = gltf.add_bytes(base64.b64decode(text))
            image |= {"bufferView": view, "mimeType": header[5:].removesuffix(";base64")}


def read_material(gltf: GltfFile, index: int | None) -> Material:
    """Return a material of the rig; None is glTF's default material."""
    if index is None:
        return Material()
    described = gltf.json["materials"][index]
    shading = described.get("pbrMetallicRoughness", {})
    color, texture = shading.get("baseColorFactor"), shading.get("baseColorTexture")
    older = described.get("extensions", {}).get(_SPECULAR_GLOSSINESS, {})
    color = color or older.get("diffuseFactor")
    texture = texture or older.get("diffuseTexture")
    if color is None:
        color = (1, 1, 1, 1) if texture or "pbrMetallicRoughness" in described else _DEFAULT_COLOR
    image, placement = _image(gltf, texture)
    return Material(
        tuple(map(float, color)),
        image,
        int(placement.get("texCoord", (texture or {}).get("texCoord", 0))),
        tuple(placement.get("offset", (0, 0))),
        tuple(placement.get("scale", (1, 1))),
        described.get("alphaMode", "OPAQUE"),
        float(described.get("alphaCutoff", 0.5)),
    )


def _image(gltf: GltfFile, texture: dict[str, Any] | None) -> tuple[int | None, dict[str, Any]]:
    """Return the image of a texture reference and its KHR_texture_transform."""
    if texture is None:
        return None, {}
    described = gltf.json["textures"][texture["index"]]
    webp = described.get("extensions", {}).get("EXT_texture_webp", {})
    placement = texture.get("extensions", {}).get("KHR_texture_transform", {})
    return webp.get("source", described.get("source")), placement
