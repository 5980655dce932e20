"""File formats, read back by independent libraries, by Blender and by `koemorph.outputs.read`."""

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

from koemorph import outputs
from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError, OutputError


def make_animation(frames: int = 31, fps: int = 30) -> Animation:
    """Every blend shape oscillates at its own rate; one stays at 0."""
    times = np.arange(frames) / fps
    columns = np.arange(52)
    weights = 0.5 - 0.5 * np.cos(times[:, None] * (2 + columns))
    weights[:5] = 0
    weights[:, 3] = 0
    return Animation(times, weights.astype(np.float32), BLENDSHAPES, fps)


def make_rig(path: Path, names: list[str] | None, targets: int = 3) -> Path:
    """Write a triangle with morph targets using trimesh and pygltflib."""
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], process=False)
    gltf = pygltflib.GLTF2.load_from_bytes(mesh.export(file_type="glb"))
    position = gltf.meshes[0].primitives[0].attributes.POSITION
    gltf.meshes[0].primitives[0].targets = [{"POSITION": position} for _ in range(targets)]
    if names is not None:
        gltf.meshes[0].extras = {"targetNames": names}
    gltf.save(str(path))
    return path


def test_live_link_csv_has_the_columns_of_the_app(tmp_path: Path) -> None:
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
    """Parse a timecode as Unreal's Live Link Face Importer does: frames are sixtieths."""
    hours, minutes, seconds, frames = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(frames) / 60


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_live_link_csv_timecodes_match_the_frame_times(tmp_path: Path, fps: int) -> None:
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


def test_unity_clip_keys_are_reduced_within_the_tolerance(tmp_path: Path) -> None:
    frames = np.arange(300)
    weights = np.zeros((300, 52), np.float32)
    weights[:, 0] = np.minimum(frames, 300 - frames) / 300  # two lines
    weights[:, 1] = 0.5 + 0.4 * np.sin(frames / 5)
    weights[:, 2] = 0.3 + 4e-5 * np.sin(frames)  # within the tolerance of a constant
    animation = Animation(frames / 30, weights, BLENDSHAPES, 30)
    animation.save(tmp_path / "take.anim")
    read = outputs.read(tmp_path / "take.anim")
    assert np.abs(read.weights - weights).max() <= 1e-4
    text = (tmp_path / "take.anim").read_text().partition("m_EditorCurves:")[0]
    keys = [part.count("time: ") for part in text.split("- curve:")[1:]]
    assert keys[0] == 3
    assert keys[1] > 100
    assert keys[2:] == [2] * 50


def test_unity_clip_is_yaml_with_all_curves(tmp_path: Path) -> None:
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
        # Broken tangents, linear on both sides, as the Unity editor writes them.
        assert {key["tangentMode"] for key in keys} == {69}
        times, values = [key["time"] for key in keys], [key["value"] for key in keys]
        expected = animation.weights[:, column] * 100
        np.testing.assert_allclose(np.interp(animation.times, times, values), expected, atol=0.011)
        slopes = np.diff(values) / np.diff(times)
        np.testing.assert_allclose(
            [key["outSlope"] for key in keys[:-1]], slopes, rtol=1e-3, atol=1e-2
        )
    assert len(curves["blendShape.eyeLookOutLeft"]["curve"]["m_Curve"]) == 2  # constant


def test_unity_clip_times_stay_distinct_after_hours(tmp_path: Path) -> None:
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
    seconds = 1 / clip.get("fps", 1)  # AnimationClip.parse multiplies times by this
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
    """Return times, weights (T, targets) and target names of the first animation."""
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
def test_glb_animates_the_matching_targets(tmp_path: Path, extension: str) -> None:
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
    ("make", "code"),
    [
        (lambda folder: folder / "missing.glb", "rig_missing"),
        (lambda folder: make_rig(folder / "rig.glb", None), "rig_without_targets"),
        (lambda folder: make_rig(folder / "rig.glb", ["a", "b", "c"]), "rig_unmatched"),
        (lambda folder: make_rig(folder / "rig.glb", [], 0), "rig_without_targets"),
        (lambda folder: None, "rig_missing"),
    ],
)
def test_an_unusable_rig_is_rejected(
    tmp_path: Path, make: Callable[[Path], Path | None], code: str
) -> None:
    with pytest.raises(OutputError) as caught:
        make_animation().save(tmp_path / "take.glb", rig=make(tmp_path))
    assert caught.value.code == code
    assert not (tmp_path / "take.glb").exists()


@pytest.mark.parametrize(
    "content", [b"", b"glTF", b"{}", b"\xff" * 64, b"glTF\x02\0\0\0" + b"\xff" * 8]
)
def test_a_malformed_rig_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rig.glb").write_bytes(content)
    with pytest.raises(OutputError) as caught:
        make_animation().save(tmp_path / "take.glb", rig=tmp_path / "rig.glb")
    assert caught.value.code in ("rig_broken", "rig_without_mesh")


@pytest.mark.parametrize("fps", [24, 30, 60])
@pytest.mark.parametrize(
    ("extension", "tolerance"),
    [("jsonl", 1e-6), ("csv", 1e-6), ("anim", 2e-4), ("json", 6e-5), ("npz", 0), ("glb", 1e-6)],
)
def test_every_written_format_is_read_back(
    tmp_path: Path, extension: str, tolerance: float, fps: int
) -> None:
    animation, path = make_animation(40, fps), tmp_path / f"take.{extension}"
    rig = make_rig(tmp_path / "rig.glb", ["jawOpen", "unknown", "mouthSmileLeft"])
    animation.save(path, rig=rig)
    back = outputs.read(path)
    assert back.fps == fps
    np.testing.assert_allclose(back.times, animation.times, atol=1e-4)
    for name in ("jawOpen", "mouthSmileLeft"):
        np.testing.assert_allclose(back[name], animation[name], atol=tolerance)
    if extension != "glb":
        assert back.names == BLENDSHAPES


def test_a_live_link_recording_of_the_app_starts_at_0(tmp_path: Path) -> None:
    """The app's timecode is the time of day, here across midnight."""
    make_animation(4, 60).save(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    stamps = ["23:59:59:58.250", "23:59:59:59.250", "00:00:00:00.250", "00:00:00:01.250"]
    values = [line.partition(",")[2] for line in lines[1:5]]
    rows = [f"{stamp},{row}" for stamp, row in zip(stamps, values, strict=True)]
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *rows]))
    back = outputs.read(tmp_path / "b.csv")
    np.testing.assert_allclose(back.times, np.arange(4) / 60, atol=1e-6)
    assert back.fps == 60


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", "Timecode,JawOpen\n", "bad_csv"),
        ("a.npz", "text", "bad_npz"),
        ("a.json", "{}", "bad_clip"),
        ("a.anim", "AnimationClip:", "bad_anim"),
        ("a.glb", "glTF", "unreadable"),
        ("a.xyz", "", "unknown_format"),
    ],
)
def test_a_malformed_file_is_rejected(tmp_path: Path, name: str, content: str, code: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=name) as caught:
        outputs.read(tmp_path / name)
    assert caught.value.code == code


BLENDER_SCRIPT = """
import json, sys
import bpy, numpy
numpy.bool = bool  # Blender 3.4's importer uses a name that NumPy 1.24 removed
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


def test_blender_imports_the_glb(
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
