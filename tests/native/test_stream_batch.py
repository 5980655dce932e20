"""A batch computes the same frames as separate streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koemorph import Controls, Model, _native
from koemorph.errors import StreamError

RATE = 16000


@pytest.fixture(scope="module")
def model(tiny_models: dict[int, Path]) -> _native.Model:
    return _native.Model(str(tiny_models[30]), "")


def stream(model: _native.Model, rate: int = RATE, worker: bool = False) -> _native.Stream:
    return _native.Stream(model, rate, 1, worker, 2.0, 10.0)


def voice(index: int, rate: int) -> np.ndarray:
    rng = np.random.default_rng(index)
    seconds = 0.5 + 0.1 * index
    return (0.1 * rng.standard_normal(round(seconds * rate))).astype(np.float32)


def test_each_stream_equals_one_computed_alone(
    model: _native.Model, tiny_models: dict[int, Path]
) -> None:
    # Different durations, sample rates and block sizes.
    rates = [8000, 16000, 44100, 48000, 16000, 22050]
    voices = [voice(i, rate) for i, rate in enumerate(rates)]
    streams = [stream(model, rate) for rate in rates]
    batch = _native.StreamBatch(model, len(streams))
    for step in range(10):
        for i, (one, samples) in enumerate(zip(streams, voices, strict=True)):
            part = np.array_split(samples, 10)[step]
            one.push(part, 1)
            if step == 9 and i % 2 == 0:
                one.flush()
        batch.process(streams[: step % 6 + 1])
    batch.process(streams)
    alone = Model(tiny_models[30])
    for i, (one, samples, rate) in enumerate(zip(streams, voices, rates, strict=True)):
        expected = alone.animate(samples, sample_rate=rate, controls=Controls()).weights
        times, weights = one.pull(52)
        assert len(weights) == (
            len(expected) if i % 2 == 0 else pytest.approx(len(expected), abs=2)
        )
        np.testing.assert_allclose(weights, expected[: len(weights)], atol=1e-5)
        np.testing.assert_allclose(times, np.arange(len(times)) / 30)


def test_process_reports_when_there_is_no_frame(model: _native.Model) -> None:
    batch = _native.StreamBatch(model, 2)
    assert not batch.process([])
    assert not batch.process([stream(model)])


def test_a_batch_rejects_invalid_streams(
    model: _native.Model, tiny_models: dict[int, Path]
) -> None:
    batch = _native.StreamBatch(model, 2)
    other = _native.Model(str(tiny_models[60]), "")
    one = stream(model)
    for streams, values in [
        ([one, one], r"streams\[0\].*streams\[1\]"),
        ([stream(other)], r"streams\[0\].*model"),
        ([stream(model, worker=True)], r"streams\[0\].*worker"),
        ([stream(model) for _ in range(3)], "3.*2"),
    ]:
        with pytest.raises(ValueError, match=values):
            batch.process(streams)
    for capacity in (0, -1, 1025):
        with pytest.raises(ValueError, match=f"capacity.*{capacity}.*1024"):
            _native.StreamBatch(model, capacity)


def test_the_public_batch_computes_its_streams(tiny_models: dict[int, Path]) -> None:
    model = Model(tiny_models[30])
    batch = model.stream_batch(40)
    voices = [voice(i % 7, RATE) for i in range(40)]  # more than are computed in one tile
    streams = [batch.stream(RATE, buffer_seconds=2.0) for _ in voices]
    assert batch.streams == tuple(streams)
    assert not batch.process()
    for one, samples in zip(streams, voices, strict=True):
        one.push(samples)
        assert one.info.frame_count == 0  # computed by batch.process
        one.flush()
    assert batch.process()
    alone = [model.animate(samples, sample_rate=RATE).weights for samples in voices[:7]]
    for i, one in enumerate(streams):
        np.testing.assert_allclose(one.pull().weights, alone[i % 7], atol=1e-5)


def test_streams_are_removed_from_and_added_to_a_batch(tiny_models: dict[int, Path]) -> None:
    batch = Model(tiny_models[30]).stream_batch(1)
    first = batch.stream(RATE)
    with pytest.raises(StreamError, match="capacity is 1"):
        batch.stream(RATE)
    first.push(voice(0, RATE)[:4000])
    batch.process()
    batch.remove(first)
    with pytest.raises(StreamError, match="batch"):
        batch.remove(first)
    assert len(first.pull()) > 0
    batch.stream(RATE).push(voice(1, RATE)[:4000])
    assert batch.process()


def test_a_stream_of_a_batch_has_no_input_tensors_of_its_own(
    model: _native.Model,
) -> None:
    samples = np.tile(voice(0, RATE), 5)  # longer than one block of the context
    batch = _native.StreamBatch(model, 1)
    together, alone = stream(model), stream(model)
    for one in (together, alone):
        one.push(samples, 1)
    batch.process([together])
    alone.process()
    # The taps return inputs and outputs of the network for both.
    for stage, size in (
        (_native.testing.DebugStage.POOLED_CONTEXT, 7 * 80),
        (_native.testing.DebugStage.NETWORK_OUTPUT, 52),
    ):
        np.testing.assert_array_equal(
            _native.testing.tap(together, stage, size), _native.testing.tap(alone, stage, size)
        )
        assert np.ptp(_native.testing.tap(together, stage, size)) > 0
    assert len(_native.testing.tap(together, _native.testing.DebugStage.POOLED_CONTEXT, 100)) == 100
