"""A crowd gives each voice what it would have had alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koemorph import Model, _native
from koemorph.model import onnxruntime_library

RATE = 16000


@pytest.fixture(scope="module")
def model(tiny_models: dict[int, Path]) -> _native.Model:
    return _native.Model(str(tiny_models[30]), onnxruntime_library())


def stream(model: _native.Model, rate: int = RATE, worker: bool = False) -> _native.Stream:
    return _native.Stream(model, rate, 1, 0, worker, 2.0, 10.0)


def voice(index: int, rate: int) -> np.ndarray:
    rng = np.random.default_rng(index)
    seconds = 0.5 + 0.1 * index
    return (0.1 * rng.standard_normal(round(seconds * rate))).astype(np.float32)


def test_each_voice_is_as_it_would_be_alone(
    model: _native.Model, tiny_models: dict[int, Path]
) -> None:
    # Voices of different lengths, rates and paces.
    rates = [8000, 16000, 44100, 48000, 16000, 22050]
    voices = [voice(i, rate) for i, rate in enumerate(rates)]
    streams = [stream(model, rate) for rate in rates]
    crowd = _native.Crowd(model, len(streams))
    for step in range(10):
        for i, (one, samples) in enumerate(zip(streams, voices, strict=True)):
            part = np.array_split(samples, 10)[step]
            one.push(part, 1)
            if step == 9 and i % 2 == 0:
                one.flush()
        crowd.process(streams[: step % 6 + 1])
    crowd.process(streams)
    alone = Model(tiny_models[30])
    for i, (one, samples, rate) in enumerate(zip(streams, voices, rates, strict=True)):
        expected = alone.animate(samples, sample_rate=rate).weights
        times, weights = one.pull(52)
        assert len(weights) == (
            len(expected) if i % 2 == 0 else pytest.approx(len(expected), abs=2)
        )
        np.testing.assert_allclose(weights, expected[: len(weights)], atol=1e-5)
        np.testing.assert_allclose(times, np.arange(len(times)) / 30)


def test_nothing_to_do_is_said(model: _native.Model) -> None:
    crowd = _native.Crowd(model, 2)
    assert not crowd.process([])
    assert not crowd.process([stream(model)])


def test_a_crowd_refuses_what_does_not_fit(
    model: _native.Model, tiny_models: dict[int, Path]
) -> None:
    crowd = _native.Crowd(model, 2)
    other = _native.Model(str(tiny_models[60]), onnxruntime_library())
    one = stream(model)
    for streams, sentence in [
        ([one, one], "twice"),
        ([stream(other)], "another model"),
        ([stream(model, worker=True)], "worker"),
        ([stream(model) for _ in range(3)], "more streams than"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            crowd.process(streams)
    for capacity in (0, -1, 1025):
        with pytest.raises(ValueError, match="capacity of 1 to 1024"):
            _native.Crowd(model, capacity)
