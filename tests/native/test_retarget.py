"""Retarget maps: computed weights, errors in files, matching of rigs."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import koemorph
from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES, PASCAL_NAMES

MAPS = sorted((Path(__file__).parents[2] / "python" / "koemorph" / "maps").glob("*.json"))


def load(targets: Any, **more: Any) -> Any:
    file = {"koemorph": "retarget", "version": 1, "name": "test", "targets": targets, **more}
    return _native.RetargetMap(json.dumps(file).encode())


def bundled(name: str) -> Any:
    return _native.RetargetMap(next(path for path in MAPS if path.stem == name).read_bytes())


def face(**weights: float) -> np.ndarray:
    frame = np.zeros((1, 52), np.float32)
    for name, weight in weights.items():
        frame[0, BLENDSHAPES.index(name)] = weight
    return frame


def outputs(retarget: Any, **weights: float) -> dict[str, float]:
    return dict(zip(retarget.names, retarget.apply(face(**weights))[0].tolist(), strict=True))


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


@pytest.mark.parametrize(
    ("target", "rig_name"),
    [
        ("mouthSmileLeft", "mouthSmile_L"),
        ("mouthSmileLeft", "Mouth Smile.L"),
        ("mouthSmileLeft", "mouthSmileL"),
        ("mouthSmileLeft", "blendShape1.mouthSmileLeft"),
        ("mouthSmileLeft", "Head_mouthSmileLeft"),
        ("mouthSmileLeft", "Head_MouthSmileLeft"),
        ("MouthSmileLeft", "CC_Base_Body_Mouth_Smile_L"),
        ("jawOpen", "teeth_jaw_open"),
        ("jawOpen", "JAW_OPEN"),
        ("Fcl_MTH_A", "Face.M_F00_000_00_Fcl_MTH_A"),
        ("Blink_L", "blinkLeft"),
        ("A", "a"),
    ],
)
def test_rig_names_of_another_spelling_match(target: str, rig_name: str) -> None:
    retarget = load({target: "jawOpen", "unrelated": "mouthClose"})
    retarget.match_rig(["hair", rig_name])
    assert retarget.driven == (False, True)
    assert retarget.unmatched_targets == ["unrelated"]
    assert outputs(retarget, jawOpen=0.5) == {"hair": 0.0, rig_name: 0.5}


def test_a_circular_dependency_is_rejected_with_its_line() -> None:
    text = """{"koemorph": "retarget", "version": 1, "name": "test", "targets": {
  "free": "jawOpen",
  "outside": {"from": {"@first": 1}},
  "first": {"from": {"@second": 1}},
  "second": {"from": {"@first": 1}}}}"""
    with pytest.raises(ValueError, match=r'"first", "second", "first" \(line 4, column 12\)'):
        _native.RetargetMap(text.encode())


@pytest.mark.parametrize(
    "rig_name", ["V_Tongue_Out", "CC_Base_Tongue.V_Tongue_Out", "CC_Tongue_v_tongue_out"]
)
def test_a_viseme_does_not_match_an_expression_of_the_same_name(rig_name: str) -> None:
    retarget = bundled("character_creator_4")
    retarget.match_rig(["Tongue_Out", "CC_Base_Tongue_Tongue_Out", rig_name])
    assert retarget.driven == (True, True, False)


@pytest.mark.parametrize(
    "theirs",
    [
        "jawOpen.001",
        "jawOpen0",
        "jawOpen_12",
        "Head.jawOpen.001",
        "facs_bs_JawOpen_div2",
        "Jaw_Open-3",
    ],
)
def test_the_suffix_of_a_copy_is_ignored(theirs: str) -> None:
    retarget = load({"jawOpen": "jawOpen", "A": "mouthFunnel"})
    retarget.match_rig(["hair", theirs, "A1"])
    assert retarget.driven == (False, True, False)


@pytest.mark.parametrize(
    ("names", "driven"),
    [
        (["jawOpen", "jawOpen.001"], (True, False)),
        (["jawOpen.001", "jawOpen.002"], (False, False)),
        (["Head_jawOpen", "Teeth_jawOpen.001"], (True, True)),
        (["facs_jnt_JawOpen", "facs_bs_JawOpen_div2"], (True, True)),
        (["jawOpen50", "jaw_Open"], (False, True)),
    ],
)
def test_of_several_copies_none_is_guessed(names: list[str], driven: tuple[bool, ...]) -> None:
    retarget = load({"jawOpen": "jawOpen"})
    retarget.match_rig(names)
    assert retarget.driven == driven


@pytest.mark.parametrize(
    "theirs",
    [
        "jawOpen_mouthClose",
        "jawOpen.mouthClose",
        "Head.jawOpen_mouthClose",
        "C_jawOpen_mouthClose",
        "JawOpen_x_MouthClose",
        "jaw_open_mouth_close",
        "jawOpen_mouthFunnel_mouthClose",
        "jawOpen_mouthClose.001",
        "mouthSmile_L_mouthClose",
        "mouthSmileLeft_cheekSquintLeft",
        "mouthSmile_cheekSquint_L",
        "inv_mouthClose",
        "Inv.mouthClose",
        "corrective_mouthClose",
        "Blink_L_mouthClose",
    ],
)
def test_correctives_are_left_alone(theirs: str) -> None:
    retarget = load(
        {
            "mouthClose": "mouthClose",
            "Blink_L": "eyeBlinkLeft",
            "cheekSquintLeft": "cheekSquintLeft",
        }
    )
    retarget.match_rig([theirs])
    assert retarget.driven == (False,)


def test_correctives_that_a_map_names_are_driven() -> None:
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
def test_an_invalid_sum_limit_is_refused(limits: Any, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        load({"a": "jawOpen"}, sum_limits=limits)


@pytest.mark.parametrize("rig_name", ["mouthSmileRight", "mouthSmile", "smileLeft", "L", ""])
def test_other_shapes_do_not_match(rig_name: str) -> None:
    retarget = load({"mouthSmileLeft": "mouthSmileLeft"})
    retarget.match_rig([rig_name])
    assert retarget.driven == (False,)


def test_the_longest_suffix_and_the_same_spelling_have_priority() -> None:
    retarget = load(
        {
            "left": "jawLeft",
            "mouth_left": "mouthLeft",
            "jaw_Open": "jawRight",
            "jawOpen": "jawOpen",
            "A": "mouthFunnel",
        }
    )
    retarget.match_rig(["Head_Mouth_Left", "Head_jaw_Open", "Head_jawOpen", "Head_A", "jawOpened"])
    found = outputs(retarget, mouthLeft=0.1, jawRight=0.2, jawOpen=0.3, mouthFunnel=0.4)
    assert list(found.values()) == pytest.approx([0.1, 0.2, 0.3, 0, 0])


def test_bundled_maps_are_complete_and_named_like_their_files() -> None:
    assert {path.stem for path in MAPS} == {
        "arkit",
        "character_creator_3",
        "character_creator_4",
        "live_link",
        "oculus",
        "perfect_sync",
        "ready_player_me",
        "ready_player_me_basic",
        "vrchat",
        "vrm0",
        "vrm1",
        "vroid",
    }
    for path in MAPS:
        assert _native.RetargetMap(path.read_bytes()).name == path.stem


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_bundled_maps_stay_in_range_for_any_weights(path: Path) -> None:
    frames = np.random.default_rng(7).random((500, 52), np.float32)
    frames[0] = 0
    frames[1] = 1
    weights = _native.RetargetMap(path.read_bytes()).apply(frames)
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert np.ptp(weights[1:], axis=0).max() > 0


def test_identity_maps_change_only_names() -> None:
    frames = np.random.default_rng(1).random((3, 52), np.float32)
    for name, names in [("arkit", BLENDSHAPES), ("live_link", PASCAL_NAMES)]:
        assert bundled(name).names == names
        np.testing.assert_array_equal(bundled(name).apply(frames), frames)


# One typical mouth per vowel, as in captures.
MOUTHS = {
    "a": {"jawOpen": 0.5, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3},
    "i": {
        "jawOpen": 0.05,
        "mouthStretchLeft": 0.35,
        "mouthStretchRight": 0.35,
        "mouthSmileLeft": 0.3,
        "mouthSmileRight": 0.3,
    },
    "u": {"jawOpen": 0.05, "mouthPucker": 0.6},
    "e": {
        "jawOpen": 0.18,
        "mouthLowerDownLeft": 0.4,
        "mouthLowerDownRight": 0.4,
        "mouthStretchLeft": 0.1,
        "mouthStretchRight": 0.1,
    },
    "o": {"jawOpen": 0.25, "mouthFunnel": 0.5, "mouthPucker": 0.2},
}


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("vrm1", ["aa", "ih", "ou", "ee", "oh"]),
        ("vrm0", ["A", "I", "U", "E", "O"]),
        ("vroid", ["Fcl_MTH_A", "Fcl_MTH_I", "Fcl_MTH_U", "Fcl_MTH_E", "Fcl_MTH_O"]),
        ("oculus", ["viseme_aa", "viseme_I", "viseme_U", "viseme_E", "viseme_O"]),
        ("vrchat", ["vrc.v_aa", "vrc.v_ih", "vrc.v_ou", "vrc.v_e", "vrc.v_oh"]),
    ],
)
def test_each_vowel_is_strongest_for_its_mouth(name: str, names: list[str]) -> None:
    retarget = bundled(name)
    for own, mouth in zip(names, MOUTHS.values(), strict=True):
        weights = outputs(retarget, **mouth)
        assert max(names, key=weights.__getitem__) == own
        assert weights[own] > 0.25
        assert sum(weights[other] for other in names) <= 1.2
    assert sum(outputs(retarget)[other] for other in names) == 0


# Seconds at which the bundled sample has these phones.
PHONES = {
    "IY, IH": [(0.8, 0.92), (1.7, 1.77), (2.62, 2.71), (3.9, 3.95), (4.33, 4.37), (5.16, 5.21)],
    "P, B, M": [(0.54, 0.63), (1.03, 1.12), (1.61, 1.7), (2.71, 2.82), (3.19, 3.25), (3.36, 3.46)],
    "AA, AE, AY": [(0.33, 0.41), (2.82, 2.95), (3.06, 3.12), (5.31, 5.55)],
    "S": [(3.69, 3.82), (4.37, 4.48)],
    "silence": [(5.8, 6.05)],
}


@pytest.fixture(scope="module")
def speech() -> dict[str, np.ndarray]:
    """The frames of the bundled sample at each class of phones."""
    sample = Path(koemorph.__file__).parent / "samples" / "librivox.wav"
    animation = koemorph.Model().animate(sample, preset="raw")

    def frames(spans: list[tuple[float, float]]) -> np.ndarray:
        times = animation.times
        chosen = np.any([(times >= begin) & (times < end) for begin, end in spans], axis=0)
        return np.ascontiguousarray(animation.weights[chosen])

    return {phones: frames(spans) for phones, spans in PHONES.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vrm1", {"IY, IH": ["ih", "ee"], "AA, AE, AY": ["aa"]}),
        ("vrm0", {"IY, IH": ["I", "E"], "AA, AE, AY": ["A"]}),
        ("vroid", {"IY, IH": ["Fcl_MTH_I", "Fcl_MTH_E"], "AA, AE, AY": ["Fcl_MTH_A"]}),
        (
            "oculus",
            {
                "IY, IH": ["viseme_I"],
                "P, B, M": ["viseme_PP"],
                "AA, AE, AY": ["viseme_aa"],
                "S": ["viseme_SS"],
                "silence": ["viseme_sil"],
            },
        ),
    ],
)
def test_visemes_of_speech_are_those_of_its_phones(
    speech: dict[str, np.ndarray], name: str, expected: dict[str, list[str]]
) -> None:
    retarget = bundled(name)
    for phones, visemes in expected.items():
        means = dict(zip(retarget.names, retarget.apply(speech[phones]).mean(axis=0), strict=True))
        own = {
            n: value for n, value in means.items() if not n.lower().startswith(("blink", "look"))
        }
        assert set(sorted(own, key=own.__getitem__)[-len(visemes) :]) == set(visemes)
        assert min(own[viseme] for viseme in visemes) > 0.2


def test_visemes_of_lips_and_silence() -> None:
    oculus = bundled("oculus")
    assert outputs(oculus)["viseme_sil"] == 1
    pressed = outputs(oculus, mouthPressLeft=0.5, mouthPressRight=0.5, mouthClose=0.1)
    assert max(pressed, key=pressed.__getitem__) == "viseme_PP"
    bitten = outputs(oculus, mouthRollLower=0.6, mouthUpperUpLeft=0.2, mouthUpperUpRight=0.2)
    assert bitten["viseme_FF"] > bitten["viseme_PP"]


def test_vrchat_and_oculus_have_the_same_visemes() -> None:
    frames = np.random.default_rng(3).random((200, 52), np.float32)
    visemes = bundled("oculus").apply(frames)
    rig_name = bundled("vrchat").apply(frames)
    np.testing.assert_array_equal(rig_name[:, : visemes.shape[1]], visemes)
    spelled = {"I": "ih", "O": "oh", "U": "ou"}
    own = [name.removeprefix("viseme_") for name in bundled("oculus").names]
    names = tuple(f"vrc.v_{spelled.get(name, name.lower())}" for name in own)
    assert bundled("vrchat").names == (*names, "vrc.blink_left", "vrc.blink_right")


def test_both_eyes_look_in_the_same_direction() -> None:
    weights = outputs(bundled("vrm1"), eyeLookOutLeft=0.6, eyeLookInRight=0.6)
    assert weights["lookLeft"] == pytest.approx(0.6)
    assert weights["lookRight"] == 0
