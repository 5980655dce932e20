"""Order, side and face region of the 52 blend shapes."""

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES


def test_order_is_live_link_face() -> None:
    names = _native.BLENDSHAPES
    assert names == BLENDSHAPES
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


def test_mirroring_twice_returns_the_name() -> None:
    for name in _native.BLENDSHAPES:
        mirror = _native.testing.blendshape_traits(name)[1]
        assert _native.testing.blendshape_traits(mirror)[1] == name
    assert _native.testing.blendshape_traits("mouthSmileLeft")[1] == "mouthSmileRight"
    assert _native.testing.blendshape_traits("jawRight")[1] == "jawLeft"
    assert _native.testing.blendshape_traits("jawOpen")[1] == "jawOpen"
    assert _native.testing.blendshape_traits("eyeLookInLeft")[1] == "eyeLookInLeft"


def test_upper_face_is_eyes_brows_and_cheeks_below_the_eyes() -> None:
    upper = {name for name in _native.BLENDSHAPES if _native.testing.blendshape_traits(name)[0]}
    assert len(upper) == 14 + 5 + 2
    assert "cheekSquintLeft" in upper
    assert not {"jawOpen", "cheekPuff", "noseSneerLeft", "tongueOut"} & upper
