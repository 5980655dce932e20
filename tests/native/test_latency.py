"""The latency that a stream reports, compared with the arrival and the content of frames."""

from __future__ import annotations

import loudness_model
import numpy as np
import pytest
from numpy.typing import NDArray

from koemorph import Animation, Model, Stream, load_preset
from koemorph.blendshapes import INDEX

RAW = load_preset("raw")
JAW = INDEX["jawOpen"]
SECONDS = 1.0
# Difference of jawOpen from that of silence above which the click is visible.
MIN_DIFFERENCE = 1e-3
CLICK = 100.0  # the largest sample value, so that the edge of the window still shows it

both_sample_rates = pytest.mark.parametrize("rate", [16000, 48000])
both_frame_rates = pytest.mark.parametrize("fps", [30, 60])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Model]:
    folder = tmp_path_factory.mktemp("loudness")
    return {fps: Model(loudness_model.save(folder / f"{fps}.onnx", fps)) for fps in (30, 60)}


def new_stream(models: dict[int, Model], fps: int, rate: int) -> Stream:
    return models[fps].stream(rate, controls=RAW)


def animation(
    models: dict[int, Model], fps: int, rate: int, audio: NDArray[np.float32]
) -> Animation:
    """All frames of one second, by a stream: Model.animate would scale such a click down."""
    stream = new_stream(models, fps, rate)
    stream.push(audio)
    stream.flush()
    return stream.pull()


@both_sample_rates
@both_frame_rates
def test_a_frame_is_available_after_its_latency(
    models: dict[int, Model], fps: int, rate: int
) -> None:
    stream = new_stream(models, fps, rate)
    latency = stream.info.latency
    block = rate // 1000
    for pushed in range(block, round(SECONDS * rate), block):
        stream.push(np.zeros(block, np.float32))
        for time in stream.pull().times:
            # With the block that contains the last sample of its audio, not before.
            assert 0 <= pushed / rate - (time + latency) + 1e-9 < 2 * block / rate
    assert stream.info.frame_count >= (SECONDS - latency) * fps - 1


@both_sample_rates
@both_frame_rates
def test_an_impulse_appears_in_the_first_frame_within_its_latency(
    models: dict[int, Model], fps: int, rate: int
) -> None:
    silent = animation(models, fps, rate, np.zeros(rate, np.float32))
    latency = new_stream(models, fps, rate).info.latency
    delays = []
    for at in np.linspace(0.3, 0.3 + 3 / fps, 25):
        audio = np.zeros(rate, np.float32)
        audio[round(at * rate)] = CLICK
        clicked = animation(models, fps, rate, audio)
        moved = np.abs(clicked.weights[:, JAW] - silent.weights[:, JAW]) > MIN_DIFFERENCE
        first = clicked.times[moved][0]
        assert first + latency >= at, "a frame depends on audio after its latency"
        delays.append(first + latency - at)
    # The worst case: the click lies just after the audio of a frame, in the tail of the resampler
    # and at the edge of the window.
    lookahead = int(models[fps].metadata()["lookahead_frames"]) / fps
    assert 0.8 / fps <= max(delays) <= 1 / fps + (latency - lookahead) + 0.002


@both_sample_rates
@both_frame_rates
def test_the_latency_is_the_lookahead_and_the_resampler(
    models: dict[int, Model], fps: int, rate: int
) -> None:
    lookahead = int(models[fps].metadata()["lookahead_frames"]) / fps
    latency = new_stream(models, fps, rate).info.latency
    assert latency >= lookahead
    assert latency - lookahead <= (0.0 if rate == 16000 else 0.005)
