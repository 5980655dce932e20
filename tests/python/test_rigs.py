"""Names of morph targets, expressions of VRM files, and the report of what a rig does not move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from koemorph import Animation, Model, load_retarget_map
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.cli.animate import command as animate
from koemorph.cli.preview import command as preview
from koemorph.cli.retarget import command as retarget
from koemorph.outputs import WriteOptions, gltf, livelink_csv, rig

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")
NAMES = ("jawOpen", "mouthClose", "eyeBlinkLeft")
VOWELS = ("kuchi_a", "kuchi_i", "kuchi_u", "mabataki")


def rig_json(names: tuple[str, ...], primitives: int = 1) -> dict[str, Any]:
    """Return a triangle per primitive, with unnamed morph targets."""
    place = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}
    accessors = [place | {"min": [0, 0, 0], "max": [1, 1, 0]} for _ in range(len(names) + 1)]
    targets = [{"POSITION": 1 + index} for index in range(len(names))]
    part = {"attributes": {"POSITION": 0}, "targets": targets}
    return {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": json.loads(json.dumps([part] * primitives))}],
        "accessors": accessors,
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36}],
    }


def save(path: Path, content: dict[str, Any]) -> Path:
    import base64

    uri = "data:application/octet-stream;base64," + base64.b64encode(TRIANGLE).decode()
    content["buffers"] = [{"byteLength": 36, "uri": uri}]
    path.write_text(json.dumps(content))
    return path


def named_rig(path: Path, *names: str) -> Path:
    content = rig_json(names)
    content["meshes"][0]["extras"] = {"targetNames": names}
    return save(path, content)


def place_names(content: dict[str, Any], place: str) -> None:
    mesh = content["meshes"][0]
    for part in mesh["primitives"]:
        if place == "primitives":
            part["extras"] = {"targetNames": NAMES}
        for target, name in zip(part["targets"], NAMES, strict=True):
            if place in ("extras", "extra"):
                target[place] = {"name": name}
            elif place == "targets":
                target["name"] = name
    if place == "mesh":
        mesh["extras"] = {"targetNames": NAMES}
    elif place == "repeated":
        mesh["extras"] = {"targetNames": NAMES * len(mesh["primitives"])}
    elif place == "accessors":
        for accessor, name in zip(content["accessors"][1:], NAMES, strict=True):
            accessor["name"] = name


@pytest.mark.parametrize(
    "place", ["mesh", "repeated", "primitives", "extras", "extra", "targets", "accessors"]
)
def test_names_are_found_in_all_places(tmp_path: Path, place: str) -> None:
    content = rig_json(NAMES, primitives=3)
    place_names(content, place)
    loaded = rig.load(save(tmp_path / "rig.gltf", content))
    assert rig.target_names(loaded, 0) == NAMES
    found = rig.coverage(loaded, BLENDSHAPES, tmp_path)
    assert found.driven == tuple(name for name in BLENDSHAPES if name in NAMES)
    assert len(found.unused) == 49


def test_equal_accessor_names_are_no_names(tmp_path: Path) -> None:
    content = rig_json(NAMES)
    for accessor in content["accessors"]:
        accessor["name"] = "positions"
    assert rig.target_names(rig.load(save(tmp_path / "rig.gltf", content)), 0) == ()


def vrm(version: int) -> dict[str, Any]:
    """Return a VRM file whose morph targets are named otherwise than its expressions."""
    content = rig_json(VOWELS)
    content["meshes"][0]["extras"] = {"targetNames": VOWELS}

    def bind(index: int, weight: float) -> dict[str, Any]:
        scale = 100 if version == 0 else 1
        return {("mesh" if version == 0 else "node"): 0, "index": index, "weight": weight * scale}

    binds = {"aa": [bind(0, 1)], "ih": [bind(1, 0.5)], "ou": [bind(2, 1), bind(0, 0.25)]}
    binds["blink"] = [bind(3, 1)]
    if version == 1:
        preset = {name: {"morphTargetBinds": each} for name, each in binds.items()}
        custom = {"jawOpen": {"morphTargetBinds": [bind(1, 1)]}}
        extension = {"expressions": {"preset": preset, "custom": custom}}
        content["extensions"] = {"VRMC_vrm": extension}
    else:
        old = {"aa": "a", "ih": "i", "ou": "u", "blink": "blink"}
        groups = [
            {"name": name.upper(), "presetName": old[name], "binds": each}
            for name, each in binds.items()
        ]
        groups.append({"name": "jawOpen", "presetName": "unknown", "binds": [bind(1, 1)]})
        content["extensions"] = {"VRM": {"blendShapeMaster": {"blendShapeGroups": groups}}}
    return content


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("names", ["vrm0", "vrm1"])
def test_vrm_expressions_move_the_morph_targets_that_they_bind(
    tmp_path: Path, version: int, names: str
) -> None:
    path = save(tmp_path / "rig.vrm", vrm(version))
    vowels = {"vrm0": ("A", "I", "U", "Blink_L"), "vrm1": ("aa", "ih", "ou", "blinkLeft")}[names]
    weights = np.array([[0.5, 0.4, 0.8, 0.3]], np.float32)
    animation = Animation(np.zeros(1), weights, vowels, 30)
    gltf.write(animation, tmp_path / "out.glb", WriteOptions(path))
    written = gltf.read(tmp_path / "out.glb")
    assert written.names == VOWELS
    np.testing.assert_allclose(written.weights[0], [0.5 + 0.2, 0.2, 0.8, 0.3], atol=1e-6)


@pytest.mark.parametrize("version", [0, 1])
def test_custom_expressions_are_matched_and_one_blink_is_the_mean(
    tmp_path: Path, version: int
) -> None:
    path = save(tmp_path / "rig.vrm", vrm(version))
    weights = np.array([[0.6, 0.2, 0.4]], np.float32)
    names = ("jawOpen", "blinkLeft", "blinkRight")
    gltf.write(Animation(np.zeros(1), weights, names, 30), tmp_path / "o.glb", WriteOptions(path))
    written = gltf.read(tmp_path / "o.glb")
    np.testing.assert_allclose(written.weights[0], [0, 0.6, 0, 0.3], atol=1e-6)


def voice(folder: Path) -> Path:
    import soundfile

    time = np.arange(8000) / 16000
    soundfile.write(folder / "a.wav", 0.3 * np.sin(900 * time) * np.sin(12 * time), 16000)
    return folder / "a.wav"


def test_animate_moves_a_vrm_file_without_a_map(tmp_path: Path) -> None:
    content = vrm(1)
    del content["extensions"]["VRMC_vrm"]["expressions"]["custom"]
    path, output = save(tmp_path / "rig.vrm", content), tmp_path / "out.vrm"
    audio = voice(tmp_path)
    result = CliRunner().invoke(animate, [str(audio), "-o", str(output), "--rig", str(path)])
    assert result.exit_code == 0, result.output
    assert "vrm1" in result.stderr
    expected = Model().animate(audio, retarget="vrm1")
    ih = gltf.read(output)["kuchi_i"]
    np.testing.assert_allclose(ih, expected["ih"] / 2, atol=1e-6)


def run(command: Any, *arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)
    return result.return_value or result.exit_code or (1 if result.exception else 0), (
        result.stderr + str(result.exception or "")
    )


@pytest.mark.parametrize("command", [animate, preview, retarget])
def test_a_rig_without_mouth_is_rejected_with_the_best_map(tmp_path: Path, command: Any) -> None:
    path = named_rig(tmp_path / "rig.gltf", "Fcl_MTH_A", "Fcl_MTH_I", "eyeBlinkLeft")
    source = voice(tmp_path)
    more: list[str | Path] = ["--rig", path, "--retarget", "vrm1"]
    if command is retarget:
        source = tmp_path / "a.csv"
        Animation(np.arange(3) / 30, np.zeros((3, 52), np.float32)).save(source)
    output = tmp_path / ("out.html" if command is preview else "out.glb")
    code, text = run(command, source, "-o", output, *more)
    assert code != 0
    assert "vroid" in text
    assert not output.exists()


@pytest.mark.parametrize("command", [animate, preview, retarget])
def test_shapes_without_partner_are_listed(tmp_path: Path, command: Any) -> None:
    path = named_rig(tmp_path / "rig.gltf", "mouthSmileLeft", "hornWiggle", "eyeBlinkLeft")
    source = voice(tmp_path)
    more: list[str | Path] = ["--rig", path]
    if command is retarget:
        source = tmp_path / "a.csv"
        Animation(np.arange(3) / 30, np.zeros((3, 52), np.float32)).save(source)
        more += ["--map", "arkit"]
    output = tmp_path / ("out.html" if command is preview else "out.glb")
    code, text = run(command, source, "-o", output, *more)
    assert "WARNING" in text
    assert "2 of 3" in text
    assert "hornWiggle" in text
    assert "jawOpen" in text
    assert code == 0 or command is preview  # the flat triangle has no head


def test_a_character_creator_3_rig_gets_its_map_as_a_hint(tmp_path: Path) -> None:
    names = ("Open", "Explosive", "Tight_O", "Wide", "Mouth_Open", "Eye_Blink_L", "Mouth_Smile_L")
    path = named_rig(tmp_path / "rig.gltf", *names)
    code, text = run(animate, voice(tmp_path), "-o", tmp_path / "out.glb", "--rig", path)
    assert code == 0
    assert "WARNING" in text
    assert "character_creator_3" in text
    assert load_retarget_map("character_creator_3", names).driven == (True,) * len(names)


@pytest.mark.parametrize("suffix", [".anim", ".csv", ".jsonl", ".npz", ".json"])
def test_a_rig_is_rejected_for_formats_without_use_for_it(tmp_path: Path, suffix: str) -> None:
    path, output = named_rig(tmp_path / "rig.gltf", "jawOpen"), tmp_path / f"out{suffix}"
    code, text = run(animate, voice(tmp_path), "-o", output, "--rig", path)
    assert code != 0
    assert "--rig" in text
    assert not output.exists()


def test_several_recordings_become_the_clips_of_one_file(tmp_path: Path) -> None:
    import soundfile

    path, output = named_rig(tmp_path / "rig.gltf", "jawOpen", "eyeBlinkLeft"), tmp_path / "all.glb"
    first = voice(tmp_path)
    second = tmp_path / "b.wav"
    soundfile.write(second, soundfile.read(first)[0][:4000], 16000)
    code, text = run(animate, first, second, "-o", output, "--rig", path)
    assert code == 0, text
    import pygltflib

    written = pygltflib.GLTF2().load(str(output))
    assert [clip.name for clip in written.animations] == ["a", "b"]
    counts = [written.accessors[clip.samplers[0].input].count for clip in written.animations]
    assert counts == [15, 8]
    assert len(written.meshes) == 1
    last = gltf.read(output)
    np.testing.assert_allclose(last["jawOpen"], Model().animate(second)["jawOpen"], atol=1e-6)


def test_a_recording_that_fails_is_left_out_of_the_clips(tmp_path: Path) -> None:
    path, output = named_rig(tmp_path / "rig.gltf", "jawOpen"), tmp_path / "all.glb"
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    code, text = run(animate, voice(tmp_path), tmp_path / "broken.wav", "-o", output, "--rig", path)
    assert code == 1
    assert "broken.wav" in text
    assert len(gltf.read(output)) == 15


def test_retarget_reads_live_link_csv(tmp_path: Path) -> None:
    weights = np.random.default_rng(2).random((5, 52), np.float32)
    recorded = Animation(np.arange(5) / 30, weights)
    livelink_csv.write(recorded, tmp_path / "take.csv", WriteOptions())
    code, text = run(
        retarget, tmp_path / "take.csv", "--map", "live_link", "-o", tmp_path / "o.npz"
    )
    assert code == 0, text
    with np.load(tmp_path / "o.npz") as file:
        names = [str(name) for name in file["names"]]
        np.testing.assert_allclose(
            file["weights"][:, names.index("JawOpen")], weights[:, INDEX["jawOpen"]], atol=1e-6
        )
        assert len(file["weights"]) == 5
