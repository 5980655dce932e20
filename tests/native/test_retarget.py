"""Retarget maps: computed weights and errors in files."""

import re
from typing import Any

import pytest
from retarget_maps import face, load, outputs

from koemorph import _native


def test_copies_sums_offsets_curves_and_limits() -> None:
    retarget = load(
        {
            "copy": "jawOpen",
            "sum": {"from": {"jawOpen": 0.5, "mouthClose": -0.25}, "offset": 0.1},
            "curve": {"from": {"jawOpen": 1}, "curve": [[0.2, 0.1], [0.4, 0.5], [0.6, 0.2]]},
            "wide": {"from": {"jawOpen": 4}, "minimum": -1, "maximum": 3},
            "constant": {"offset": 0.25},
        }
    )
    at_half = outputs(retarget, jawOpen=0.5, mouthClose=0.4)
    assert at_half == pytest.approx(
        {"copy": 0.5, "sum": 0.25, "curve": 0.35, "wide": 2.0, "constant": 0.25}
    )
    assert outputs(retarget, jawOpen=1.0)["curve"] == pytest.approx(0.2)
    assert outputs(retarget, jawOpen=1.0)["wide"] == pytest.approx(3.0)
    assert outputs(retarget)["curve"] == pytest.approx(0.1)


def test_targets_may_use_each_other_in_any_order() -> None:
    retarget = load(
        {
            "rest": {"from": {"@open": -1, "@round": -1}, "offset": 1},
            "round": {"from": {"mouthFunnel": 1, "@open": -0.5}},
            "open": "jawOpen",
        }
    )
    assert retarget.names == ("rest", "round", "open")
    assert outputs(retarget, jawOpen=0.4, mouthFunnel=0.5) == pytest.approx(
        {"open": 0.4, "round": 0.3, "rest": 0.3}
    )


def test_nan_in_a_frame_becomes_the_minimum() -> None:
    frame = face(jawOpen=float("nan"))
    assert load({"a": "jawOpen", "b": "mouthClose"}).apply(frame).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("targets", "value"),
    [
        ({"a": "jawopen"}, '"jawopen"'),
        ({"a": {"from": {"@b": 1}}}, '"@b"'),
        ({"a": {"from": {"@b": 1}}, "b": {"from": {"@a": 1}}}, '"a", "b", "a"'),
        ({"a": {"from": {"@a": 1}}}, '"a", "a"'),
        ({"a": {"from": {"jawOpen": float("nan")}}}, "NaN"),
        ({"a": {"from": {"jawOpen": "1"}}}, "jawOpen"),
        ({"a": {"from": {"jawOpen": 1e9}}}, "1000"),
        ({"a": {"gain": 1}}, '"gain"'),
        ({"a": {"from": {}, "minimum": 1, "maximum": 0}}, "minimum"),
        ({"a": {"curve": [[0, 0], [0, 1]]}}, "curve"),
        ({"a": {"curve": [[0, 0]]}}, "curve"),
        ({"a": {"curve": [[0, 0], [1]]}}, "curve"),
        ({"a": {"curve": 3}}, "curve"),
        ({"a": {"times": ["jawopen"]}}, '"jawopen"'),
        ({"a": {"times": []}}, '"times"'),
        ({"a": {"times": "jawOpen"}}, '"times"'),
        ({"a": {"times": [1]}}, '"times"'),
        ({"a": {"times": ["@a"]}}, '"a", "a"'),
        ({"a": 1}, "a"),
        ({}, '"targets"'),
        ({f"t{i}": "jawOpen" for i in range(513)}, "512"),
    ],
)
def test_an_invalid_map_is_rejected_with_the_invalid_value(targets: Any, value: str) -> None:
    with pytest.raises(ValueError, match=re.escape(value)):
        load(targets)


def test_other_files_are_rejected() -> None:
    with pytest.raises(ValueError, match="retarget"):
        load({"a": "jawOpen"}, koemorph="preset")
    with pytest.raises(ValueError, match='"version": 1'):
        load({"a": "jawOpen"}, version=2)
    with pytest.raises(ValueError, match='"gains"'):
        load({"a": "jawOpen"}, gains={})
    with pytest.raises(ValueError, match='"name"'):
        load({"a": "jawOpen"}, name="")


def test_a_circular_dependency_is_rejected_with_its_line() -> None:
    text = """{"koemorph": "retarget", "version": 1, "name": "test", "targets": {
  "free": "jawOpen",
  "outside": {"from": {"@first": 1}},
  "first": {"from": {"@second": 1}},
  "second": {"from": {"@first": 1}}}}"""
    with pytest.raises(ValueError, match=r'"first", "second", "first" \(line 4, column 12\)'):
        _native.RetargetMap(text.encode())


def test_correctives_of_the_map_are_driven() -> None:
    retarget = load(
        {
            "jawOpen": "jawOpen",
            "mouthClose": "mouthClose",
            "jawOpen_mouthClose": {"from": {"jawOpen": 1}, "times": ["mouthClose"]},
            "inv_jawOpen": {"from": {"@jawOpen": -1}, "offset": 1},
            "cube": {"from": {"jawOpen": 2}, "times": ["@jawOpen", "@jawOpen"]},
        }
    )
    retarget.match_rig(["jawOpen", "mouthClose", "jaw_open_mouth_close", "inv_jawOpen", "cube"])
    assert list(outputs(retarget, jawOpen=0.5, mouthClose=0.4).values()) == pytest.approx(
        [0.5, 0.4, 0.2, 0.5, 0.25]
    )


def test_a_sum_limit_scales_its_targets_by_one_factor() -> None:
    retarget = load(
        {
            "rest": {"from": {"@a": -1, "@b": -1}, "offset": 1},
            "a": {"from": {"jawOpen": 2}},
            "b": {"from": {"mouthFunnel": 1}, "minimum": -1},
            "c": "jawOpen",
        },
        sum_limits=[{"targets": ["a", "b"], "limit": 0.5}],
    )
    above = outputs(retarget, jawOpen=0.4, mouthFunnel=0.2)
    assert above == pytest.approx({"rest": 0.0, "a": 0.4, "b": 0.1, "c": 0.4})
    below = outputs(retarget, jawOpen=0.1, mouthFunnel=0.2)
    assert below == pytest.approx({"rest": 0.6, "a": 0.2, "b": 0.2, "c": 0.1})


@pytest.mark.parametrize(
    ("limits", "value"),
    [
        ([{"targets": ["b"]}], '"b"'),
        ([{"targets": []}], '"targets"'),
        ([{"limit": 1}], '"targets"'),
        ([{"targets": ["a", "a"]}], '"a"'),
        ([{"targets": ["a"]}, {"targets": ["a"]}], '"a"'),
        ([{"targets": ["a"], "limit": -1}], "limit"),
        ([{"targets": ["a"], "most": 1}], '"most"'),
        ([], '"sum_limits"'),
        (3, '"sum_limits"'),
    ],
)
def test_an_invalid_sum_limit_is_rejected(limits: Any, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        load({"a": "jawOpen"}, sum_limits=limits)
