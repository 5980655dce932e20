"""The latency that a stream reports, held against when frames come and what moves in them."""

from __future__ import annotations

import loudness_model
import numpy as np
import pytest

from koemorph import Model, Stream, load_preset
from koemorph.blendshapes import INDEX

RAW = load_preset("raw")
JAW = INDEX["jawOpen"]
SECONDS = 1.0
# A click counts as seen when the jaw differs this much from that of silence.
SEEN = 1e-3
CLICK = 100.0  # as loud as a stream takes: seen through the window's fading edge

both_rates = pytest.mark.parametrize("rate", [16000, 48000])
both_paces = pytest.mark.parametrize("fps", [30, 60])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Model]:
    folder = tmp_path_factory.mktemp("loudness")
    return {fps: Model(loudness_model.save(folder / f"{fps}.onnx", fps)) for fps in (30, 60)}


def started(models: dict[int, Model], fps: int, rate: int) -> Stream:
    return models[fps].stream(rate, controls=RAW)


@both_rates
@both_paces
def test_a_frame_comes_when_its_latency_has_passed(
    models: dict[int, Model], fps: int, rate: int
) -> None:
    stream = started(models, fps, rate)
    latency = stream.info.latency
    block = rate // 1000
    for pushed in range(block, round(SECONDS * rate), block):
        stream.push(np.zeros(block, np.float32))
        for time in stream.pull().times:
            # Not before all of its audio has come, and with the very block that brings the last.
            assert 0 <= pushed / rate - (time + latency) + 1e-9 < 2 * block / rate
    assert stream.info.frame_count >= (SECONDS - latency) * fps - 1


@both_rates
@both_paces
def test_an_impulse_appears_in_the_first_frame_within_its_latency(
    models: dict[int, Model], fps: int, rate: int
) -> None:
    silent = models[fps].animate(np.zeros(rate, np.float32), sample_rate=rate, controls=RAW)
    latency = started(models, fps, rate).info.latency
    waits = []
    for at in np.linspace(0.3, 0.3 + 3 / fps, 25):
        audio = np.zeros(rate, np.float32)
        audio[round(at * rate)] = CLICK
        clicked = models[fps].animate(audio, sample_rate=rate, controls=RAW)
        moved = np.abs(clicked.weights[:, JAW] - silent.weights[:, JAW]) > SEEN
        first = clicked.times[moved][0]
        assert first + latency >= at, "a frame heard what was still to come"
        waits.append(first + latency - at)
    # At worst it has just missed a frame, came through nothing but the resampler's faint tail, and
    # lies on the window's fading edge.
    lookahead = int(models[fps].metadata()["lookahead_frames"]) / fps
    assert 0.8 / fps <= max(waits) <= 1 / fps + (latency - lookahead) + 0.002


@both_rates
@both_paces
def test_the_latency_is_the_lookahead_and_the_resampler(
    models: dict[int, Model], fps: int, rate: int
) -> None:
    lookahead = int(models[fps].metadata()["lookahead_frames"]) / fps
    latency = started(models, fps, rate).info.latency
    assert latency >= lookahead
    assert latency - lookahead <= (0.0 if rate == 16000 else 0.005)
