"""The gate: noise is muted, speech passes, and block sizes do not change the result."""

from typing import Any

import numpy as np
import pytest

from koemorph import _native

RATE = 16000


def db(level: float) -> float:
    return float(10 ** (level / 20))


def noise(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    """White noise of this RMS level in dBFS."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (samples * db(level)).astype(np.float32)


def words(seconds: float, level: float) -> np.ndarray:
    """A vowel-like tone in syllables of 0.2 s with pauses of 0.1 s, at this RMS level."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 12))
    tone *= db(level) / np.sqrt(np.mean(tone**2))
    return (tone * (time % 0.3 < 0.2)).astype(np.float32)


def gate(**fields: float) -> Any:
    controls = _native.Controls()
    for name, value in fields.items():
        setattr(controls, name, value)
    controls.check()
    stage = _native.testing.Gate(RATE)
    stage.set(controls)
    return stage


def level(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-20)


def test_a_gate_that_is_off_changes_no_sample() -> None:
    samples = noise(1, -20)
    np.testing.assert_array_equal(gate().process(samples), samples)


@pytest.mark.parametrize("hiss", [-75, -60, -50])
def test_hiss_is_muted_from_the_start(hiss: float) -> None:
    out = gate(gate=1).process(noise(5, hiss))
    assert level(out) < -150


@pytest.mark.parametrize("hiss", [-75, -60, -50])
def test_speech_passes_and_hiss_after_it_is_muted(hiss: float) -> None:
    before, after = noise(1, hiss, 1), noise(2, hiss, 3)
    speech = words(3, -25) + noise(3, hiss, 2)
    out = gate(gate=1).process(np.concatenate([before, speech, after]))
    assert level(out[:RATE]) < -150
    passed = out[RATE : 4 * RATE]
    # Without the first 20 ms, in which the gate opens.
    np.testing.assert_allclose(passed[160 * 2 :], speech[160 * 2 :], rtol=0.02, atol=1e-4)
    assert level(out[-RATE:]) < -150


def test_the_gate_opens_within_50_ms_for_speech_from_the_first_sample() -> None:
    speech = words(2, -25)
    out = gate(gate=1).process(speech)
    np.testing.assert_allclose(
        out[RATE // 20 : RATE // 5], speech[RATE // 20 : RATE // 5], rtol=0.02
    )


def test_the_floor_follows_rising_and_falling_noise() -> None:
    stage = gate(gate=1)
    stage.process(noise(3, -70))
    assert stage.noise_floor == pytest.approx(-70, abs=2)
    stage.process(noise(12, -55))
    assert stage.noise_floor == pytest.approx(-55, abs=2)
    assert not stage.is_open
    stage.process(noise(0.5, -75))
    assert stage.noise_floor == pytest.approx(-75, abs=2)


def test_the_floor_stays_below_its_ceiling_and_ignores_digital_silence() -> None:
    stage = gate(gate=1, gate_ceiling=-50)
    stage.process(noise(1, -20))
    assert stage.noise_floor == pytest.approx(-50)
    stage.process(np.zeros(RATE, np.float32))
    floor = stage.noise_floor
    stage.process(np.zeros(RATE, np.float32))
    assert stage.noise_floor == floor


@pytest.mark.parametrize("loudness", [-35.0, -23.0, -14.0])
def test_automatic_gain_reaches_the_target_within_its_limit(loudness: float) -> None:
    stage = gate(auto_gain=1, auto_gain_limit=9)
    out = stage.process(words(8, loudness))
    gain = level(out[-RATE:]) - level(words(8, loudness)[-RATE:])
    assert gain == pytest.approx(np.clip(-23 - loudness, -9, 9), abs=2)
    assert abs(stage.gain) <= 9


def test_automatic_gain_does_not_amplify_hiss_in_pauses() -> None:
    stage = gate(auto_gain=1)
    stage.process(np.concatenate([noise(1, -70), words(4, -23)]))
    before = stage.gain
    stage.process(noise(10, -70))
    assert stage.gain == pytest.approx(before, abs=1.0)


def test_gain_changes_are_smoothed() -> None:
    stage = gate()
    ones = np.ones(RATE // 2, np.float32)
    first = stage.process(ones)
    louder = _native.Controls()
    louder.input_strength = 2
    stage.set(louder)
    out = np.concatenate([first, stage.process(ones)])
    assert np.abs(np.diff(out)).max() < 0.005
    assert out[-1] == 2


def test_block_sizes_do_not_change_the_result() -> None:
    samples = np.concatenate([noise(0.5, -60), words(1, -30), noise(0.5, -60)])
    whole = gate(gate=1, auto_gain=1).process(samples)
    stage = gate(gate=1, auto_gain=1)
    rng = np.random.default_rng(3)
    parts, at = [], 0
    while at < len(samples):
        size = int(rng.integers(1, 700))
        parts.append(stage.process(samples[at : at + size]))
        at += size
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_gate_is_causal() -> None:
    samples = np.concatenate([noise(0.5, -60), words(1, -30)])
    whole = gate(gate=1, auto_gain=1).process(samples)
    half = gate(gate=1, auto_gain=1).process(samples[:RATE])
    np.testing.assert_array_equal(half, whole[:RATE])


def test_reset_restores_the_initial_state() -> None:
    stage = gate(gate=1, auto_gain=1)
    samples = np.concatenate([noise(0.5, -60), words(1, -30)])
    first = stage.process(samples)
    stage.reset()
    np.testing.assert_array_equal(stage.process(samples), first)
