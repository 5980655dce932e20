"""Extreme use of a stream: huge and tiny blocks, jumping playback times, denormal audio."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from chord import chord

from koemorph import Model, Stream, _native, load_preset
from koemorph.errors import StreamError
from koemorph.model import onnxruntime_library

RATE = 16000


def noise(seconds: float, rate: int = RATE) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (0.1 * rng.standard_normal(round(seconds * rate))).astype(np.float32)


@pytest.fixture(scope="module")
def model(tiny_models: dict[int, Path]) -> Model:
    return Model(tiny_models[30])


def test_of_ten_minutes_in_one_block_the_newest_audio_is_kept(model: Model) -> None:
    native = model.stream(RATE, buffer_seconds=0.5)._native
    block = np.zeros(600 * RATE, np.float32)
    block[-RATE // 4 :] = noise(0.25)
    native.push(block, 1)
    assert native.process()
    info = native.info
    assert info.pushed_samples == len(block)
    assert info.dropped_samples >= 599 * RATE
    assert info.frame_count == pytest.approx(600 * 30, abs=2)
    newest = _native.testing.tap(native, _native.testing.DebugStage.INPUT_BLOCK, 1024)
    np.testing.assert_array_equal(newest, block[-len(newest) :])  # the oldest audio was dropped
    weights = native.pull(52)[1]
    assert np.isfinite(weights).all()
    # The stream continues after the gap.
    native.push(noise(0.5), 1)
    assert native.process()
    assert native.info.dropped_samples == info.dropped_samples


def test_one_sample_per_push_at_a_high_sample_rate(model: Model) -> None:
    rate = 48000
    audio = noise(0.05, rate)
    whole, pieces = model.stream(rate), model.stream(rate)
    whole.push(audio)
    for sample in audio:
        pieces.push(sample[None])
    whole.flush()
    pieces.flush()
    np.testing.assert_allclose(pieces.pull().weights, whole.pull().weights, atol=1e-6)


def test_playback_times_may_jump(model: Model) -> None:
    stream = model.stream(RATE, history_seconds=2.0)
    for part in np.split(noise(5.0), 50):
        stream.push(part)
    stream.flush()
    frames = stream.pull().weights[-60:]  # the stored frames
    newest = 149
    for time in (4.9, 3.1, 4.0, -1.0, 1e9, 3.5, 0.0, 4.9):
        index = int(np.clip(round(time * 30), newest - 59, newest))
        np.testing.assert_allclose(
            stream.sample(index / 30 if 0 < time < 5 else time),
            frames[index - newest - 1],
            atol=1e-6,
        )
    assert stream.info.frame_count == newest + 1  # sampling does not compute frames


def test_a_reset_to_another_sample_rate_clears_the_state(model: Model) -> None:
    stream = model.stream(48000, channels=2)
    stream.push(np.zeros((4000, 2), np.float32))
    latency = stream.info.latency
    stream.reset(RATE, channels=1)  # without a flush
    assert stream.info.latency < latency
    assert stream.info.frame_count == stream.info.pushed_samples == 0
    fresh = model.stream(RATE)
    for one in (stream, fresh):
        one.push(noise(0.5))
        one.flush()
    np.testing.assert_array_equal(stream.pull().weights, fresh.pull().weights)


def test_a_reset_to_a_higher_sample_rate_keeps_the_buffer_duration(model: Model) -> None:
    native = model.stream(8000, buffer_seconds=0.5)._native
    native.reset(192000, 1)
    for rate in (192000, 8000):
        native.push(noise(0.5, rate), 1)
        assert native.process()
        assert native.info.dropped_samples == 0
        native.push(noise(0.6, rate), 1)
        assert native.process()
        assert native.info.dropped_samples == pytest.approx(0.1 * rate)
        native.reset(8000, 1)


def test_audio_whose_end_was_dropped_has_all_frames(model: Model) -> None:
    native = model.stream(8000, buffer_seconds=0.05)._native
    native.set_input_format(192000, 1)  # the buffer of 400 samples is shorter than a frame
    native.push(noise(1.51, 192000), 1)
    native.flush()
    native.process()
    assert native.info.frame_count == round(1.51 * 30)


def animate_segments(segments: list[tuple[int, float, float]], block: float) -> np.ndarray:
    stream = Model("30-fast").stream(segments[0][0], controls=load_preset("raw"))
    for number, (rate, begin, end) in enumerate(segments):
        if number > 0:
            stream.set_input_format(rate)
        audio = chord(rate, begin, end)
        for part in np.split(audio, range(round(block * rate), len(audio), round(block * rate))):
            stream.push(part)
    stream.flush()
    return stream.pull().weights


def test_audio_continues_over_a_change_of_the_sample_rate() -> None:
    one = animate_segments([(48000, 0.0, 4.0)], 0.01)
    several = [(48000, 0.0, 1.01), (44100, 1.01, 2.02), (16000, 2.02, 3.03), (48000, 3.03, 4.0)]
    changed = animate_segments(several, 0.01)
    assert one.shape == changed.shape == (120, 52)  # the same duration
    difference = np.abs(changed - one).max(axis=1)
    assert difference[:30].max() == 0
    # The limit is larger after the last change: the history at 48 kHz is interpolated from 16 kHz.
    assert difference[:90].max() < 0.01
    assert difference.max() < 0.03
    # A stream without the history differs more.
    fresh = animate_segments([(44100, 1.01, 2.02)], 0.01)
    assert np.abs(fresh[1:20] - one[32:51]).max() > 0.1
    for block in (0.00137, 10.0):
        np.testing.assert_allclose(animate_segments(several, block), changed, atol=1e-6)


def test_changes_of_the_input_format_with_and_without_gaps(model: Model) -> None:
    stream = model.stream(48000, buffer_seconds=0.5)
    native = stream._native
    native.push(noise(0.3, 48000), 1)
    for rate in (8000, 44101, 192000):  # formats without samples
        native.set_input_format(rate, 0)
    native.set_input_format(16000, 2)
    native.push(np.repeat(noise(9.7), 2), 2)  # longer than the buffer: the change lies in the gap
    assert native.process()
    native.set_input_format(48000, 1)
    native.push(noise(0.25, 48000), 1)
    native.flush()
    assert native.process()
    info = native.info
    assert info.pushed_samples == round(0.55 * 48000 + 9.7 * RATE)
    assert info.dropped_samples > 0
    assert info.frame_count == round(10.25 * 30)
    weights = native.pull(52)[1]
    assert np.isfinite(weights).all()
    with pytest.raises(StreamError, match="reset"):
        stream.set_input_format(16000)


def features_of(stream: Stream) -> np.ndarray:
    window = _native.testing.tap(
        stream._native, _native.testing.DebugStage.POOLED_CONTEXT, 256 * 80
    )
    return np.concatenate(
        [
            window,
            _native.testing.tap(stream._native, _native.testing.DebugStage.PREVIOUS_WEIGHTS, 52),
        ]
    )


@pytest.mark.parametrize("level", [1e-38, 1e-40, 1e-44])
def test_denormal_audio_leaves_no_denormals(model: Model, level: float) -> None:
    stream = model.stream(48000)
    audio = noise(0.5, 48000) * np.float32(1e-10)
    stream.push((audio * np.float32(level / 1e-10)).astype(np.float32))
    resampled = _native.testing.tap(
        stream._native, _native.testing.DebugStage.RESAMPLED_BLOCK, 1024
    )
    tiny = np.finfo(np.float32).tiny
    for values in (resampled, features_of(stream), stream.pull().weights):
        assert not ((values != 0) & (np.abs(values) < tiny)).any()
    quiet = model.stream(48000)
    quiet.push(np.zeros(24000, np.float32))
    np.testing.assert_allclose(features_of(stream), features_of(quiet), atol=1e-6)


def test_decaying_audio_ends_in_silence_without_denormals(model: Model) -> None:
    stream = model.stream(48000)
    decay = noise(3.0, 48000) * np.exp(-60 * np.arange(3 * 48000) / 48000).astype(np.float32)
    tiny = np.finfo(np.float32).tiny
    for part in np.split(decay, 60):
        stream.push(part)
        for stage in (
            _native.testing.DebugStage.RESAMPLED_BLOCK,
            _native.testing.DebugStage.NETWORK_OUTPUT,
            _native.testing.DebugStage.FINAL_WEIGHTS,
        ):
            values = _native.testing.tap(stream._native, stage, 1024)
            assert not ((values != 0) & (np.abs(values) < tiny)).any()


FAKE_RUNTIME = """
#include <stddef.h>
struct base { const void* (*get_api)(unsigned); const char* (*get_version)(void); };
static const void* get_api(unsigned version) { return NULL; }
static const char* get_version(void) { return "1.10.0"; }
const struct base* OrtGetApiBase(void) {
  static const struct base only = {get_api, get_version};
  return &only;
}
"""


def test_an_old_and_a_missing_onnx_runtime_have_different_messages(
    tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOEMORPH_INFERENCE", "onnxruntime")
    source, old = tmp_path / "old.c", tmp_path / "libold.so"
    source.write_text(FAKE_RUNTIME)
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(old)], check=True)
    for library, words in (
        (old, r"1\.10\.0.*libold\.so.*1\.17"),
        (tmp_path / "none.so", r"none\.so"),
        (source, r"old\.c"),
    ):
        with pytest.raises(Exception, match=words) as caught:
            _native.Model(str(tiny_models[30]), str(library))
        assert type(caught.value).__name__ == "ModelError"
    assert _native.Model(str(tiny_models[30]), onnxruntime_library()).metadata("fps") == "30"
