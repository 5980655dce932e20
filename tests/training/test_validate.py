"""Validation of short and incomplete recordings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig

from koemorph.features import FeatureSettings
from koemorph.training.cache import FeatureCache
from koemorph.training.data import load_tracks
from koemorph.training.datasets.recordings import write_recording
from koemorph.training.evaluate import EvaluationClip, RunnableModel, evaluate
from koemorph.training.expression import expression_backend
from koemorph.training.metrics import speech_frames
from koemorph.training.network import Network
from koemorph.training.network_settings import NetworkSettings
from koemorph.training.predict import animate
from koemorph.training.tracks import Track
from koemorph.training.train import train
from koemorph.training.validate import validate


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_recording_of_one_frame_is_validated_without_warnings(
    configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 600).astype(np.float32)
    write_recording(tmp_path / "data" / "clip", sound, 16000, np.zeros((1, 52), np.float32), 30)
    one = configure("training.max_epochs=1", f"data.val_data_dir={tmp_path / 'data'}")
    measures = train(one, tmp_path / "run")
    assert measures["error"] > 0
    assert math.isnan(measures["r/mean"])
    assert math.isnan(measures["consistency"])


def test_frames_without_captured_face_are_not_validated() -> None:
    """Frames of lost tracking and after the end of the face."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 2 * 16000).astype(np.float32)
    captured = np.ones(60, np.bool_)
    captured[20:30] = captured[55:] = False
    labelled = rng.random(52) < 0.5
    labelled[17] = True
    face = rng.random((60, 52)).astype(np.float32)
    other = np.where(captured[:, None], face, np.float32(1.0))
    network = Network(NetworkSettings(expression_features=0))
    with FeatureCache.temporary(FeatureSettings(), expression_backend("none")) as cache:
        found = []
        for weights in (face, other):
            track = Track("one", sound, 16000, weights, labelled, captured, np.zeros(1, np.int64))
            measures = validate(network, load_tracks([track], cache), {})
            found.append({k: v for k, v in measures.items() if k != "real_time_factor"})
    assert found[0] == pytest.approx(found[1], nan_ok=True)
    assert found[0]["error"] > 0
    assert found[0]["consistency"] > 0


def test_validation_and_evaluation_use_the_same_mismatch_control() -> None:
    """Both pair each recording with the capture of the next one."""
    rng = np.random.default_rng(0)
    network = Network(NetworkSettings(expression_features=0))
    labelled = np.ones(52, np.bool_)
    tracks, cases = [], []
    with FeatureCache.temporary(FeatureSettings(), expression_backend("none")) as cache:
        for frames in (60, 45, 90):
            sound = rng.normal(0, 0.1, frames * 16000 // 30).astype(np.float32)
            face = rng.random((frames, 52)).astype(np.float32)
            captured = np.ones(frames, np.bool_)
            track = Track("one", sound, 16000, face, labelled, captured, np.zeros(1, np.int64))
            (loaded,) = load_tracks([track], cache)
            speech = speech_frames(loaded.features)
            tracks.append(loaded)
            cases.append(
                EvaluationClip(
                    f"{frames}", sound, 16000, face, speech, np.array(loaded.features.mel)
                )
            )
        outputs = {
            case.audio.tobytes(): animate(network, t.features)
            for case, t in zip(cases, tracks, strict=True)
        }
        player = RunnableModel(30, lambda audio, rate: outputs[audio.tobytes()])
        report = evaluate(player, cases).blendshapes["jawOpen"]
        measures = validate(network, tracks, {})
    assert measures["control/jawOpen"] == pytest.approx(report["control"])
    assert measures["r/jawOpen"] == pytest.approx(report["r"])
