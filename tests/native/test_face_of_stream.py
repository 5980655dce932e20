"""Gate, controls, idle motion and fades of a stream."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from koemorph import Controls, Model, Stream, _native, load_preset, load_retarget_map
from koemorph.blendshapes import INDEX
from koemorph.errors import DataError

RATE = 16000
BLINKS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]


def voice(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    swell = 0.5 + 0.5 * np.sin(np.arange(count) * 2 * np.pi * 3 / RATE)
    return (0.1 * swell * rng.standard_normal(count)).astype(np.float32)


def controls(**fields: float) -> Controls:
    made = load_preset("raw")
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.fixture(scope="module")
def model(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


def test_blinks_are_the_only_idle_motion_by_default(model: Model) -> None:
    audio = np.zeros(20 * RATE, np.float32)  # the tiny model moves the eyelids, too
    raw = model.animate(audio, sample_rate=RATE, preset="raw").weights
    default = model.animate(audio, sample_rate=RATE, controls=Controls()).weights
    moved = np.flatnonzero(np.abs(default - raw).max(axis=0))
    assert moved.tolist() == BLINKS


def test_controls_never_reach_the_network(model: Model) -> None:
    stream = model.stream(RATE, controls=controls(lower_strength=0, blink=2, idle=2, saccades=2))
    stream.push(voice(2))
    previous = _native.testing.tap(stream._native, _native.testing.DebugStage.PREVIOUS_WEIGHTS, 52)
    final = _native.testing.tap(stream._native, _native.testing.DebugStage.FINAL_WEIGHTS, 52)
    raw = model.animate(voice(2), sample_rate=RATE, preset="raw").weights
    frames = stream.pull().weights
    np.testing.assert_array_equal(previous, raw[len(frames) - 1])
    np.testing.assert_array_equal(final, frames[-1])
    assert final[INDEX["jawOpen"]] == 0
    assert previous[INDEX["jawOpen"]] > 0


def test_assigned_controls_are_interpolated(model: Model) -> None:
    stream = model.stream(RATE, controls=controls())
    audio = voice(3)
    stream.push(audio[:RATE])
    before = stream.pull().weights
    stream.controls = controls(lower_strength=0, transition_seconds=0.5)
    assert stream.controls.lower_strength == 0
    stream.push(audio[RATE:])
    stream.flush()
    after = stream.pull().weights
    raw = model.animate(audio, sample_rate=RATE, preset="raw").weights
    at = len(before)
    np.testing.assert_allclose(after[0], raw[at], atol=1e-6)
    np.testing.assert_allclose(after[-1, INDEX["jawOpen"]], 0, atol=1e-6)
    # The steps of the speech and those of a smoothstep from at most 1 over 15 frames.
    steps = np.abs(np.diff(np.concatenate([before[-1:], after]), axis=0)).max()
    assert steps <= np.abs(np.diff(raw, axis=0)).max() + 1.5 / 15


def test_controls_out_of_range_are_rejected_and_not_applied(model: Model) -> None:
    stream = model.stream(RATE)
    with pytest.raises(ValueError, match="symmetry"):
        stream.controls = controls(symmetry=7)
    assert stream.controls.symmetry == 0
    with pytest.raises(DataError, match="both preset"):
        model.stream(RATE, preset="raw", controls=controls())
    with pytest.raises(DataError, match=r"no such.*background, expressive"):
        model.stream(RATE, preset="no such")


def test_the_gate_removes_hiss_before_the_network(model: Model) -> None:
    hiss = (10 ** (-50 / 20) * np.random.default_rng(0).standard_normal(2 * RATE)).astype("f4")
    silence = model.animate(np.zeros_like(hiss), sample_rate=RATE, preset="raw").weights
    ungated = model.animate(hiss, sample_rate=RATE, preset="raw").weights
    gated = model.animate(hiss, sample_rate=RATE, controls=controls(gate=1)).weights
    assert np.abs(ungated - silence).max() > 0.01
    np.testing.assert_allclose(gated, silence, atol=1e-6)


def test_input_strength_is_a_gain_of_the_input(model: Model) -> None:
    louder = model.animate(2 * voice(1), sample_rate=RATE, preset="raw").weights
    stronger = model.animate(voice(1), sample_rate=RATE, controls=controls(input_strength=2))
    np.testing.assert_allclose(stronger.weights, louder, atol=1e-5)


@pytest.mark.parametrize("preset", ["natural", "microphone", "expressive"])
def test_idle_motion_and_gate_do_not_depend_on_block_sizes(model: Model, preset: str) -> None:
    audio = voice(4)
    whole = model.animate(audio, sample_rate=RATE, preset=preset).weights
    stream = model.stream(RATE, preset=preset)
    for part in np.array_split(audio, 97):
        stream.push(part)
    stream.flush()
    np.testing.assert_allclose(stream.pull().weights, whole, atol=1e-6)
    stream.reset()
    stream.push(audio)
    stream.flush()
    np.testing.assert_allclose(stream.pull().weights, whole, atol=1e-6)


def test_weights_fade_out_and_in(model: Model) -> None:
    stream = model.stream(RATE, preset="raw")
    stream.push(voice(2))
    face = stream.sample(1.0)
    stream.fade_out(1.0, seconds=0.5)
    np.testing.assert_array_equal(stream.sample(1.0), face)
    np.testing.assert_allclose(stream.sample(1.25), 0.5 * stream_at(model, 1.25), atol=1e-6)
    assert not stream.sample(1.5).any()
    assert not stream.sample(5.0).any()
    stream.fade_in(1.6, seconds=0.2)
    assert not stream.sample(1.6).any()
    np.testing.assert_allclose(stream.sample(1.7), 0.5 * stream_at(model, 1.7), atol=1e-6)
    np.testing.assert_allclose(stream.sample(1.8), stream_at(model, 1.8), atol=1e-6)
    stream.fade_out(1.8, seconds=0)
    assert not stream.sample(1.8).any()
    stream.reset()
    stream.push(voice(2))
    np.testing.assert_array_equal(stream.sample(1.0), face)


def test_times_before_a_fade_are_sampled_unchanged(model: Model) -> None:
    stream = model.stream(RATE, preset="raw")
    stream.push(voice(2))
    stream.fade_out(0.5, seconds=0.2)
    stream.fade_in(1.0, seconds=0.2)
    for _ in range(100):  # as a game that calls it in every frame
        stream.fade_in(1.3, seconds=0.2)
    pulled = stream.pull()
    for time, factor in ((0.4, 1.0), (0.6, 0.5), (0.8, 0.0), (1.1, 0.5), (1.4, 1.0)):
        np.testing.assert_allclose(stream.sample(time), factor * stream_at(model, time), atol=1e-6)
        frame = round(30 * time)
        np.testing.assert_allclose(pulled.weights[frame], stream.sample(frame / 30), atol=1e-6)
    stream.fade_out(0.3, seconds=0.0)  # replaces all fades with a later start time
    np.testing.assert_allclose(stream.sample(0.2), stream_at(model, 0.2), atol=1e-6)
    assert not stream.sample(1.4).any()
    for time in np.linspace(0.31, 1.9, 100):  # more fades than are stored
        stream.fade_in(time, seconds=0.0)
        stream.fade_out(time + 0.001, seconds=0.0)
    assert not stream.sample(1.95).any()
    np.testing.assert_allclose(stream.sample(1.9005), stream_at(model, 1.9005), atol=1e-6)


def stream_at(model: Model, time: float) -> np.ndarray:
    stream = model.stream(RATE, preset="raw")
    stream.push(voice(2))
    return stream.sample(time)


def test_pulled_frames_are_faded(model: Model) -> None:
    stream = model.stream(RATE, preset="raw")
    stream.push(voice(1))
    stream.fade_out(0.5, seconds=0.2)
    animation = stream.pull()
    assert animation.weights[animation.times < 0.5].any(axis=1).all()
    assert not animation.weights[animation.times > 0.71].any()


def test_no_weight_falls_below_rest(model: Model) -> None:
    stream = model.stream(RATE, preset="raw")
    stream.push(voice(2))
    stream.fade_out(0.5, seconds=0.2)
    stream.fade_in(0.6, seconds=0.1)
    stream.fade_out(0.63, seconds=0.1)  # starts at a factor between 0 and 1, which is rounded
    for time in np.linspace(0.73 - 1e-7, 0.73, 2000):
        assert stream.sample(time).min() >= 0.0


@pytest.mark.parametrize(("time", "seconds"), [(np.nan, 1), (0, np.nan), (0, -1), (np.inf, 1)])
def test_fades_reject_invalid_times(model: Model, time: float, seconds: float) -> None:
    stream: Stream = model.stream(RATE)
    for call in (stream.fade_out, stream.fade_in):
        with pytest.raises(ValueError, match="playback_time or seconds"):
            call(time, seconds)


def test_controls_may_change_while_a_worker_computes(model: Model) -> None:
    stream = model.stream(RATE, worker=True, controls=controls())
    stop = threading.Event()

    def change() -> None:
        strength = 0.0
        while not stop.is_set():
            strength = (strength + 0.1) % 2
            stream.controls = controls(lower_strength=strength, symmetry=strength / 2)

    changer = threading.Thread(target=change)
    changer.start()
    for part in np.array_split(voice(3), 60):
        stream.push(part)
        weights = stream.pull().weights
        assert np.isfinite(weights).all()
        assert ((weights >= 0) & (weights <= 1)).all()
    stop.set()
    changer.join()


def test_animate_retargets(model: Model) -> None:
    raw = model.animate(voice(1), sample_rate=RATE, preset="raw")
    retargeted = model.animate(voice(1), sample_rate=RATE, preset="raw", retarget="vrm1")
    target = load_retarget_map("vrm1")
    assert retargeted.names == target.names
    np.testing.assert_array_equal(retargeted.weights, target.apply(raw.weights))
    np.testing.assert_array_equal(retargeted.times, raw.times)
    with pytest.raises(DataError, match="vroid"):
        model.animate(voice(1), sample_rate=RATE, retarget="no such map")
