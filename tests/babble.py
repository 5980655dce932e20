"""Small synthetic recordings, noise that opens a mouth, and settings of a quick run on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.training.datasets.recordings import write_recording

SECONDS, FPS, RATE = 4.0, 30, 16000


def write_babble(folder: Path, seed: int, subject: str = "babbler", opening: float = 0.8) -> Path:
    """Write bursts of colored noise; jawOpen follows their level, mouthPucker their color."""
    rng = np.random.default_rng(seed)
    knots = rng.uniform(0, 1, (2, 14)) * (rng.random((2, 14)) > 0.3)
    times = np.linspace(0, 13, round(SECONDS * RATE))
    loud, dark = (np.interp(times, np.arange(14), row) for row in knots)
    noise = rng.standard_normal(len(times))
    dull = np.convolve(noise, np.ones(24) / 5, mode="same")
    audio = (0.2 * loud * ((1 - dark) * noise + dark * dull)).astype(np.float32)
    frames = np.round(np.arange(SECONDS * FPS) / FPS * RATE).astype(int)
    weights = np.zeros((len(frames), len(BLENDSHAPES)), np.float32)
    weights[:, INDEX["jawOpen"]] = opening * loud[frames]
    weights[:, INDEX["mouthPucker"]] = 0.6 * dark[frames] * (loud[frames] > 0.05)
    labelled = np.zeros(len(BLENDSHAPES), np.bool_)
    labelled[[INDEX["jawOpen"], INDEX["mouthPucker"], INDEX["mouthSmileLeft"]]] = True
    return write_recording(
        folder, audio, RATE, weights, FPS, labelled=labelled, metadata={"subject": subject}
    )


def common_overrides(babble: Path, cache: Path) -> list[str]:
    """Return the overrides of a small, quick run."""
    return [
        f"data.train_data_dir={babble / 'train'}",
        f"data.val_data_dir={babble / 'dev'}",
        f"data.cache_dir={cache}",
        "data.sequence_seconds=2",
        "data.batch_size=4",
        "data.track_seconds=12",
        "model.d_model=32",
        "model.channels=16",
        "model.hidden=8",
        "model.attention.num_heads=4",
        "model.attention.emotion_dim=16",
        "training.max_epochs=2",
        "training.max_steps_per_epoch=4",
        "training.scheduler.warmup_steps=2",
        "training.progress=false",
        "training.picture_every=0",
        "training.accelerator=cpu",
    ]
