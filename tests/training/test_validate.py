"""Validation of recordings that tell little."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig

from koemorph.training.recordings import write_recording
from koemorph.training.train import train


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_face_of_one_frame_is_validated_without_a_murmur(
    configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 600).astype(np.float32)
    write_recording(tmp_path / "data" / "clip", sound, 16000, np.zeros((1, 52), np.float32), 30)
    one = configure("training.max_epochs=1", f"data.val_data_dir={tmp_path / 'data'}")
    measures = train(one, tmp_path / "run")
    assert measures["error"] > 0
    assert math.isnan(measures["r/mean"])
    assert math.isnan(measures["consistency"])
