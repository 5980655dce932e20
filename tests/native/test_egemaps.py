"""Streaming eGeMAPS: independent of block sizes, finite for any input, windows of given ages."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koemorph import _native

RATE = 16000
ROOT = Path(__file__).resolve().parents[2]


def voice(seconds: float, seed: int = 0) -> np.ndarray:
    """A buzz of varying pitch in syllables, with noise between them."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 140 + 40 * np.sin(2 * np.pi * 0.7 * time)
    phase = np.cumsum(2 * np.pi * pitch / RATE)
    buzz = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = (np.sin(2 * np.pi * 2.2 * time) > -0.3).astype(float)
    return (0.1 * buzz * syllables + 0.003 * rng.standard_normal(len(time))).astype(np.float32)


def config(**fields: object) -> _native.EgemapsConfig:
    result = _native.EgemapsConfig()
    for name, value in fields.items():
        setattr(result, name, value)
    return result


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 20000), min_size=1, max_size=12))
def test_block_sizes_do_not_change_the_result(sizes: list[int]) -> None:
    samples = voice(2.5)
    whole = _native.EgemapsStream()
    expected = whole.push(samples)
    chunked = _native.EgemapsStream()
    cuts = np.cumsum(sizes)
    updates = [chunked.push(part) for part in np.split(samples, cuts[cuts < len(samples)])]
    np.testing.assert_allclose(np.concatenate(updates), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(chunked.lld(), whole.lld(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(chunked.functionals(), whole.functionals(), rtol=0, atol=1e-6)


def test_windows_are_those_of_earlier_updates() -> None:
    updates = _native.EgemapsStream().push(voice(3))
    assert updates.shape == (10, 3, 88)
    np.testing.assert_array_equal(updates[1:, 1], updates[:-1, 0])
    np.testing.assert_array_equal(updates[2:, 2], updates[:-2, 0])
    assert not updates[0, 1:].any()
    assert np.abs(np.diff(updates[:, 0], axis=0)).max(1).min() > 0


def test_audio_before_the_context_window_has_no_effect() -> None:
    """The tolerance covers the pitch search, whose first frames depend on earlier audio."""
    recent = voice(2.1, seed=3)
    stage = _native.EgemapsStream(config(context_window=1.5))
    after_noise = stage.push(np.concatenate([voice(0.9, seed=1), recent]))[-1, 0]
    stage.reset()
    alone = stage.push(recent)[-1, 0]
    np.testing.assert_allclose(after_noise, alone, rtol=1e-4, atol=1e-4)


def pulses(lengths: tuple[int, int], heights: tuple[float, float]) -> np.ndarray:
    """Two seconds of damped pulses with alternating distances (samples) and heights."""
    ring = np.exp(-np.arange(80) / 20) * np.sin(2 * np.pi * 900 / RATE * np.arange(80))
    samples, at, index = np.zeros(2 * RATE), 100, 0
    while at + 100 < len(samples):
        samples[at : at + 80] += heights[index] * ring
        at, index = at + lengths[index], 1 - index
    return samples.astype(np.float32)


@pytest.mark.parametrize(
    ("lengths", "heights"),
    [((128, 128), (0.5, 0.5)), ((127, 129), (0.5, 0.5)), ((128, 128), (0.5, 0.45))],
)
def test_jitter_and_shimmer_are_the_change_from_period_to_period(
    lengths: tuple[int, int], heights: tuple[float, float]
) -> None:
    stage = _native.EgemapsStream()
    stage.push(pulses(lengths, heights))
    jitter, shimmer = np.median(stage.lld()[50:150, 11:13], axis=0)
    change = abs(heights[1] - heights[0]) / np.mean(heights)
    assert jitter == pytest.approx(abs(lengths[1] - lengths[0]) / np.mean(lengths), abs=2e-3)
    assert shimmer == pytest.approx(20 * np.log10(1 + change), abs=0.02)


BAD_INPUTS = {
    "silence": np.zeros(RATE),
    "offset": np.full(RATE, 0.5),
    "square": np.sign(np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)),
    "click": np.eye(1, RATE, 8000)[0],
    "one_millisecond": np.full(16, 0.1),
    "empty": np.zeros(0),
    "nan": np.where(np.arange(RATE) % 100 == 0, np.nan, voice(1)),
    "infinity": np.where(np.arange(RATE) % 99 == 0, np.inf, voice(1)),
    "tiny": voice(1) * 1e-30,
    "huge": voice(1) * 1e30,
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_gives_finite_and_reproducible_numbers(name: str) -> None:
    samples = BAD_INPUTS[name].astype(np.float32)
    results = []
    for _ in range(2):
        stage = _native.EgemapsStream()
        results.append((stage.push(samples), stage.functionals(), stage.lld()))
    for first, second in zip(*results, strict=True):
        assert np.isfinite(first).all()
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "samples", [np.zeros((2, 800), np.float32), np.zeros(800, np.int16), None, np.float32(0)]
)
def test_samples_other_than_one_channel_of_floats_are_rejected(samples: object) -> None:
    with pytest.raises(ValueError, match=r"samples should be floats in .* of one channel"):
        _native.EgemapsStream().push(samples)
    assert _native.EgemapsStream().push([0.0] * 4800).shape[1:] == (3, 88)


def test_reset_restores_the_initial_state() -> None:
    stage = _native.EgemapsStream()
    first = stage.push(voice(1.3))
    stage.reset()
    assert stage.updates == 0
    assert not stage.windows.any()
    np.testing.assert_array_equal(stage.push(voice(1.3)), first)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"sample_rate": 44100}, "44100"),
        ({"context_window": 0.0}, "context_window"),
        ({"update_interval": 0.015}, "update_interval"),
        ({"window_intervals": [0.1]}, "window_intervals"),
        ({"window_intervals": []}, "window_intervals"),
    ],
)
def test_invalid_settings_are_rejected(fields: dict, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        _native.EgemapsStream(config(**fields))


def test_the_stream_does_not_allocate_and_is_small(
    native_build: Path, tmp_path: Path, needs_tool: Callable[[str], str]
) -> None:
    source = Path(__file__).with_name("egemaps_allocations.cc")
    program = tmp_path / "egemaps_allocations"
    headers = [f"-I{ROOT / 'native' / folder}" for folder in ("src", "include")]
    library = native_build / "native" / "libkoemorph_static.a"
    command = [needs_tool("g++"), "-std=c++17", "-O1", *headers, source, library, "-o", program]
    subprocess.run([*map(str, command), "-lpthread", "-ldl"], check=True)
    result = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    stage_bytes, allocations, loudness = result.stdout.split()
    assert int(stage_bytes) <= 500_000
    assert int(allocations) == 0
    assert float(loudness) > 0
