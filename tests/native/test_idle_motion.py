"""Idle motion: rates and speeds, seeds, and priority of the model's movement."""

from typing import Any

import numpy as np
import pytest

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES, INDEX

EYES = [i for i, name in enumerate(BLENDSHAPES) if name.startswith("eyeLook")]
BROWS = [i for i, name in enumerate(BLENDSHAPES) if name.startswith("brow")]
MOUTH = [i for i, name in enumerate(BLENDSHAPES) if name.startswith(("mouth", "jaw"))]
BLINK = INDEX["eyeBlinkLeft"]


def motion_controls(**fields: float) -> _native.Controls:
    controls = _native.Controls()
    for name, value in fields.items():
        setattr(controls, name, value)
    controls.check()
    return controls


def idle_motion(fps: int = 30, **fields: float) -> Any:
    stage = _native.testing.IdleMotion(fps)
    stage.set(motion_controls(**fields))
    return stage


def at_rest(seconds: float, fps: int = 30) -> np.ndarray:
    return np.zeros((round(seconds * fps), 52), np.float32)


def talking(seconds: float, fps: int = 30, pause_every: float = 0.0) -> np.ndarray:
    """A jaw that opens four times a second, at rest in the last quarter of each `pause_every`."""
    frames = at_rest(seconds, fps)
    time = np.arange(len(frames)) / fps
    jaw = 0.3 * np.sin(2 * np.pi * 2 * time) ** 2 * (1 + 0.5 * np.sin(2 * np.pi * 0.31 * time))
    if pause_every:
        jaw *= time % pause_every < 0.75 * pause_every
    frames[:, INDEX["jawOpen"]] = jaw
    frames[:, INDEX["mouthLowerDownLeft"]] = 0.8 * jaw
    return frames


def onsets(curve: np.ndarray) -> np.ndarray:
    return np.flatnonzero((curve[1:] > 0) & (curve[:-1] == 0)) + 1


def test_by_default_only_the_lids_move() -> None:
    out = idle_motion().apply(talking(60))
    moved = np.flatnonzero(np.abs(out - talking(60)).max(axis=0))
    assert [BLENDSHAPES[i] for i in moved] == ["eyeBlinkLeft", "eyeBlinkRight"]
    np.testing.assert_array_equal(out[:, BLINK], out[:, INDEX["eyeBlinkRight"]])


def test_without_strengths_weights_are_unchanged() -> None:
    np.testing.assert_array_equal(idle_motion(blink=0).apply(talking(30)), talking(30))


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("rate", [10, 20, 40])
def test_the_blink_rate_is_blinks_per_minute(fps: int, rate: float) -> None:
    minutes = 10
    out = idle_motion(fps, blinks_per_minute=rate, seed=5).apply(
        talking(60 * minutes, fps, pause_every=4)
    )
    assert len(onsets(out[:, BLINK])) / minutes == pytest.approx(rate, rel=0.25)


@pytest.mark.parametrize("before", [0.0, 0.1])
def test_a_higher_blink_rate_applies_at_once(before: float) -> None:
    stage = idle_motion(blinks_per_minute=before, seed=5)
    assert len(onsets(stage.apply(at_rest(30))[:, BLINK])) <= 1
    stage.set(motion_controls(blinks_per_minute=20, seed=5))
    assert len(onsets(stage.apply(at_rest(60), 900)[:, BLINK])) >= 10


@pytest.mark.parametrize("fps", [30, 60])
def test_a_blink_closes_fully_and_opens_more_slowly(fps: int) -> None:
    curve = idle_motion(fps).apply(at_rest(300, fps))[:, BLINK]
    starts = onsets(curve)
    assert len(starts) > 50
    for start in starts:
        shape = curve[start - 1 :]
        shape = shape[: np.flatnonzero(shape[1:] == 0)[0] + 1]
        assert shape.max() > 0.97
        assert 0.2 < len(shape) / fps < 0.5
        closing = np.argmax(shape) / fps
        opening = (len(shape) - 1 - np.flatnonzero(shape > 0.97)[-1]) / fps
        assert closing < 0.17
        assert opening > closing * 0.8


def test_intervals_are_skewed_to_the_right() -> None:
    intervals = np.diff(onsets(idle_motion(seed=3).apply(at_rest(1800))[:, BLINK])) / 30
    assert np.median(intervals) < 0.92 * intervals.mean()
    assert intervals.min() > 0.25
    assert 0.3 < intervals.std() / intervals.mean() < 0.9


def test_more_blinks_in_pauses_than_in_speech() -> None:
    frames = talking(1800, pause_every=4)
    starts = onsets(idle_motion(seed=1).apply(frames)[:, BLINK]) / 30 % 4
    in_pause = np.mean(starts >= 3)
    # A quarter of the time is pause.
    assert in_pause > 0.35


def test_idle_motion_is_determined_by_the_seed() -> None:
    fields = dict(saccades=1, brow_accents=1, idle=1)
    frames = talking(60, pause_every=5)
    first = idle_motion(seed=4, **fields).apply(frames)
    np.testing.assert_array_equal(idle_motion(seed=4, **fields).apply(frames), first)
    reset = idle_motion(seed=4, **fields)
    reset.apply(frames[:77])
    reset.reset()
    np.testing.assert_array_equal(reset.apply(frames), first)
    assert np.abs(idle_motion(seed=5, **fields).apply(frames) - first).max() > 0.2


def test_saccades_move_both_eyes_the_same_way_and_hold() -> None:
    out = idle_motion(blink=0, saccades=1).apply(at_rest(600))
    assert set(np.flatnonzero(out.max(axis=0))) <= set(EYES)
    right = out[:, INDEX["eyeLookOutRight"]] - out[:, INDEX["eyeLookInRight"]]
    left = out[:, INDEX["eyeLookInLeft"]] - out[:, INDEX["eyeLookOutLeft"]]
    np.testing.assert_allclose(left, right, atol=1e-6)
    degrees = 30 * np.hypot(
        right, out[:, INDEX["eyeLookUpLeft"]] - out[:, INDEX["eyeLookDownLeft"]]
    )
    assert degrees.max() <= 12.1
    assert degrees.max() > 5
    moving = np.abs(np.diff(degrees)) > 0.01
    assert moving.mean() < 0.1
    # Most of the time is spent on the partner (93.9 of 121.7 frames in Lee et al. 2002).
    assert 0.6 < np.mean(degrees < 0.5) < 0.9


def test_brows_accent_speech_only() -> None:
    assert idle_motion(blink=0, brow_accents=1).apply(at_rest(120)).max() == 0
    out = idle_motion(blink=0, brow_accents=1).apply(talking(120))[:, INDEX["browInnerUp"]]
    assert 10 < len(onsets(out)) < 90
    assert 0.1 < out.max() <= 0.36
    assert np.abs(np.diff(out)).max() < 0.15


def test_drift_is_small_slow_and_does_not_move_the_mouth_during_speech() -> None:
    out = idle_motion(blink=0, idle=1).apply(at_rest(60))
    assert 0.01 < out.max() < 0.08
    assert np.abs(np.diff(out[1:], axis=0)).max() < 0.006
    speech = talking(60)
    spoken = idle_motion(blink=0, idle=1).apply(speech)[:, MOUTH] - speech[:, MOUTH]
    assert np.abs(spoken[30:]).max() == 0


def test_movement_of_the_model_has_priority_and_weights_stay_in_range() -> None:
    rng = np.random.default_rng(2)
    frames = at_rest(120)
    time = np.arange(len(frames)) / 30
    for i in [*EYES, *BROWS, BLINK, INDEX["eyeBlinkRight"]]:
        frames[:, i] = 0.5 + 0.5 * np.sin(2 * np.pi * (1 + rng.random()) * time)
    out = idle_motion(saccades=2, brow_accents=2, idle=2, blink=2).apply(frames)
    assert out.max() <= 1
    assert out.min() >= 0
    np.testing.assert_array_equal(out[30:, EYES], frames[30:, EYES])
    np.testing.assert_array_equal(out[30:, BROWS], frames[30:, BROWS])
    np.testing.assert_array_equal(out[30:, BLINK], frames[30:, BLINK])


def test_the_maximum_and_inactive_blend_shapes_are_respected() -> None:
    controls = motion_controls(saccades=2, brow_accents=2, idle=2)
    controls.active[BROWS] = 0
    controls.maximum[BLINK] = 0.6
    stage = _native.testing.IdleMotion(30)
    stage.set(controls)
    out = stage.apply(talking(60, pause_every=5))
    assert out[:, BROWS].max() == 0
    assert out[:, BLINK].max() == pytest.approx(0.6, abs=0.03)
    assert out[:, BLINK].max() <= 0.6
    assert out[:, INDEX["eyeBlinkRight"]].max() > 0.97
    controls.active[BLINK] = 0
    stage.set(controls)  # the change is interpolated
    frames = np.concatenate([out[-1:], stage.apply(at_rest(30), 1800)])
    assert frames[10:, BLINK].max() == 0
    assert np.abs(np.diff(frames[:10, BLINK])).max() < 0.3


def test_turning_idle_motion_off_is_interpolated() -> None:
    stage = idle_motion(blink=0, saccades=2, transition_seconds=0.5)
    before, first = stage.apply(at_rest(20)), 600
    while before[-1].max() < 0.1:
        before, first = stage.apply(at_rest(0.2), first), first + 6
    off = _native.Controls()
    off.blink, off.transition_seconds = 0, 0.5
    stage.set(off)
    after = stage.apply(at_rest(2), first)
    assert after[0].max() > 0.5 * before[-1].max()
    assert after[-1].max() == 0
