"""Speed and memory of training on this machine: the training loop on synthetic weights.

They depend on the settings and the machine, not on the speech: the audio is the bundled sample,
repeated to ten minutes, and the weights are slow noise.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from lightning_fabric import Fabric

from koemorph.errors import DataError
from koemorph.features import FeatureSettings

from .cache import FeatureCache
from .data import LabelledTrack, load_tracks
from .datasets.recordings import read_audio
from .layers import OUTPUTS
from .loop import Trainer
from .observer import Observer
from .settings import compose_config, read_settings
from .tracks import Track
from .train import build_trainer
from .training_data import TrainingData

TRACKS, TRACK_SECONDS = 10, 60
EPOCHS, STEPS = 4, 20  # the first epoch warms up and is not counted
BATCHES = 20  # timed outside the loop


class _Speeds(Observer):
    """Stores the speed that the loop reports."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 0, 0, bar=False, active=False)
        self.seconds: list[float] = []
        self.real_time: list[float] = []
        self.waits: list[float] = []

    def epoch(self, epoch: int, speed: Mapping[str, float]) -> None:
        self.seconds.append(speed["seconds"])
        self.real_time.append(speed["real_time"])

    def step(self, step: int, terms: Mapping[str, float], learning_rate: float) -> None:
        pass

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def validation(self, epoch: int, measures: Mapping[str, float]) -> None:
        pass


def measure(overrides: Sequence[str], voice: Path) -> dict[str, float]:
    """Measure a run with these overrides, on the speech in `voice`.

    real_time: seconds of audio trained on in a second, median of the epochs; step: seconds of a
    step; wait_ratio, batch_ratio: ratios of it that the loop waits for batches, and that creating a
    batch takes in one thread; features: seconds of audio prepared in a second of CPU time; memory:
    largest resident bytes of this process, NaN where it is unknown; threads: of torch.
    """
    settings = read_settings(compose_config([*overrides, "data.train_data_dir=."]))
    if settings.checkpoint is not None:
        raise DataError(
            f"checkpoint_path={settings.checkpoint}: the benchmark starts a new network. "
            "Leave checkpoint_path out.",
            code="bad_setting",
        )
    training = replace(
        settings.training, max_epochs=EPOCHS, max_steps_per_epoch=STEPS, picture_every=0
    )
    settings = replace(settings, training=training)
    with TemporaryDirectory(prefix="koemorph-") as name:
        folder = Path(name)
        (folder / "checkpoints").mkdir()
        cache = FeatureCache(folder / "cache", settings.features, settings.expression)
        tracks = _tracks(voice, settings.features)
        loaded, spent = _prepared(tracks, cache)
        data = TrainingData(loaded, loaded[:1], "benchmark", 0)
        fabric = Fabric(accelerator="cpu", devices=1)
        trainer = build_trainer(settings, data, folder, fabric)
        speeds = _Speeds(folder)
        trainer.fit(speeds)
        steps = STEPS * (EPOCHS - 1)
        step = sum(speeds.seconds[1:]) / steps
        return {
            "real_time": float(np.median(speeds.real_time[1:])),
            "step": step,
            "wait_ratio": sum(speeds.waits[1:]) / steps / step,
            "batch_ratio": _batch_seconds(trainer) / step,
            "features": TRACK_SECONDS / float(np.median(spent)),
            "memory": _peak_bytes(),
            "threads": float(torch.get_num_threads()),
        }


def _tracks(voice: Path, features: FeatureSettings) -> list[Track]:
    """Tracks of the repeated speech, each at another level, with slow noise as weights."""
    audio, rate = read_audio(voice)
    count = TRACK_SECONDS * rate
    looped = np.resize(audio, count)
    rng = np.random.default_rng(0)
    frames = np.arange(TRACK_SECONDS * features.fps) / features.fps
    knots = np.arange(TRACK_SECONDS * 4) / 4
    return [
        Track(
            "benchmark",
            np.float32(1 - track / (2 * TRACKS)) * looped,
            rate,
            np.stack([np.interp(frames, knots, rng.random(len(knots))) for _ in range(OUTPUTS)], 1)
            .astype(np.float32),
            np.ones(OUTPUTS, np.bool_),
            np.ones(len(frames), np.bool_),
            np.zeros(1, np.int64),
        )
        for track in range(TRACKS)
    ]  # fmt: skip


def _prepared(
    tracks: Sequence[Track], cache: FeatureCache
) -> tuple[list[LabelledTrack], list[float]]:
    """The tracks with their features, and the CPU seconds that each took."""
    loaded, spent = [], []
    for track in tracks:
        begin = time.process_time()
        loaded += load_tracks([track], cache)
        spent.append(time.process_time() - begin)
    return loaded, spent


def _batch_seconds(trainer: Trainer) -> float:
    """The median duration of creating one batch."""
    durations = []
    for number in range(BATCHES):
        begin = time.perf_counter()
        trainer.sampler.batch(0, number, epochs=EPOCHS)
        durations.append(time.perf_counter() - begin)
    return float(np.median(durations))


def _peak_bytes() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)
