"""Expression features by backend: the input of the network's second stream.

A backend computes updates (U, D) from audio, one every `update_interval` seconds; update u is of
the audio up to (u + 1) * update_interval, over at most `context_window` seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError
from koemorph.features import Features, FeatureSettings

from . import research_backends as research

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class ExpressionBackend:
    """A backend: its name, D numbers per update (0: no expression stream) and how to compute them.

    compute(audio (n,), sample_rate, settings, features) -> (U, D); `features` are the native
    stages' of the same audio.
    """

    name: str
    size: int
    compute: Callable[[FloatArray, int, FeatureSettings, Features], FloatArray]

    def index(self, frames: int, settings: FeatureSettings) -> NDArray[np.int64]:
        """Return the update of each window of each frame, (frames, windows); -1: none yet."""
        config = settings.mel_config()
        ends = np.array([config.end_sample(frame) for frame in range(frames)], np.int64)
        interval = round(settings.update_interval * settings.sample_rate)
        ago = np.array(
            [round(seconds / settings.update_interval) for seconds in settings.window_intervals]
        )
        updates = ends[:, None] // interval - 1 - ago
        available = updates >= settings.egemaps_config().first_valid_update
        index: NDArray[np.int64] = np.where(available, updates, -1)
        return index


def _none(
    audio: FloatArray, sample_rate: int, settings: FeatureSettings, features: Features
) -> FloatArray:
    return np.zeros((0, 0), np.float32)


def _native(
    audio: FloatArray, sample_rate: int, settings: FeatureSettings, features: Features
) -> FloatArray:
    return features.egemaps


_BACKENDS = {
    "native": ExpressionBackend("native", 88, _native),
    "none": ExpressionBackend("none", 0, _none),
    "basic": ExpressionBackend("basic", len(research.PROSODY_COLUMNS), research.basic),
    "opensmile": ExpressionBackend("opensmile", 88, research.opensmile),
    "emotion2vec": ExpressionBackend(
        "emotion2vec", research.EMOTION2VEC_SIZE, research.emotion2vec
    ),
}


def expression_backend(name: str) -> ExpressionBackend:
    """Return the backend of that name; DataError where there is none."""
    if name not in _BACKENDS:
        raise DataError(
            f"model.emotion_config.backend={name}: it must be one of {', '.join(_BACKENDS)}.",
            code="unknown_backend",
        )
    return _BACKENDS[name]
