"""File formats, read back by other people's libraries and, for the GLB, by Blender."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import trimesh
import yaml

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import OutputError


def make_animation(frames: int = 31, fps: int = 30) -> Animation:
    """Every blendshape swings at its own pace, but for one that rests."""
    times = np.arange(frames) / fps
    columns = np.arange(52)
    weights = 0.5 - 0.5 * np.cos(times[:, None] * (2 + columns))
    weights[:5] = 0
    weights[:, 3] = 0
    return Animation(times, weights.astype(np.float32), BLENDSHAPES, fps)


def make_rig(path: Path, names: list[str] | None, targets: int = 3) -> Path:
    """A triangle with morph targets, written with trimesh's and pygltflib's own means."""
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], process=False)
    gltf = pygltflib.GLTF2.load_from_bytes(mesh.export(file_type="glb"))
    position = gltf.meshes[0].primitives[0].attributes.POSITION
    gltf.meshes[0].primitives[0].targets = [{"POSITION": position} for _ in range(targets)]
    if names is not None:
        gltf.meshes[0].extras = {"targetNames": names}
    gltf.save(str(path))
    return path


def test_live_link_csv_is_what_the_phone_writes(tmp_path: Path) -> None:
    animation = make_animation()
    animation.save(tmp_path / "take.csv")
    with (tmp_path / "take.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = list(rows[0])
    assert columns[:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert columns[16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert columns[23:26] == ["MouthRight", "MouthLeft", "MouthSmileLeft"]
    assert columns[-1] == "RightEyeRoll"
    assert len(columns) == 63
    assert rows[30]["Timecode"] == "00:00:01:00.000"
    assert rows[0]["BlendShapeCount"] == "61"
    got = [[float(row[name[:1].upper() + name[1:]]) for name in BLENDSHAPES] for row in rows]
    np.testing.assert_allclose(got, animation.weights, atol=1e-9)


def seconds_in_unreal(stamp: str) -> float:
    """As Unreal's Live Link Face Importer reads a timecode: its frames are sixtieths always."""
    hours, minutes, seconds, frames = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(frames) / 60


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_unreal_plays_a_live_link_csv_at_its_own_pace(tmp_path: Path, fps: int) -> None:
    animation = make_animation(100, fps)
    animation.save(tmp_path / "take.csv")
    with (tmp_path / "take.csv").open(newline="") as stream:
        times = [seconds_in_unreal(row["Timecode"]) for row in csv.DictReader(stream)]
    np.testing.assert_allclose(times, animation.times, atol=1e-5)


def load_unity_yaml(path: Path) -> dict[str, Any]:
    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        pass

    Loader.add_constructor(
        "tag:unity3d.com,2011:74", lambda loader, node: loader.construct_mapping(node, deep=True)
    )
    document = yaml.load(path.read_text("utf-8"), Loader)
    clip: dict[str, Any] = document["AnimationClip"]
    return clip


def test_unity_clip_is_yaml_with_our_curves(tmp_path: Path) -> None:
    animation = make_animation()
    animation.save(tmp_path / 'take "声".anim', node="Head/Face")
    clip = load_unity_yaml(tmp_path / 'take "声".anim')
    assert clip["m_Name"] == 'take "声"'
    assert clip["m_SampleRate"] == 30
    assert clip["m_AnimationClipSettings"]["m_StopTime"] == pytest.approx(1.0)
    assert clip["m_EditorCurves"] == clip["m_FloatCurves"]
    curves = {curve["attribute"]: curve for curve in clip["m_FloatCurves"]}
    assert list(curves) == [f"blendShape.{name}" for name in BLENDSHAPES]
    for column, curve in enumerate(curves.values()):
        assert (curve["path"], curve["classID"]) == ("Head/Face", 137)
        keys = curve["curve"]["m_Curve"]
        # Broken tangents, linear on both sides: as Unity's editor writes them.
        assert {key["tangentMode"] for key in keys} == {69}
        times, values = [key["time"] for key in keys], [key["value"] for key in keys]
        expected = animation.weights[:, column] * 100
        np.testing.assert_allclose(np.interp(animation.times, times, values), expected, atol=0.011)
        slopes = np.diff(values) / np.diff(times)
        np.testing.assert_allclose(
            [key["outSlope"] for key in keys[:-1]], slopes, rtol=1e-3, atol=1e-2
        )
    assert len(curves["blendShape.eyeLookOutLeft"]["curve"]["m_Curve"]) == 2  # at rest throughout


def test_unity_clip_keeps_its_frames_apart_for_hours(tmp_path: Path) -> None:
    times = 4 * 3600 + np.arange(600) / 60
    weights = np.random.default_rng(0).random((600, 1), np.float32)
    Animation(times, weights, ("jawOpen",), 60).save(tmp_path / "take.anim")
    clip = load_unity_yaml(tmp_path / "take.anim")
    [curve] = clip["m_FloatCurves"]
    keys = [key["time"] for key in curve["curve"]["m_Curve"]]
    np.testing.assert_allclose(keys, times, rtol=0, atol=1e-4)
    assert clip["m_AnimationClipSettings"]["m_StopTime"] == pytest.approx(times[-1], abs=1e-4)


def test_threejs_clip(tmp_path: Path) -> None:
    animation = make_animation()
    animation.save(tmp_path / "take.json")
    clip = json.loads((tmp_path / "take.json").read_text())
    seconds = 1 / clip.get("fps", 1)  # AnimationClip.parse multiplies all times by this
    for track in clip["tracks"]:
        np.testing.assert_allclose(np.array(track["times"]) * seconds, animation.times, atol=6e-6)
    assert clip["duration"] == pytest.approx(31 / 30, abs=1e-5)
    assert clip["tracks"][17]["name"] == ".morphTargetInfluences[jawOpen]"
    got = np.array([track["values"] for track in clip["tracks"]]).T
    np.testing.assert_allclose(got, animation.weights, atol=5.1e-5)


def test_npz(tmp_path: Path) -> None:
    animation = make_animation(fps=60)
    animation.save(tmp_path / "take.npz")
    with np.load(tmp_path / "take.npz") as arrays:
        np.testing.assert_array_equal(arrays["weights"], animation.weights)
        np.testing.assert_array_equal(arrays["times"], animation.times)
        assert tuple(arrays["names"]) == BLENDSHAPES
        assert arrays["fps"] == 60


def read_gltf_weights(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Times, weights (T, targets) and target names of the first animation, by pygltflib."""
    gltf = pygltflib.GLTF2().load(str(path))
    gltf.convert_buffers(pygltflib.BufferFormat.BINARYBLOB)
    [clip] = gltf.animations
    sampler = clip.samplers[clip.channels[0].sampler]
    assert clip.channels[0].target.path == "weights"

    def floats(accessor: int) -> np.ndarray:
        of = gltf.accessors[accessor]
        view = gltf.bufferViews[of.bufferView]
        start = view.byteOffset + (of.byteOffset or 0)
        return np.frombuffer(gltf.binary_blob(), "<f4", of.count, start)

    times = floats(sampler.input)
    names = gltf.meshes[gltf.nodes[clip.channels[0].target.node].mesh].extras["targetNames"]
    return times, floats(sampler.output).reshape(len(times), -1), names


@pytest.mark.parametrize("extension", ["glb", "gltf"])
def test_glb_moves_the_matching_targets(tmp_path: Path, extension: str) -> None:
    rig = make_rig(tmp_path / "rig.glb", ["Head.JawOpen", "unknown", "mouthSmile_L"])
    animation = make_animation()
    animation.save(tmp_path / f"take.{extension}", rig=rig)
    times, weights, names = read_gltf_weights(tmp_path / f"take.{extension}")
    assert names == ["Head.JawOpen", "unknown", "mouthSmile_L"]
    np.testing.assert_allclose(times, animation.times, atol=1e-6)
    np.testing.assert_array_equal(weights[:, 0], animation["jawOpen"])
    np.testing.assert_array_equal(weights[:, 1], 0)
    np.testing.assert_array_equal(weights[:, 2], animation["mouthSmileLeft"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "missing.glb", "no rig at"),
        (lambda folder: make_rig(folder / "rig.glb", None), "no named morph targets"),
        (lambda folder: make_rig(folder / "rig.glb", ["a", "b", "c"]), r"None of the 3 morph"),
        (lambda folder: make_rig(folder / "rig.glb", [], 0), "no named morph targets"),
        (lambda folder: None, "--rig"),
    ],
)
def test_unfit_rigs_are_sentences(
    tmp_path: Path, make: Callable[[Path], Path | None], words: str
) -> None:
    with pytest.raises(OutputError, match=words):
        make_animation().save(tmp_path / "take.glb", rig=make(tmp_path))
    assert not (tmp_path / "take.glb").exists()


@pytest.mark.parametrize(
    "content", [b"", b"glTF", b"{}", b"\xff" * 64, b"glTF\x02\0\0\0" + b"\xff" * 8]
)
def test_broken_rigs_are_sentences(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rig.glb").write_bytes(content)
    with pytest.raises(OutputError, match="export the"):
        make_animation().save(tmp_path / "take.glb", rig=tmp_path / "rig.glb")


BLENDER_SCRIPT = """
import json, sys
import bpy, numpy
numpy.bool = bool  # Blender 3.4's importer uses a name that Debian's NumPy 1.24 has dropped
rig, out = sys.argv[sys.argv.index("--") + 1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.render.fps = 30
bpy.ops.import_scene.gltf(filepath=rig)
[mesh] = [o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys]
frames = []
for frame in range(31):
    bpy.context.scene.frame_set(frame)
    frames.append({k.name: k.value for k in mesh.data.shape_keys.key_blocks[1:]})
json.dump(frames, open(out, "w"))
"""


def test_blender_plays_the_glb(
    tmp_path: Path, shared_data: Path, needs_tool: Callable[[str], str]
) -> None:
    blender = needs_tool("blender")
    animation = make_animation()
    animation.save(tmp_path / "take.glb", rig=shared_data / "rigs" / "ict_face52.glb")
    (tmp_path / "read.py").write_text(BLENDER_SCRIPT)
    command = [blender, "--background", "--factory-startup", "--python-exit-code", "1"]
    command += ["--python", str(tmp_path / "read.py"), "--", str(tmp_path / "take.glb")]
    command.append(str(tmp_path / "weights.json"))
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    frames = json.loads((tmp_path / "weights.json").read_text())
    got = np.array([[frame[name] for name in BLENDSHAPES] for frame in frames])
    np.testing.assert_allclose(got, animation.weights, atol=1e-3)
