"""Maps and presets by name, and `koemorph retarget`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pygltflib
import pytest

from koemorph import Animation, load_preset, load_retarget_map
from koemorph.blendshapes import BLENDSHAPES, INDEX, PASCAL_NAMES
from koemorph.cli import main
from koemorph.controls import presets
from koemorph.errors import DataError
from koemorph.retarget import apply_map, best_map, maps


def animation(frames: int = 6) -> Animation:
    weights = np.random.default_rng(4).random((frames, 52), np.float32)
    return Animation(np.arange(frames) / 30, weights)


def test_bundled_presets_load_and_have_a_description() -> None:
    folder = Path(load_preset.__code__.co_filename).parent / "presets"
    assert set(presets()) >= {"raw", "natural", "expressive", "subtle", "microphone"}
    for name in presets():
        load_preset(name).check()
        file = json.loads((folder / f"{name}.json").read_text())
        assert file["name"] == name
        assert file["description"].endswith(".")
    assert load_preset("raw").blink == 0
    assert load_preset("microphone").gate == 1


def test_user_files_load_and_their_errors_have_a_position(tmp_path: Path) -> None:
    own = tmp_path / "mine.json"
    text = '{"koemorph": "preset", "version": 1, "name": "a", "controls": {"idle": 0.5}}'
    own.write_text(text, encoding="utf-8-sig")  # as editors on Windows write
    assert load_preset(own).idle == 0.5
    own.write_text('{"koemorph": "preset", "version": 1, "name": "a", "controls": {"idle": true}}')
    with pytest.raises(DataError, match=r"mine\.json: idle .*line 1, column 72") as raised:
        load_preset(own)
    assert raised.value.code == "invalid_preset"
    with pytest.raises(DataError) as raised:
        load_retarget_map(own)
    assert raised.value.code == "invalid_map"


def test_unknown_map_and_invalid_rig_are_rejected() -> None:
    for name in ("", "arkit\0"):
        with pytest.raises(DataError, match=f'"{name}"') as raised:
            load_retarget_map(name)
        assert raised.value.code == "file_not_found"
    with pytest.raises(DataError, match='"jawOpen"') as raised:
        load_retarget_map("arkit", "jawOpen")
    assert raised.value.code == "invalid_rig_names"
    with pytest.raises(DataError, match="0 blend shapes") as raised:
        best_map([])
    assert raised.value.code == "no_matching_map"


def test_documentation_of_maps_and_presets_is_complete(tmp_path: Path) -> None:
    """The page's examples load, and its tables name exactly the existing controls and keys."""
    page = (
        Path(__file__).parents[2] / "docs" / "how-to" / "retarget-maps-and-presets.md"
    ).read_text()
    target, preset = (tmp_path / "map.json", tmp_path / "preset.json")
    for file, text in zip(
        (target, preset), re.findall(r"```json\n(.+?)```", page, re.S), strict=True
    ):
        file.write_text(text)
    rig = ["blink.L", "Head_Mouth_A", "Scar"]
    assert load_retarget_map(target, rig).driven == (True, True, False)
    controls = load_preset(preset)
    assert controls.maximum[INDEX["eyeBlinkLeft"]] == pytest.approx(0.9)
    assert controls.cancel_group[INDEX["mouthFrownRight"]] == 2
    rows = re.findall(r"^\| (`.+?) \|", page, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    fields = {name for name in dir(controls) if not name.startswith("_")} - {"copy", "check"}
    known = fields - {"active", "cancel_group"} | {"inactive", "cancel"}
    assert named - {"from", "curve", "times"} - {*maps(), *presets()} == known


def test_best_map_drives_most_blend_shapes() -> None:
    assert best_map(PASCAL_NAMES).driven == (True,) * 52
    assert best_map(["Fcl_MTH_A", "Fcl_MTH_I", "Fcl_ALL_Joy"]).name == "vroid"
    assert best_map(["viseme_aa", "viseme_PP", "mouthOpen"]).name == "oculus"
    assert best_map(["vrc.blink", "Body.vrc.v_aa", "vrc.v_e", "vrc.v_oh"]).name == "vrchat"
    assert best_map(["Mouth_Up_Upper_L", "Eye_Blink_L", "Jaw_Open"]).name == "character_creator_4"
    assert best_map(["aa", "ih", "ou", "ee", "oh", "blinkLeft"]).name == "vrm1"
    with pytest.raises(DataError, match=r"2 .*nose, ear") as raised:
        best_map(["nose", "ear"])
    assert raised.value.code == "no_matching_map"


def test_columns_are_matched_by_name() -> None:
    straight = animation()
    order = np.random.default_rng(0).permutation(52)
    mixed = Animation(
        straight.times, straight.weights[:, order], tuple(BLENDSHAPES[i] for i in order)
    )
    np.testing.assert_array_equal(
        apply_map(mixed, "live_link").weights, apply_map(straight, "live_link").weights
    )
    with pytest.raises(DataError, match="52") as raised:
        apply_map(apply_map(straight, "vrm1"), "vrm1")
    assert raised.value.code == "not_arkit"


def retarget(folder: Path, *options: str | Path) -> int:
    """Retarget a take in the folder to out.npz; return the exit code."""
    animation().save(folder / "take.jsonl")
    files = [str(folder / "take.jsonl"), "-o", str(folder / "out.npz")]
    with pytest.raises(SystemExit) as ended:
        main(["retarget", *files, *map(str, options)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_command_applies_a_map(tmp_path: Path) -> None:
    assert retarget(tmp_path, "--map", "vrm1") == 0
    with np.load(tmp_path / "out.npz") as file:
        names = [str(name) for name in file["names"]]
        weights = file["weights"]
    expected = apply_map(animation(), "vrm1")
    assert tuple(names) == expected.names
    np.testing.assert_allclose(weights, expected.weights, atol=1e-5)


def test_command_matches_a_rig_and_lists_unmatched_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["Head.Jaw_Open", "mouthSmile_L", "earWiggle"]
    points = pygltflib.Attributes(POSITION=0)
    primitive = pygltflib.Primitive(attributes=points, targets=[points] * 3)
    place = pygltflib.Accessor(
        bufferView=0, componentType=5126, count=1, type="VEC3", min=[0] * 3, max=[0] * 3
    )
    rig = pygltflib.GLTF2(
        meshes=[pygltflib.Mesh(primitives=[primitive], extras={"targetNames": names})],
        nodes=[pygltflib.Node(mesh=0)],
        accessors=[place],
        bufferViews=[pygltflib.BufferView(buffer=0, byteLength=12)],
        buffers=[pygltflib.Buffer(byteLength=12)],
    )
    rig.set_binary_blob(b"\0" * 12)
    rig.save(str(tmp_path / "rig.glb"))
    assert retarget(tmp_path, "--rig", tmp_path / "rig.glb") == 0
    driven, unmatched, missing = capsys.readouterr().err.splitlines()
    assert "2 of 3" in driven
    assert "earWiggle" in unmatched
    assert "mouthSmileRight" in missing
    with np.load(tmp_path / "out.npz") as file:
        assert [str(name) for name in file["names"]] == names
        np.testing.assert_allclose(
            file["weights"][:, 1], animation().weights[:, INDEX["mouthSmileLeft"]], atol=1e-5
        )
        assert not file["weights"][:, 2].any()


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ([], "--map"),
        (["--map", "nothing"], '"nothing"'),
        (["--rig", "missing.glb"], "missing.glb"),
    ],
)
def test_invalid_options_are_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], value: str
) -> None:
    assert retarget(tmp_path, *options) == 2
    assert value in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()


def test_maps_lists_the_bundled_maps() -> None:
    assert {"arkit", "vrm0", "vrm1", "oculus", "vroid", "character_creator_4"} <= set(maps())
