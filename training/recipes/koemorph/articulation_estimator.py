"""Articulatory features from audio, for captures without transcripts.

FACEGOOD's Mandarin has faces but no phones. A small non-causal network, trained on voices whose
phones are known (other speakers, other sentences), estimates the features of
`articulatory_features`, from which the teacher learns as from phones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koemorph.errors import DataError
from koemorph.features import FeatureSettings, extract

from ...augmentation import augment
from ...config import AugmentConfig
from ...datasets.utterances import SAMPLE_RATE, Utterance
from .articulatory_features import FEATURES, Articulation, sample_features
from .prosody import align_pauses

SETTINGS = FeatureSettings.for_fps(60)
STEPS = 2200
BATCH_SIZE, SEGMENT_FRAMES = 24, 150
_OFFSET = 1.0  # centers the scale of the mel features around 0
_AUGMENTATION = AugmentConfig(probability=0.7, gain_db=[-25.0, 6.0], warp=0.16, snr_db=[15.0, 42.0])
Frames = NDArray[np.float32]


class EstimatorNetwork(nn.Module):
    """Residual convolutions over mel and detail features at 60 fps, with 0.3 s of context each way.

    Args:
        width: channels of the hidden layers.
    """

    def __init__(self, width: int = 160) -> None:
        super().__init__()
        self.input = nn.Conv1d(2 * SETTINGS.mel_bands, width, 5, padding=2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
            for dilation in (1, 2, 4)
        )
        self.output = nn.Conv1d(width, len(FEATURES), 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits.

        Args:
            x: (B, 2 * bands, T).

        Returns:
            (B, len(FEATURES), T).
        """
        x = nn.functional.gelu(self.input(x))
        for layer in self.layers:
            x = x + nn.functional.gelu(layer(self.dropout(x)))
        logits: Tensor = self.output(x)
        return logits


def _frames(samples: NDArray[np.floating]) -> Frames:
    """(T, 2, bands): mel features and the newest detail features."""
    features = extract(samples, SAMPLE_RATE, SETTINGS)
    return np.stack([features.mel, features.detail[:, -1]], 1).astype(np.float32)


class ArticulationEstimator:
    """A trained estimator.

    Args:
        network: its network.
    """

    def __init__(self, network: EstimatorNetwork) -> None:
        self._network = network.eval()

    def estimate(self, samples: NDArray[np.floating]) -> Articulation:
        """Estimate the articulation of a voice.

        Args:
            samples: (n,) at 16 kHz.

        Returns:
            A function of time; outside of the audio it returns silence.
        """
        frames = _frames(samples).reshape(-1, 2 * SETTINGS.mel_bands) + _OFFSET
        with torch.no_grad():
            logits: Tensor = self._network(torch.from_numpy(frames.T[None].copy()))
        probabilities = np.asarray(torch.sigmoid(logits)[0].T, np.float32)
        silence = np.array([name == "silence" for name in FEATURES], np.float32)
        frame_times = np.arange(len(probabilities)) / SETTINGS.fps

        def articulation(times: NDArray[np.floating]) -> NDArray[np.float32]:
            flat = times.ravel()
            features = np.stack([np.interp(flat, frame_times, p) for p in probabilities.T], 1)
            features[(flat < 0) | (flat > frame_times[-1])] = silence
            return features.reshape(*times.shape, len(FEATURES)).astype(np.float32)

        return articulation

    def save(self, path: Path) -> None:
        """Write the network to a file, for `load`."""
        torch.save(self._network.state_dict(), path)

    @classmethod
    def load(cls, path: Path) -> ArticulationEstimator:
        """Read a file of `save`."""
        network = EstimatorNetwork()
        network.load_state_dict(torch.load(path, weights_only=True))
        return cls(network)


def train_estimator(
    utterances: Sequence[Utterance],
    steps: int = STEPS,
    seed: int = 0,
    on_step: Callable[[float], None] = lambda loss: None,
) -> ArticulationEstimator:
    """Train an estimator.

    Args:
        utterances: with phones.
        steps: optimizer steps.
        seed: of weights, segments and augmentation.
        on_step: called with the loss of each step.

    Returns:
        The estimator.

    Raises:
        DataError: there is less audio than a segment (too_short).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    inputs, targets = [], []
    for utterance in utterances:
        samples = utterance.load()
        frames = _frames(samples)
        inputs.append(frames)
        times = np.arange(len(frames)) / SETTINGS.fps
        targets.append(sample_features(align_pauses(utterance.phones, samples), times))
    all_inputs, all_targets = np.concatenate(inputs), np.concatenate(targets)
    if len(all_inputs) <= SEGMENT_FRAMES:
        raise DataError(
            "too little audio for the articulation estimator: "
            f"{len(all_inputs) / SETTINGS.fps:.1f} s, expected more than "
            f"{SEGMENT_FRAMES / SETTINGS.fps:g} s.",
            code="too_short",
        )
    network = EstimatorNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.02)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        starts = rng.integers(0, len(all_inputs) - SEGMENT_FRAMES, BATCH_SIZE)
        batch = np.stack([_augmented(all_inputs[s : s + SEGMENT_FRAMES], rng) for s in starts])
        target = np.stack([all_targets[s : s + SEGMENT_FRAMES] for s in starts])
        loss = nn.functional.binary_cross_entropy_with_logits(
            network(torch.from_numpy(batch).transpose(1, 2)),
            torch.from_numpy(target).transpose(1, 2),
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scheduler.step()
        on_step(float(loss.detach()))
    return ArticulationEstimator(network)


def _augmented(frames: Frames, rng: np.random.Generator) -> Frames:
    """A segment (T, 2, bands), augmented, as network input (T, 2 * bands)."""
    mel, detail = augment(frames[:, 0], frames[:, 1:], _AUGMENTATION, SETTINGS, rng)
    joined: Frames = np.concatenate([mel, detail[:, 0]], 1) + np.float32(_OFFSET)
    return joined
