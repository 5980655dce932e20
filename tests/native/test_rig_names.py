"""Matching of the targets of retarget maps with the names of a rig."""

import pytest
from retarget_maps import bundled, load, outputs


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


@pytest.mark.parametrize(
    "rig_name", ["V_Tongue_Out", "CC_Base_Tongue.V_Tongue_Out", "CC_Tongue_v_tongue_out"]
)
def test_a_viseme_does_not_match_an_expression_of_the_same_name(rig_name: str) -> None:
    retarget = bundled("character_creator_4")
    retarget.match_rig(["Tongue_Out", "CC_Base_Tongue_Tongue_Out", rig_name])
    assert retarget.driven == (True, True, False)


@pytest.mark.parametrize(
    "rig_name",
    [
        "jawOpen.001",
        "jawOpen0",
        "jawOpen_12",
        "Head.jawOpen.001",
        "facs_bs_JawOpen_div2",
        "Jaw_Open-3",
    ],
)
def test_the_suffix_of_a_copy_is_ignored(rig_name: str) -> None:
    retarget = load({"jawOpen": "jawOpen", "A": "mouthFunnel"})
    retarget.match_rig(["hair", rig_name, "A1"])
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
def test_ambiguous_copies_are_not_driven(names: list[str], driven: tuple[bool, ...]) -> None:
    retarget = load({"jawOpen": "jawOpen"})
    retarget.match_rig(names)
    assert retarget.driven == driven


@pytest.mark.parametrize(
    "rig_name",
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
def test_correctives_are_not_driven(rig_name: str) -> None:
    retarget = load(
        {
            "mouthClose": "mouthClose",
            "Blink_L": "eyeBlinkLeft",
            "cheekSquintLeft": "cheekSquintLeft",
        }
    )
    retarget.match_rig([rig_name])
    assert retarget.driven == (False,)


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
