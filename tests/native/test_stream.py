"""The stream: independent of block sizes, exact in time, within its latency."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from koemorph import Model, Stream, _native
from koemorph.errors import AudioError, StreamError
from koemorph.features import FeatureSettings


def voice(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Noise that swells and fades, so that every frame differs."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    swell = 0.5 + 0.5 * np.sin(np.arange(count) * 2 * np.pi * 3 / rate)
    return (0.2 * swell * rng.standard_normal(count)).astype(np.float32)


def frames_of(stream: Stream, parts: list[np.ndarray]) -> np.ndarray:
    for part in parts:
        stream.push(part)
    stream.flush()
    return stream.pull().weights


@pytest.fixture(scope="module")
def model(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


@settings(deadline=None, max_examples=25)
@given(
    cuts=st.lists(st.integers(0, 48000), max_size=60),
    rate=st.sampled_from([8000, 16000, 44100, 48000]),
)
def test_any_chunking_gives_the_same_frames(model: Model, cuts: list[int], rate: int) -> None:
    audio = voice(1.0, rate)
    whole = frames_of(model.stream(rate), [audio])
    assert whole.shape == (30, 52)
    assert np.ptp(whole, axis=0).min() > 1e-4  # the output depends on the audio
    parts = np.split(audio, sorted(min(cut, rate) for cut in cuts))
    np.testing.assert_allclose(frames_of(model.stream(rate), parts), whole, atol=1e-6)


def test_one_sample_at_a_time_gives_the_same_frames(model: Model) -> None:
    audio = voice(0.2, 16000)
    whole = frames_of(model.stream(16000), [audio])
    np.testing.assert_allclose(
        frames_of(model.stream(16000), np.split(audio, 3200)), whole, atol=1e-6
    )


def test_two_channels_are_their_mean(model: Model) -> None:
    left, right = voice(0.5, 16000, 1), voice(0.5, 16000, 2)
    both = frames_of(model.stream(16000, channels=2), [np.stack([left, right], axis=1)])
    mean = frames_of(model.stream(16000), [(left + right) / 2])
    np.testing.assert_allclose(both, mean, atol=1e-6)


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("fps", [30, 60])
def test_frames_do_not_depend_on_audio_after_the_latency(
    tiny_models: dict[int, Path], rate: int, fps: int
) -> None:
    model = Model(tiny_models[fps])
    audio = voice(1.0, rate)
    stream = model.stream(rate)
    latency = stream.info.latency
    assert latency <= 0.0375
    before = frames_of(stream, [audio])
    changed_at = 0.5
    changed = audio.copy()
    changed[int(changed_at * rate) :] = voice(0.5, rate, 9)
    after = frames_of(model.stream(rate), [changed])
    last_safe = int(np.floor((changed_at - latency) * fps))
    np.testing.assert_array_equal(after[: last_safe + 1], before[: last_safe + 1])
    # The audio has an effect from one frame later on: the latency is not larger than necessary.
    assert np.abs(after[last_safe + 2] - before[last_safe + 2]).max() > 1e-4


@pytest.mark.slow
def test_three_hours_do_not_drift(tmp_path: Path) -> None:
    fps = 30
    texts = tiny_model.metadata(fps, context_frames="4", context_pool_frames="1")
    model = Model(tiny_model.save(tmp_path / "short.onnx", fps, texts))
    rate = 11025  # 3 h are neither a whole number of blocks nor of model samples
    seconds = 3 * 3600
    stream = model.stream(rate)
    block = voice(1.0, rate)
    times = []
    for _ in range(seconds):
        stream.push(block)
        times.append(stream.pull().times)
    stream.flush()
    times.append(stream.pull().times)
    found = np.concatenate(times)
    np.testing.assert_array_equal(found, np.arange(seconds * fps) / fps)
    assert stream.info.pushed_samples == seconds * rate
    assert stream.info.dropped_samples == 0


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_frames_lie_at_their_exact_samples_for_hours(fps: int) -> None:
    config = FeatureSettings(fps=fps).mel_config()
    for frame in [*range(100), *range(3 * 3600 * fps, 3 * 3600 * fps + 100)]:
        exact = Fraction((frame + config.lookahead_frames) * config.sample_rate, fps)
        assert abs(config.end_sample(frame) - exact) <= Fraction(1, 2)


def test_the_first_frame_is_at_time_0(model: Model) -> None:
    stream = model.stream(16000)
    stream.push(voice(stream.info.latency + 0.001, 16000))
    assert stream.pull().times.tolist() == [0.0]


def test_sample_interpolates_between_frames(model: Model) -> None:
    stream = model.stream(16000)
    assert not stream.sample(0.0).any()
    stream.push(voice(1.0, 16000))
    frames = stream.pull().weights
    np.testing.assert_allclose(stream.sample(10 / 30), frames[10], atol=1e-6)
    middle = (frames[10] + frames[11]) / 2
    np.testing.assert_allclose(stream.sample(10.5 / 30), middle, atol=1e-6)
    np.testing.assert_array_equal(stream.sample(-5.0), frames[0])
    np.testing.assert_array_equal(stream.sample(1e9), frames[-1])
    np.testing.assert_array_equal(stream.sample(float("inf")), frames[-1])
    np.testing.assert_array_equal(stream.sample(float("-inf")), frames[0])
    assert not stream.sample(float("nan")).any()


def test_a_worker_gives_the_same_frames(model: Model) -> None:
    audio = voice(1.0, 16000)
    expected = frames_of(model.stream(16000), [audio])
    # A buffer for all samples, because the worker may be scheduled late.
    stream = model.stream(16000, worker=True, buffer_seconds=2.0)
    for part in np.split(audio, 100):
        stream.push(part)
    stream.flush()
    parts = []
    for _ in range(2000):
        parts.append(stream.pull().weights)
        if sum(map(len, parts)) == len(expected):
            break
        time.sleep(0.005)
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-6)


def test_overwritten_audio_is_counted_as_time(model: Model) -> None:
    rate = 16000
    native = model.stream(rate, buffer_seconds=0.5)._native
    native.push(voice(10.0, rate), 1)  # without processing
    native.process()
    info = native.info
    assert info.pushed_samples == 10 * rate
    assert 9 * rate < info.dropped_samples < 10 * rate
    times, weights = native.pull(52)
    np.testing.assert_allclose(times, np.arange(len(times)) / 30)
    assert len(times) == pytest.approx(10 * 30, abs=2)
    assert np.isfinite(weights).all()


@pytest.mark.parametrize(("bad", "value"), [(np.nan, 0), (-np.inf, 0), (3e38, 100), (-1e30, -100)])
def test_a_broken_channel_does_not_silence_the_others(
    model: Model, bad: float, value: float
) -> None:
    good = voice(0.05, 16000)
    stream = model.stream(16000, channels=2)
    stream.push(np.stack([np.full_like(good, bad), good], axis=1))
    block = _native.testing.tap(stream._native, _native.testing.DebugStage.INPUT_BLOCK, len(good))
    np.testing.assert_allclose(block, (good + value) / 2, atol=1e-6)


def test_a_model_without_lookahead_computes_all_frames_at_once(
    tmp_path: Path,
) -> None:
    texts = tiny_model.metadata(30, lookahead_frames="0")
    model = Model(tiny_model.save(tmp_path / "now.onnx", texts=texts))
    stream = model.stream(16000)
    assert stream.info.latency == 0
    stream.push(voice(1.0, 16000))
    before = stream.pull()
    np.testing.assert_allclose(before.times, np.arange(31) / 30)
    stream.flush()
    assert len(stream.pull().times) == 0
    # animate returns as many frames as with any other model.
    whole = model.animate(voice(1.0, 16000), sample_rate=16000)
    np.testing.assert_array_equal(whole.weights, before.weights[:30])
    with pytest.raises(AudioError, match=r"10\.0 ms, at least 16\.7 ms"):
        model.animate(voice(0.01, 16000), sample_rate=16000)


def test_bad_samples_do_not_stop_a_stream(model: Model) -> None:
    audio = voice(1.0, 16000)
    audio[100:200] = np.nan
    audio[4000:4100] = np.inf
    audio[8000:8100] = -1e30
    audio[12000:12100] = 1e-40
    weights = frames_of(model.stream(16000), [audio, np.zeros(0, np.float32)])
    assert weights.shape == (30, 52)
    assert np.isfinite(weights).all()
    assert weights.min() >= 0
    assert weights.max() <= 1


def test_reset_sets_another_sample_rate(model: Model) -> None:
    stream = model.stream(16000)
    first = frames_of(stream, [voice(0.5, 16000)])
    with pytest.raises(StreamError, match="reset"):
        stream.push(voice(0.1, 16000))
    stream.reset(48000, channels=2)
    stream.push(np.zeros((4800, 2), np.float32))
    stream.reset(16000, channels=1)
    np.testing.assert_array_equal(frames_of(stream, [voice(0.5, 16000)]), first)


def test_two_streams_of_one_model_are_independent(model: Model) -> None:
    one, two = model.stream(16000), model.stream(16000)
    a, b = voice(0.5, 16000, 1), voice(0.5, 16000, 2)
    for part_a, part_b in zip(np.split(a, 10), np.split(b, 10), strict=True):
        one.push(part_a)
        two.push(part_b)
    one.flush()
    two.flush()
    np.testing.assert_array_equal(one.pull().weights, frames_of(model.stream(16000), [a]))
    np.testing.assert_array_equal(two.pull().weights, frames_of(model.stream(16000), [b]))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"sample_rate": 7999}, AudioError),
        ({"sample_rate": 192001}, AudioError),
        ({"sample_rate": 16000, "channels": 0}, ValueError),
        ({"sample_rate": 16000, "buffer_seconds": 0.0}, ValueError),
        ({"sample_rate": 16000, "history_seconds": float("nan")}, ValueError),
    ],
)
def test_settings_out_of_range_are_rejected(
    model: Model, options: dict[str, float], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"\.$"):
        model.stream(**options)  # type: ignore[arg-type]
