"""Controls: the effect of each one, and smooth transitions between settings."""

import json
import re
from typing import Any

import numpy as np
import pytest

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES, INDEX


def face(**weights: float) -> np.ndarray:
    frame = np.zeros(52, np.float32)
    for name, weight in weights.items():
        frame[INDEX[name]] = weight
    return frame


def settings(**fields: float) -> Any:
    controls = _native.Controls()
    for name, value in fields.items():
        setattr(controls, name, value)
    return controls


def shaped(controls: Any, **weights: float) -> dict[str, float]:
    stage = _native.testing.ControlsProcessor(30)
    controls.check()
    stage.set(controls)
    return dict(zip(BLENDSHAPES, stage.apply(face(**weights)[None])[0].tolist(), strict=True))


def preset(controls: Any, **more: Any) -> Any:
    file = {"koemorph": "preset", "version": 1, "name": "test", "controls": controls, **more}
    return _native.Controls(json.dumps(file).encode())


def test_default_controls_leave_weights_unchanged() -> None:
    frames = np.random.default_rng(1).random((20, 52), np.float32)
    np.testing.assert_array_equal(_native.testing.ControlsProcessor(30).apply(frames), frames)


def test_strengths_multipliers_offsets_and_limits() -> None:
    controls = settings(upper_strength=0.5, lower_strength=1.5)
    controls.multiplier[INDEX["jawOpen"]] = 0.5
    controls.offset[INDEX["mouthPucker"]] = 0.1
    controls.maximum[INDEX["mouthFunnel"]] = 0.4
    controls.minimum[INDEX["browInnerUp"]] = 0.2
    controls.active[INDEX["tongueOut"]] = 0
    weights = shaped(
        controls, jawOpen=0.4, mouthPucker=0.2, mouthFunnel=0.9, eyeBlinkLeft=0.8, tongueOut=1
    )
    assert weights["jawOpen"] == pytest.approx(0.3)
    assert weights["mouthPucker"] == pytest.approx(0.4)
    assert weights["mouthFunnel"] == pytest.approx(0.4)
    assert weights["browInnerUp"] == pytest.approx(0.2)
    assert weights["eyeBlinkLeft"] == pytest.approx(0.4)
    assert weights["tongueOut"] == 0


def test_symmetry_averages_left_and_right_except_gaze() -> None:
    weights = dict(mouthSmileLeft=0.8, mouthSmileRight=0.2, eyeLookInLeft=0.6, eyeLookOutRight=0.6)
    half = shaped(settings(symmetry=0.5), **weights)
    assert half["mouthSmileLeft"] == pytest.approx(0.65)
    assert half["mouthSmileRight"] == pytest.approx(0.35)
    whole = shaped(settings(symmetry=1), **weights)
    assert whole["mouthSmileLeft"] == whole["mouthSmileRight"] == pytest.approx(0.5)
    assert whole["eyeLookInLeft"] == pytest.approx(0.6)
    assert whole["eyeLookInRight"] == 0


def test_a_cancel_group_keeps_the_difference_of_the_two_strongest() -> None:
    controls = preset({"cancel": [["jawLeft", "jawRight"], ["mouthPucker", "mouthFunnel"]]})
    weights = shaped(controls, jawLeft=0.5, jawRight=0.3, mouthPucker=0.4, jawOpen=0.3)
    assert weights["jawLeft"] == pytest.approx(0.2)
    assert weights["jawRight"] == 0
    assert weights["mouthPucker"] == pytest.approx(0.4)
    assert weights["jawOpen"] == pytest.approx(0.3)
    tie = shaped(controls, jawLeft=0.4, jawRight=0.4)
    assert tie["jawLeft"] == tie["jawRight"] == 0


def test_lips_close_only_as_far_as_the_jaw_is_open() -> None:
    open_mouth = dict(jawOpen=0.5, mouthClose=0.1, mouthLowerDownLeft=0.3)
    closer = shaped(settings(lip_close_offset=0.2), **open_mouth)
    assert closer["mouthClose"] == pytest.approx(0.3)
    assert closer["mouthLowerDownLeft"] == pytest.approx(0.1)
    assert closer["jawOpen"] == pytest.approx(0.5)
    assert shaped(settings(lip_close_offset=1), **open_mouth)["mouthClose"] == pytest.approx(0.5)
    assert shaped(settings(lip_close_offset=1))["mouthClose"] == 0
    apart = shaped(settings(lip_close_offset=-0.2))
    assert apart["mouthLowerDownLeft"] == apart["mouthUpperUpRight"] == pytest.approx(0.2)


def test_eyelids_open_and_close() -> None:
    lower = shaped(settings(eyelid_offset=-0.3), eyeWideLeft=0.5)
    assert lower["eyeBlinkLeft"] == pytest.approx(0.3)
    assert lower["eyeWideLeft"] == pytest.approx(0.2)
    higher = shaped(settings(eyelid_offset=0.3), eyeBlinkLeft=0.1)
    assert higher["eyeBlinkLeft"] == 0
    assert higher["eyeWideLeft"] == pytest.approx(0.3)


def test_smoothing_is_a_time_constant_of_its_part_of_the_face() -> None:
    stage = _native.testing.ControlsProcessor(60)
    stage.set(settings(lower_smoothing=0.25))
    steps = np.tile(face(jawOpen=1, browInnerUp=1), (61, 1))
    out = stage.apply(steps)
    assert (out[:, INDEX["browInnerUp"]] == 1).all()
    expected = 1 - np.exp(-np.arange(1, 62) / 60 / 0.25)
    np.testing.assert_allclose(out[:, INDEX["jawOpen"]], expected, atol=1e-5)


def changed_at(frame: int, frames: np.ndarray, *steps: Any) -> np.ndarray:
    """Process frames with the next settings of `steps` from every `frame` frames on."""
    stage = _native.testing.ControlsProcessor(30)
    out = []
    for begin, step in zip(range(0, len(frames), frame), (None, *steps, None, None), strict=False):
        if step is not None:
            stage.set(step)
        out.append(stage.apply(frames[begin : begin + frame]))
    return np.concatenate(out)


def test_changes_are_interpolated_without_a_step() -> None:
    frames = np.tile(face(jawOpen=0.6, mouthSmileLeft=0.5, jawLeft=0.4, jawRight=0.2), (60, 1))
    strong = settings(lower_strength=0.1, symmetry=1, transition_seconds=0.5)
    strong.cancel_group[INDEX["jawLeft"]] = 1
    strong.cancel_group[INDEX["jawRight"]] = 1
    back = settings(lower_strength=1.4, lip_close_offset=-0.3, transition_seconds=0.5)
    # The second change happens during the transition of the first.
    out = changed_at(10, frames, strong, back)
    np.testing.assert_allclose(out[10], out[9], atol=1e-6)
    steps = np.abs(np.diff(out, axis=0))
    # A smoothstep over 15 frames moves at most 1.5 / 15 of the distance per frame.
    assert steps.max() <= 0.1 * 1.05
    assert steps[:20].max() > 0.01
    final = shaped(back, jawOpen=0.6, mouthSmileLeft=0.5, jawLeft=0.4, jawRight=0.2)
    np.testing.assert_allclose(out[-1], list(final.values()), atol=1e-6)


CHANGES: dict[str, Any] = {
    "upper_strength": 0.2,
    "lower_strength": 1.8,
    "upper_smoothing": 0.3,
    "lower_smoothing": 0.3,
    "symmetry": 1.0,
    "lip_close_offset": 0.5,
    "eyelid_offset": -0.5,
    "multiplier": 2.0,
    "offset": 0.4,
    "minimum": 0.5,
    "maximum": 0.1,
    "active": 0,
    "cancel_group": 1,
}


@pytest.mark.parametrize("field", CHANGES)
def test_no_control_jumps_when_it_changes(field: str) -> None:
    # A face that every control changes.
    constant = face(
        jawOpen=0.5, mouthClose=0.1, mouthSmileLeft=0.4, eyeBlinkLeft=0.3, browInnerUp=0.4
    )
    changed = settings(transition_seconds=0.5)
    if np.ndim(getattr(changed, field)):
        getattr(changed, field)[:] = CHANGES[field]
    else:
        setattr(changed, field, CHANGES[field])
    out = changed_at(10, np.tile(constant, (60, 1)), changed)
    np.testing.assert_allclose(out[10], out[9], atol=1e-6)
    whole = np.abs(out[-1] - out[9])
    if "smoothing" not in field:  # smoothing does not change a constant face
        assert whole.max() > 0.05
    # A smoothstep over 15 frames moves at most 1.5 / 15 of the distance per frame.
    assert (np.abs(np.diff(out, axis=0)) <= 0.105 * whole + 1e-6).all()


def test_settings_before_the_first_frame_apply_to_the_first_frame() -> None:
    stage = _native.testing.ControlsProcessor(30)
    stage.set(settings(lower_strength=0.5))
    assert stage.apply(face(jawOpen=1)[None])[0, INDEX["jawOpen"]] == pytest.approx(0.5)
    stage.set(settings(transition_seconds=0))
    assert stage.apply(face(jawOpen=1)[None])[0, INDEX["jawOpen"]] == 1
    stage.set(settings(lower_strength=0))
    stage.reset()
    assert stage.apply(face(jawOpen=1)[None])[0, INDEX["jawOpen"]] == 0


def test_nan_becomes_zero() -> None:
    frames = np.full((2, 52), np.nan, np.float32)
    assert (_native.testing.ControlsProcessor(30).apply(frames) == 0).all()


def test_preset_members_set_their_fields() -> None:
    controls = preset(
        {
            "lower_strength": 1.2,
            "gate": True,
            "gate_margin": 12,
            "seed": (1 << 32) - 1,
            "saccades": 0.5,
            "multiplier": {"jawOpen": 0.9},
            "inactive": ["tongueOut"],
            "cancel": [["jawLeft", "jawRight"], ["mouthLeft", "mouthRight"]],
        },
        description="for a test",
    )
    assert controls.lower_strength == pytest.approx(1.2)
    assert controls.gate == 1
    assert controls.gate_margin == 12
    assert controls.seed == (1 << 32) - 1
    assert controls.saccades == pytest.approx(0.5)
    assert controls.multiplier[INDEX["jawOpen"]] == pytest.approx(0.9)
    assert controls.multiplier[INDEX["jawLeft"]] == 1
    assert controls.active[INDEX["tongueOut"]] == 0
    assert controls.active[INDEX["jawOpen"]] == 1
    assert controls.blink == 1
    groups = {BLENDSHAPES[i]: group for i, group in enumerate(controls.cancel_group) if group}
    assert groups == {"jawLeft": 1, "jawRight": 1, "mouthLeft": 2, "mouthRight": 2}


@pytest.mark.parametrize(
    ("controls", "value"),
    [
        ({"strength": 1}, '"strength"'),
        ({"active": {"jawOpen": 0}}, '"active"'),
        ({"symmetry": 2}, "symmetry"),
        ({"gate": 1}, "gate"),
        ({"multiplier": {"jaw": 1}}, '"jaw"'),
        ({"multiplier": {"jawOpen": float("inf")}}, "Infinity"),
        ({"multiplier": 2}, "multiplier"),
        ({"minimum": {"jawOpen": 0.6}, "maximum": {"jawOpen": 0.5}}, "minimum of jawOpen"),
        ({"inactive": "tongueOut"}, "inactive"),
        ({"cancel": ["jawOpen"]}, "cancel"),
        ({"cancel": {}}, "255"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "4294967295"),
        ({"seed": 1 << 32}, "4294967295"),
        ({"inactive": [5]}, "inactive"),
        ({"cancel": [["jawOpen"], ["jawOpen"]]}, '"jawOpen"'),
        (None, '"controls"'),
    ],
)
def test_an_invalid_preset_is_rejected_with_the_invalid_value(controls: Any, value: str) -> None:
    with pytest.raises(ValueError, match=re.escape(value)):
        preset(controls)


@pytest.mark.parametrize(
    "field", ["lower_strength", "symmetry", "transition_seconds", "blinks_per_minute"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -2.0])
def test_numbers_outside_their_range_are_rejected(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        settings(**{field: value}).check()
    controls = settings()
    controls.offset[INDEX["jawOpen"]] = value
    with pytest.raises(ValueError, match="offset of jawOpen"):
        controls.check()
