"""The one order of the 52 coefficients, and which belongs to which."""

from koemorph import _native
from koemorph.coefficients import COEFFICIENTS


def test_order_is_live_link_face() -> None:
    names = _native.COEFFICIENTS
    assert names == COEFFICIENTS
    assert len(names) == len(set(names)) == 52
    assert names[0] == "eyeBlinkLeft"
    assert names[7] == "eyeBlinkRight"
    assert names[14:19] == ("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose")
    assert names[41:46] == (
        "browDownLeft",
        "browDownRight",
        "browInnerUp",
        "browOuterUpLeft",
        "browOuterUpRight",
    )
    assert names[51] == "tongueOut"


def test_mirrors_go_both_ways() -> None:
    for name in _native.COEFFICIENTS:
        mirror = _native.coefficient_traits(name)[1]
        assert _native.coefficient_traits(mirror)[1] == name
    assert _native.coefficient_traits("mouthSmileLeft")[1] == "mouthSmileRight"
    assert _native.coefficient_traits("jawRight")[1] == "jawLeft"
    assert _native.coefficient_traits("jawOpen")[1] == "jawOpen"
    assert _native.coefficient_traits("eyeLookInLeft")[1] == "eyeLookInLeft"


def test_upper_face_is_eyes_brows_and_cheeks_below_the_eyes() -> None:
    upper = {name for name in _native.COEFFICIENTS if _native.coefficient_traits(name)[0]}
    assert len(upper) == 14 + 5 + 2
    assert "cheekSquintLeft" in upper
    assert not {"jawOpen", "cheekPuff", "noseSneerLeft", "tongueOut"} & upper
