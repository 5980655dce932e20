"""Rigs as exporters write them: unknown content is kept, unreadable rigs are rejected."""

from __future__ import annotations

import base64
import json
import struct
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import OutputError
from koemorph.preview.mesh import pack

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63606060f80f0001040100b5a3b50f0000000049454e44ae426082"
)
DRACO, MESHOPT = "KHR_draco_mesh_compression", "EXT_meshopt_compression"


def make_animation() -> Animation:
    weights = np.random.default_rng(5).random((7, 52), np.float32)
    return Animation(np.arange(7) / 30, weights, BLENDSHAPES, 30)


def rig_json() -> dict[str, Any]:
    """Return a triangle whose morph targets are sparse accessors without a buffer view."""
    sparse = {
        "count": 2,
        "indices": {"bufferView": 1, "componentType": 5123},
        "values": {"bufferView": 2},
    }
    place = {"componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
    delta = place | {"sparse": sparse, "max": [0, 1, 0]}
    targets = [{"POSITION": 1}] * 3
    mesh = {
        "primitives": [{"attributes": {"POSITION": 0}, "targets": targets}],
        "extras": {"targetNames": ["jawOpen", "bigNose", "mouthSmile_L"]},
    }
    return {
        "asset": {"version": "2.0", "generator": "an exporter", "extras": {"empty": {}}},
        "extensions": {"VRMC_vrm": {"specVersion": "1.0", "lookAt": {}}},
        "extensionsUsed": ["VRMC_vrm"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "meshes": [mesh],
        "accessors": [place | {"bufferView": 0}, delta],
        "bufferViews": [
            {"buffer": 0, "byteLength": 36},
            {"buffer": 0, "byteOffset": 36, "byteLength": 4},
            {"buffer": 0, "byteOffset": 40, "byteLength": 24},
        ],
        "buffers": [{"byteLength": 64}],
    }


def rig_bytes() -> bytes:
    return TRIANGLE.tobytes() + struct.pack("<2H6f", 0, 2, 0, 1, 0, 0, 1, 0)


def write_glb(path: Path, described: dict[str, Any]) -> Path:
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(rig_bytes()), b"BIN\0") + rig_bytes()
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    magic, version, length, size, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    at = 20 + size
    size, kind = struct.unpack_from("<I4s", data, at)
    assert (at % 4, at + 8 + size, kind) == (0, len(data), b"BIN\0")
    return json.loads(data[20:at]), data[at + 8 :]


def curves(described: dict[str, Any], blob: bytes, channel: int) -> np.ndarray:
    """Return the weights (T, 3) of one channel of the last animation."""
    clip = described["animations"][-1]
    sampler = clip["samplers"][clip["channels"][channel]["sampler"]]
    accessor = described["accessors"][sampler["output"]]
    view = described["bufferViews"][accessor["bufferView"]]
    return np.frombuffer(blob, "<f4", accessor["count"], view["byteOffset"]).reshape(-1, 3)


def animate(rig: Path, output: Path) -> tuple[dict[str, Any], bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_animation().save(output, rig=rig)
    return read_glb(output)


def test_unknown_content_of_a_rig_is_kept(tmp_path: Path) -> None:
    described = rig_json()
    described["animations"] = [{"name": "wave", "samplers": [], "channels": []}]
    made, blob = animate(write_glb(tmp_path / "rig.glb", described), tmp_path / "take.glb")
    assert blob.startswith(rig_bytes())
    assert [clip["name"] for clip in made["animations"]] == ["wave", "take"]
    for key, value in described.items():
        if key in ("accessors", "animations"):
            assert made[key][: len(value)] == value  # also sparse ones without a buffer view
        elif key not in ("bufferViews", "buffers"):
            assert made[key] == value


def test_unmatched_targets_keep_their_rest_weights(tmp_path: Path) -> None:
    described = rig_json()
    described["meshes"][0]["weights"] = [0.1, 0.2, 0.3]
    described["nodes"] += [{"mesh": 0, "weights": [0.4, 0.5, 0.6]}, {"mesh": 0}]
    described["scenes"][0]["nodes"] = [0, 1, 2]
    made, blob = animate(write_glb(tmp_path / "rig.glb", described), tmp_path / "take.glb")
    assert made["nodes"] == described["nodes"]
    clip = made["animations"][0]
    assert [channel["target"]["node"] for channel in clip["channels"]] == [0, 1, 2]
    assert len(clip["samplers"]) == 2  # nodes with equal rest weights share one
    animation = make_animation()
    for channel, rest in enumerate((0.2, 0.5, 0.2)):
        weights = curves(made, blob, channel)
        np.testing.assert_array_equal(weights[:, 0], animation["jawOpen"])
        np.testing.assert_array_equal(weights[:, 1], np.float32(rest))
        np.testing.assert_array_equal(weights[:, 2], animation["mouthSmileLeft"])


@pytest.mark.parametrize("name", ["avatar.vrm", "avatar", "avatar.gltf", "AVATAR.GLB"])
def test_a_rig_is_recognized_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    made, _ = animate(write_glb(tmp_path / name, rig_json()), tmp_path / "take.vrm")
    assert made["extensions"]["VRMC_vrm"]["specVersion"] == "1.0"


def test_external_files_of_a_rig_are_embedded(tmp_path: Path) -> None:
    described = rig_json()
    described["images"] = [{"uri": "a%20skin.png"}, {"uri": "gone.png"}, {"uri": "data:,"}]
    moved = base64.b64encode(rig_bytes()[36:]).decode()
    described["buffers"] = [
        {"byteLength": 36, "uri": "places.bin"},
        {"byteLength": 28, "uri": f"data:application/gltf-buffer;base64,{moved}"},
    ]
    for view, start in zip(described["bufferViews"][1:], (0, 4), strict=True):
        view.update(buffer=1, byteOffset=start)
    folder = tmp_path / "rig"
    folder.mkdir()
    (folder / "rig.gltf").write_text(json.dumps(described), encoding="utf-8")
    (folder / "places.bin").write_bytes(rig_bytes()[:36])
    (folder / "a skin.png").write_bytes(PIXEL)
    made, blob = animate(folder / "rig.gltf", tmp_path / "take.glb")
    image = made["images"][0]
    view = made["bufferViews"][image["bufferView"]]
    assert image["mimeType"] == "image/png"
    assert "uri" not in image
    assert blob[view["byteOffset"] :][: view["byteLength"]] == PIXEL
    assert made["images"][1:] == described["images"][1:]
    assert len(made["buffers"]) == 1
    info, _ = pack(tmp_path / "take.glb")
    assert [target["name"] for target in info["targets"]] == ["jawOpen", "mouthSmileLeft"]
    make_animation().save(tmp_path / "take.gltf", rig=folder / "rig.gltf")
    assert pack(tmp_path / "take.gltf")[0] == info


def test_a_draco_rig_can_be_animated_but_not_previewed(tmp_path: Path) -> None:
    described = rig_json()
    primitive = described["meshes"][0]["primitives"][0]
    primitive["extensions"] = {DRACO: {"bufferView": 0, "attributes": {"POSITION": 0}}}
    described["extensionsUsed"].append(DRACO)
    del described["accessors"][0]["bufferView"]
    rig = write_glb(tmp_path / "rig.glb", described)
    made, _ = animate(rig, tmp_path / "take.glb")
    assert made["accessors"][:2] == described["accessors"]
    with pytest.raises(OutputError) as caught:
        pack(rig)
    assert caught.value.code == "rig_compressed"


def test_a_rig_with_malformed_nodes_is_rejected(tmp_path: Path) -> None:
    rig = write_glb(tmp_path / "rig.glb", rig_json() | {"nodes": ["head"]})
    with pytest.raises(OutputError) as caught:
        make_animation().save(tmp_path / "take.glb", rig=rig)
    assert caught.value.code == "rig_broken"


def test_a_missing_external_file_is_named(tmp_path: Path) -> None:
    described = rig_json() | {"buffers": [{"byteLength": 64, "uri": "the%20head.bin"}]}
    rig = tmp_path / "rig.gltf"
    rig.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(OutputError, match=r"the head\.bin"):
        make_animation().save(tmp_path / "take.glb", rig=rig)


def test_percent_encoded_data_uris_are_read(tmp_path: Path) -> None:
    data = quote(base64.b64encode(rig_bytes()).decode(), safe="")
    uri = f"data:application/octet-stream;base64,{data}"
    described = rig_json() | {"buffers": [{"byteLength": 64, "uri": uri}]}
    rig = tmp_path / "rig.gltf"
    rig.write_text(json.dumps(described), encoding="utf-8")
    assert "%" in data
    assert animate(rig, tmp_path / "take.glb")[1].startswith(rig_bytes())


def test_a_head_outside_the_scene_is_rejected(tmp_path: Path) -> None:
    rig = write_glb(tmp_path / "rig.glb", rig_json() | {"nodes": []})
    with pytest.raises(OutputError) as caught:
        make_animation().save(tmp_path / "take.glb", rig=rig)
    assert caught.value.code == "rig_not_in_scene"


def test_cyclic_nodes_are_visited_once(tmp_path: Path) -> None:
    nodes = [{"mesh": 0, "children": [1]}, {"children": [2]}, {"mesh": 0, "children": [1]}]
    info, _ = pack(write_glb(tmp_path / "rig.glb", rig_json() | {"nodes": nodes}))
    assert [target["name"] for target in info["targets"]] == ["jawOpen", "mouthSmileLeft"]


def flat(described: dict[str, Any]) -> None:
    described["nodes"][0]["matrix"] = [1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1]


def meshopt(described: dict[str, Any]) -> None:
    described["extensionsUsed"].append(MESHOPT)
    described["buffers"].append({"byteLength": 99, "extensions": {MESHOPT: {"fallback": True}}})


def missing_view(described: dict[str, Any]) -> None:
    described["accessors"][0]["bufferView"] = 7


def missing_node(described: dict[str, Any]) -> None:
    described["nodes"][0]["children"] = [9]


def test_a_meshopt_rig_is_rejected_in_either_form(tmp_path: Path) -> None:
    described = rig_json()
    meshopt(described)
    (tmp_path / "rig.gltf").write_text(json.dumps(described), encoding="utf-8")
    for rig in (tmp_path / "rig.gltf", write_glb(tmp_path / "rig.glb", described)):
        with pytest.raises(OutputError) as caught:
            make_animation().save(tmp_path / "take.glb", rig=rig)
        assert caught.value.code == "rig_compressed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (flat, "rig_flat"),
        (meshopt, "rig_compressed"),
        (missing_view, "rig_broken"),
        (missing_node, "rig_broken"),
    ],
)
def test_a_rig_that_cannot_be_shown_is_rejected(tmp_path: Path, change: Any, code: str) -> None:
    described = rig_json()
    change(described)
    with pytest.raises(OutputError) as caught:
        pack(write_glb(tmp_path / "rig.glb", described))
    assert caught.value.code == code
