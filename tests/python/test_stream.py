"""Streams: PCM bytes, and warnings when frames or samples are lost."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import koemorph
from koemorph import KoemorphWarning, Model
from koemorph.errors import AudioError


@pytest.fixture(scope="module")
def tiny(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


def noise(seconds: float, channels: int = 1) -> np.ndarray:
    shape = (round(16000 * seconds), channels)
    return np.random.default_rng(1).integers(-9000, 9000, shape).astype(np.int16)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_pcm_bytes_with_any_boundaries_equal_samples(
    tiny: Model, channels: int, kind: type
) -> None:
    samples = noise(1, channels)
    expected = tiny.stream(16000, channels)
    expected.push(samples)
    stream = tiny.stream(16000, channels)
    data, start = samples.tobytes(), 0
    for size in (0, 1, 2, 3, 4097, 1, 5, len(data)):
        stream.push(kind(data[start : start + size]))
        start += size
    np.testing.assert_array_equal(stream.pull().weights, expected.pull().weights)
    assert stream.info.pushed_samples == 16000


def test_an_incomplete_sample_is_discarded_by_reset(tiny: Model) -> None:
    stream = tiny.stream(16000)
    stream.push(b"\1")
    stream.reset()
    stream.push(b"\0\0")
    stream.push(b"\0")
    assert stream.info.pushed_samples == 1


def test_bytes_are_no_array_elements(tiny: Model) -> None:
    with pytest.raises(AudioError) as caught:
        tiny.stream(16000).push(np.frombuffer(b"1234", np.uint8))
    assert caught.value.code == "unsupported_sample_type"


def test_the_stream_info_prints_its_values(tiny: Model) -> None:
    stream = tiny.stream(16000)
    stream.push(noise(1))
    info = stream.info
    text = repr(info)
    for name in ("fps", "pushed_samples", "dropped_samples", "frame_count", "skipped_frames"):
        assert f"{name}={getattr(info, name)}" in text
    assert f"latency={info.latency:.4f}" in text


def test_an_utterance_of_thirty_seconds_is_kept(tiny: Model) -> None:
    stream = tiny.stream(16000)
    first = tiny.animate(noise(1), sample_rate=16000, preset="raw").weights[3]
    stream.controls = koemorph.load_preset("raw")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.push(np.concatenate([noise(1), np.zeros((29 * 16000, 1), np.int16)]))
    np.testing.assert_allclose(stream.sample(0.1), first, atol=1e-5)


@pytest.mark.parametrize("in_batch", [False, True])
def test_more_than_the_history_pushed_at_once_is_reported(tiny: Model, in_batch: bool) -> None:
    batch = tiny.stream_batch(1)
    maker = batch if in_batch else tiny
    stream = maker.stream(16000, history_seconds=2.0, buffer_seconds=4.0)

    def push(seconds: float) -> None:
        stream.push(noise(seconds))
        batch.process()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        push(1.9)
        stream.sample(1.0)
        push(1.0)  # 2.9 s computed, from 1.0 s on needed
        stream.pull()
        push(1.9)
    with pytest.warns(KoemorphWarning) as caught:
        push(1.0)
    assert [each.message.code for each in caught] == ["history_exceeded"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        push(3.0)  # once per stream
    stream.reset()
    with pytest.warns(KoemorphWarning):
        push(3.0)


def test_more_than_the_buffer_of_a_batch_is_reported(tiny: Model) -> None:
    batch = tiny.stream_batch(1)
    stream = batch.stream(16000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.push(noise(0.4))
        batch.process()
    stream.push(noise(2))
    with pytest.warns(KoemorphWarning) as caught:
        batch.process()
    assert [each.message.code for each in caught] == ["buffer_exceeded"]
    assert stream.info.dropped_samples > 0


def test_animate_and_frames_pulled_in_time_give_no_warning(tiny: Model) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(tiny.animate(noise(40), sample_rate=16000)) == 1200
