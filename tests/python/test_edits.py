"""Edits of single moments: their effect, their files and their errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chromium import Wait, show
from click.testing import CliRunner

from koemorph import Animation, Model, load_retarget_map
from koemorph.blendshapes import BLENDSHAPES, GROUPS, INDEX
from koemorph.cli.animate import command as animate
from koemorph.cli.preview import command as preview
from koemorph.edits import Edit, apply_edits, load_edits
from koemorph.errors import DataError
from koemorph.outputs import npz
from koemorph.retarget import apply_map

JAW = INDEX["jawOpen"]


def ramp() -> Animation:
    """Two seconds in which all weights grow from 0 to 0.59."""
    weights = np.repeat(np.arange(60, dtype=np.float32)[:, None] / 100, 52, axis=1)
    return Animation(np.arange(60) / 30, weights)


def jaw(edit: Edit) -> np.ndarray:
    return apply_edits(ramp(), [edit]).weights[:, JAW]


@pytest.mark.parametrize(
    ("operation", "value", "expected"),
    [
        ("set", 0.8, 0.8),
        ("add", 0.2, 0.65),
        ("add", 0.9, 1.0),
        ("multiply", 0.5, 0.225),
        ("hold", 0, 0.3),
        ("smooth", 0.2, 0.45),
        ("shift", 0.2, 0.39),
        ("shift", -0.1, 0.48),
    ],
)
def test_operations(operation: str, value: float, expected: float) -> None:
    edited = jaw(Edit(1, 1.7, "jawOpen", operation, value))
    assert edited[45] == pytest.approx(expected, abs=1e-6)
    assert edited[29] == pytest.approx(0.29)
    assert edited[52] == pytest.approx(0.52)


def test_fades_are_linear_and_both_ends_are_included() -> None:
    edited = jaw(Edit(1, 1.5, "jawOpen", "set", 1, fade_in=0.2, fade_out=0.1))
    plain = ramp().weights[:, JAW]
    strength = (edited - plain) / (1 - plain)
    np.testing.assert_allclose(
        strength[[29, 30, 33, 36, 42, 45, 46]], [0, 0, 0.5, 1, 1, 0, 0], atol=1e-6
    )
    sharp = jaw(Edit(1, 1.5, "jawOpen", "set", 1))
    assert sharp[30] == sharp[45] == 1
    assert sharp[46] < 1


def test_a_region_contains_its_blend_shapes_and_edits_apply_in_order() -> None:
    edits = [Edit(0, 2, "mouth", "set", 0.5), Edit(0, 2, "mouth", "multiply", 0.5)]
    edited = apply_edits(ramp(), edits)
    changed = np.abs(edited.weights - ramp().weights).max(axis=0) > 0
    assert {name for name, is_changed in zip(BLENDSHAPES, changed, strict=True) if is_changed} == {
        *GROUPS["mouth"]
    }
    assert edited["mouthClose"][10] == 0.25


def test_csv_and_json_files_are_read(tmp_path: Path) -> None:
    expected = (Edit(0.5, 1, "mouthClose", "add", 0.3, 0.05), Edit(1, 2, "eyes", "hold"))
    (tmp_path / "edits.csv").write_text(
        "\ufeffStart,end,target,operation,value,fade_in\n"
        "0.5,1,mouthClose,add,0.3,0.05\n\n# a comment\n1,2,eyes,hold,,\n",
        "utf-8",
    )
    assert load_edits(tmp_path / "edits.csv") == expected
    rows = [
        {"start": 0.5, "end": 1, "target": "mouthClose", "operation": "add", "value": 0.3}
        | {"fade_in": 0.05},
        {"start": 1, "end": 2, "target": "eyes", "operation": "hold"},
    ]
    content = {"koemorph": "edits", "version": 1, "edits": rows}
    (tmp_path / "edits.json").write_text(json.dumps(content))
    assert load_edits(tmp_path / "edits.json") == expected


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("1,0.5,jawOpen,set,1", "0.5"),
        ("-1,2,jawOpen,set,1", "-1"),
        ("0,1,jaw_open,set,1", '"jaw_open"'),
        ("0,1,jawOpen,raise,1", '"raise"'),
        ("0,1,jawOpen,set,x", '"x"'),
        ("0,1,jawOpen,set,nan", "nan"),
        ("0,1,jawOpen,set,", "value"),
        ("0,1,jawOpen,smooth,0", "smooth"),
        ("0,1,jawOpen,shift,99", "99"),
        ("0,1,jawOpen,set,1,0.7,0.7", "0.7"),
        ("0,1,jawOpen,set,1,0,0,5", "8"),
    ],
)
def test_invalid_lines_are_refused_with_their_number(tmp_path: Path, line: str, value: str) -> None:
    path = tmp_path / "edits.csv"
    path.write_text(f"start,end,target,operation,value,fade_in,fade_out\n0,1,jaw,set,0\n{line}\n")
    with pytest.raises(DataError, match="line 3") as raised:
        load_edits(path)
    assert raised.value.code == "invalid_edit"
    assert value in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "code", "value"),
    [
        ("none.csv", None, "unreadable", "none.csv"),
        ("a.csv", "start,end,target\n", "invalid_edit", '"operation"'),
        ("a.csv", "", "invalid_edit", "line 1"),
        ("a.json", "{", "invalid_edit", "JSON"),
        ("a.json", "[]", "invalid_edit", "edits"),
        ("a.json", '{"koemorph": "edits", "edits": [{"strt": 1}]}', "invalid_edit", "edit 1"),
    ],
)
def test_invalid_files_are_refused(
    tmp_path: Path, name: str, text: str | None, code: str, value: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as raised:
        load_edits(tmp_path / name)
    assert raised.value.code == code
    assert value in str(raised.value)


def test_animate_applies_edits_before_the_map(
    tmp_path: Path, speech: Path, tiny_models: dict[int, Path]
) -> None:
    (tmp_path / "edits.csv").write_text(
        "start,end,target,operation,value\n0.2,0.6,jawOpen,set,0.9\n"
    )
    output = tmp_path / "out.npz"
    options = ["--edits", tmp_path / "edits.csv", "--retarget", "live_link", "-o", output]
    options += ["--model", tiny_models[30]]
    result = CliRunner().invoke(animate, [str(speech), *map(str, options)])
    assert result.exit_code == 0, result.output
    plain = Model(tiny_models[30]).animate(speech)
    edited = apply_edits(plain, load_edits(tmp_path / "edits.csv"))
    expected = apply_map(edited, load_retarget_map("live_link"))
    written = npz.read(output)
    np.testing.assert_allclose(written.weights, expected.weights, atol=1e-6)
    assert written["JawOpen"][10] == pytest.approx(0.9)


def test_edits_of_several_recordings_are_refused(tmp_path: Path, speech: Path) -> None:
    arguments = [str(speech), str(speech), "--edits", "e.csv", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(animate, arguments)
    assert isinstance(result.exception, DataError)
    assert result.exception.code == "edits_for_batch"


def test_the_page_applies_makes_and_saves_edits(
    tmp_path: Path, speech: Path, open_browser, wait_until: Wait
) -> None:
    edits = tmp_path / "edits.csv"
    edits.write_text("start,end,target,operation,value\n0.2,1,jawOpen,set,0.9\n")
    page_file = tmp_path / "page.html"
    arguments = [str(speech), "--edits", str(edits), "-o", str(page_file)]
    assert CliRunner().invoke(preview, arguments).exit_code == 0
    page, errors = show(open_browser, wait_until, page_file)
    jaw_open = "(koemorph.show(0.5), koemorph.takes[0].faceWeights.jawOpen)"
    assert page.evaluate(jaw_open) == pytest.approx(0.9, abs=0.01)
    # Every operation as in Python.
    plain = Model().animate(speech)
    more = [
        Edit(0, 2, "mouth", "add", 0.1, 0.2, 0.3),
        Edit(0.5, 2, "all", "smooth", 0.2),
        Edit(0.5, 1.5, "jaw", "multiply", 0.5),
        Edit(0.5, 2, "eyes", "hold"),
        Edit(0.3, 2, "mouthClose", "shift", 0.1),
    ]
    page.evaluate("(edits) => koemorph.editor.onChange(edits)", [vars(edit) for edit in more])
    expected = apply_edits(plain, more).weights[30]
    shown = page.evaluate("(koemorph.show(1), koemorph.takes[0].faceWeights)")
    np.testing.assert_allclose([shown[name] for name in BLENDSHAPES], expected, atol=0.012)
    box = page.locator("#timeline").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.select_option("#editForm [name=target]", "mouthClose")
    page.fill("#editForm [name=value]", "0.4")
    page.click("#editForm button >> nth=0")
    with page.expect_download() as download:
        page.click("#downloadEdits")
    download.value.save_as(tmp_path / "saved.csv")
    first, second = load_edits(tmp_path / "saved.csv")
    assert first == load_edits(edits)[0]
    duration = plain.duration
    assert (second.target, second.operation, second.value) == ("mouthClose", "set", 0.4)
    assert second.start == pytest.approx(duration / 4, abs=0.05)
    assert second.end == pytest.approx(duration / 2, abs=0.05)
    assert errors == []
