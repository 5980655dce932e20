"""The bundled retarget maps: ranges, vowels, visemes of speech."""

from pathlib import Path

import numpy as np
import pytest
from retarget_maps import MAPS, bundled, outputs

import koemorph
from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES, PASCAL_NAMES


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
