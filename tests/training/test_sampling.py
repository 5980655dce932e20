"""How sequences are drawn from tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig

from koemorph.blendshapes import INDEX
from koemorph.features import FeatureSettings
from koemorph.training.cache import FeatureCache, TrackFeatures
from koemorph.training.config import AugmentConfig, DataConfig
from koemorph.training.data import (
    AT_REST,
    BatchSampler,
    LabelledTrack,
    expression_statistics,
    load_tracks,
    target_statistics,
)
from koemorph.training.expression import expression_backend
from koemorph.training.network_settings import NetworkSettings
from koemorph.training.settings import read_settings
from koemorph.training.streaming import AMBIENT_FLOOR
from koemorph.training.strides import Stride, stride_of_batch
from koemorph.training.tracks import Track
from koemorph.training.training_data import iterate_tracks

FRAMES = 900
PAUSE = range(500, 560)


def sampler(cold_start_ratio: float, augmented: float = 0.0, **changes: Any) -> BatchSampler:
    """One track whose mel frames contain their index; the mouth is at rest in PAUSE."""
    settings = NetworkSettings(expression_features=0)
    number = np.arange(FRAMES, dtype=np.float32)
    face = np.zeros((FRAMES, 52), np.float32)
    face[:, INDEX["jawOpen"]] = 0.3
    face[PAUSE.start : PAUSE.stop] = 0
    features = TrackFeatures(
        mel=np.broadcast_to(number[:, None], (FRAMES, settings.mel_bands)),
        detail=np.zeros((FRAMES, settings.detail_frames, settings.mel_bands), np.float32),
        expression=np.zeros((1, 0), np.float32),
        expression_index=np.zeros((FRAMES, 0), np.int64),
    )
    track = LabelledTrack(
        "one", features, face, np.ones(52, np.bool_), np.ones(FRAMES, np.bool_), np.array([0, 300])
    )
    data = DataConfig(
        sequence_seconds=64 / 30,
        cold_start_ratio=cold_start_ratio,
        stride_mode="dense",
        augment=AugmentConfig(probability=augmented),
    )
    return BatchSampler([track], settings, replace(data, **changes), FeatureSettings(), seed=1)


def first_frames(cold_start_ratio: float) -> list[int]:
    """The index of the earliest frame of each of many sequences."""
    drawn = sampler(cold_start_ratio)
    frames = []
    for step in range(40):
        mel = drawn.batch(0, step).mel[..., 0]
        frames += [int(row[row >= 0].min()) for row in mel]
    return frames


def test_cold_starts_are_at_recording_starts_in_pauses_and_anywhere() -> None:
    frames = first_frames(1.0)
    assert 0.4 < np.mean([frame in (0, 300) for frame in frames]) < 0.6
    assert 0.2 < np.mean([frame in PAUSE for frame in frames]) < 0.4
    assert len(set(frames) - set(PAUSE)) > 20


@pytest.mark.parametrize("augmented", [0.0, 1.0])
def test_the_history_of_a_cold_start_is_the_ambient_floor_of_its_first_frame(
    augmented: float,
) -> None:
    """Augmentation adds no noise before the start of the stream."""
    drawn = sampler(1.0, augmented)
    past, detailed_past = drawn.network.context_frames - 1, drawn.network.trunk_history
    for step in range(10):
        batch = drawn.batch(0, step)
        for row, first in ((batch.mel, past), (batch.detail, detailed_past)):
            floor = row[:, first, None].clamp(max=AMBIENT_FLOOR)
            assert torch.equal(row[:, :first], floor.expand_as(row[:, :first]))
        assert not torch.equal(batch.mel[:, past], batch.mel[:, past + 1])


def test_sequences_without_cold_start_have_a_history() -> None:
    assert set(first_frames(0.0)) & set(range(1, 300))


def test_frames_that_were_not_captured_have_no_label() -> None:
    drawn = sampler(1.0)
    (track,) = drawn.tracks
    track.captured[:] = np.arange(FRAMES) % 2 == 0
    track.weights[~track.captured] = 1.0
    for step in range(10):
        batch = drawn.batch(0, step)
        assert batch.labelled.any()
        assert torch.equal(batch.labelled.amax(-1) == 0, batch.target.amax(-1) == 1)
    assert track.captured[track.resting].all()
    mean, deviation = target_statistics(drawn.tracks)
    assert mean.max() < 0.3
    assert deviation.max() < 0.15


@pytest.mark.parametrize(("length", "shown"), [(FRAMES, 0.0), (64, 0.3)])
def test_the_previous_face_of_the_first_frame_is_zero(length: int, shown: float) -> None:
    drawn = sampler(0.0, sequence_seconds=length / 30, batch_size=1)
    jaw = drawn.batch(0, 0).previous[0, 0, INDEX["jawOpen"]]
    assert jaw == pytest.approx(shown)


def test_the_stride_follows_its_mode() -> None:
    def strides(epochs: int = 4, **settings: Any) -> list[int]:
        data = DataConfig(**settings)
        return [stride_of_batch(data, epoch, epochs, 0, 0).stride for epoch in range(epochs)]

    assert strides(stride_mode="dense", stride_frames=2) == [2, 2, 2, 2]
    assert strides(stride_mode="sparse", initial_stride=16) == [16, 16, 16, 16]
    progressive = strides(stride_mode="progressive", initial_stride=8, final_stride=1)
    assert progressive == [8, 4, 2, 1]
    mixed = DataConfig(stride_mode="mixed", initial_stride=4, dense_sampling_ratio=0.25)
    drawn = [stride_of_batch(mixed, 0, 1, step, 0).stride for step in range(1000)]
    assert set(drawn) == {1, 4}
    assert drawn.count(1) == pytest.approx(250, abs=50)


@pytest.mark.parametrize("stride", [1, 3])
def test_without_sequential_training_runs_are_single_frames(
    configure: Callable[..., DictConfig], stride: int
) -> None:
    overrides = (
        "training.sequential=false",
        "data.stride_mode=dense",
        f"data.stride_frames={stride}",
    )
    data = read_settings(configure(*overrides)).data
    assert stride_of_batch(data, 0, 1, 0, 0) == Stride(stride, 1)
    changes = {"stride_frames": data.stride_frames, "run_frames": data.run_frames}
    batch = sampler(0.0, **changes).batch(0, 0)
    assert batch.previous.shape == batch.target.shape
    if stride == 1:
        assert torch.equal(batch.previous[:, 1:], batch.target[:, :-1])


def test_lead_seconds_moves_training_faces_but_not_validation_faces(
    configure: Callable[..., DictConfig],
) -> None:
    def load_weights(lead: str) -> list[np.ndarray]:
        # No pauses, because the face moves to the next recording in them.
        config = configure(f"++data.lead_seconds.train={lead}", "data.pause_seconds=[0.0,0.0]")
        return [track.weights for track in iterate_tracks(read_settings(config))]

    plain, early = load_weights("0.0"), load_weights(str(1 / 30))
    assert len(plain) > 2
    for before, after in zip(plain[:-2], early[:-2], strict=True):
        shared = np.isclose(before[1:], after[:-1], atol=1e-4).all(axis=1)
        assert shared.mean() > 0.9
        assert not np.allclose(before, after, atol=1e-2)
    for before, after in zip(plain[-2:], early[-2:], strict=True):
        np.testing.assert_array_equal(before, after)


def test_rest_in_pauses_applies_to_the_named_sources() -> None:
    """Two seconds of quiet, one of sound with a stop of 80 ms in it, and two of quiet."""
    rate = 16000
    random = np.random.default_rng(2)
    sound = random.normal(0, 0.1, 5 * rate).astype(np.float32)
    sound[: 2 * rate] *= 1e-3
    sound[3 * rate :] *= 1e-3
    sound[rate * 245 // 100 : rate * 253 // 100] *= 1e-3
    face = np.full((150, 52), 0.4, np.float32)
    captured = np.ones(150, np.bool_)
    track = Track("one", sound, rate, face, np.ones(52, np.bool_), captured, np.array([0]))
    with FeatureCache.temporary(FeatureSettings(), expression_backend("none")) as cache:
        (as_captured,) = load_tracks([track], cache, ["another"])
        (rested,) = load_tracks([track], cache, ["one"])
    np.testing.assert_array_equal(as_captured.weights, face)
    jaw = rested.weights[:, INDEX["jawOpen"]]
    assert (jaw[61:89] == np.float32(0.4)).all()
    assert (jaw[:55] == 0).all()
    assert (jaw[99:] == 0).all()
    assert np.count_nonzero((jaw > AT_REST) & (jaw < 0.39)) >= 2
    brow = INDEX["browInnerUp"]
    np.testing.assert_array_equal(rested.weights[:, brow], face[:, brow])


def test_expression_statistics_use_the_updates_that_frames_use() -> None:
    """Frames do not use the updates of the first two seconds."""
    rate = 16000
    noise = np.random.default_rng(3).normal(0, 0.1, 6 * rate)
    sound = (noise * (1.5 + np.sin(np.arange(len(noise)) / rate))).astype(np.float32)
    face, captured = np.zeros((180, 52), np.float32), np.ones(180, np.bool_)
    track = Track("one", sound, rate, face, np.ones(52, np.bool_), captured, np.array([0]))
    with FeatureCache.temporary(FeatureSettings(), expression_backend("native")) as cache:
        tracks = load_tracks([track], cache)
        features = tracks[0].features
        used = np.array(features.expression[features.expression_index[-1, 0] : 5 : -1])
    assert (features.expression_index[:60] < 0).all()
    mean, scale = expression_statistics(tracks)
    np.testing.assert_allclose(mean, used.mean(axis=0), rtol=1e-4, atol=1e-5)
    moving = used.std(axis=0) > 1e-6
    np.testing.assert_allclose(1 / scale[moving], used.std(axis=0)[moving], rtol=1e-3)
