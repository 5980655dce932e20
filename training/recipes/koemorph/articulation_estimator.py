"""The listener: a voice to its articulation, for captures whose words nobody wrote down.

FACEGOOD's Mandarin has a face but no phones. A small network that hears the past and the future,
learned from voices whose phones are known (other talkers, other sentences), says at any moment what
the mouth is likely to do, in the features of `articulation`; the teacher learns from it as from
phones.
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

from ...augmentation import Augmentation, augment
from ...datasets.utterances import SAMPLE_RATE, Utterance
from .articulatory_features import FEATURES, Mouth, articulate
from .prosody import settle_pauses

SETTINGS = FeatureSettings.for_fps(60)
STEPS = 2200
SEGMENTS, SEGMENT_FRAMES = 24, 150
_OFFSET = 1.0  # brings the mel stage's scale around 0
_AUGMENTATION = Augmentation(probability=0.7, gain_db=(-25.0, 6.0), warp=0.16, snr_db=(15.0, 42.0))
Frames = NDArray[np.float32]


class Network(nn.Module):
    """Residual convolutions over mel and detail, 60 times a second; hears 0.3 s either way."""

    def __init__(self, width: int = 160) -> None:
        super().__init__()
        self.inp = nn.Conv1d(2 * SETTINGS.mel_bands, width, 5, padding=2)
        self.l = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * spread, dilation=spread) for spread in (1, 2, 4)
        )
        self.out = nn.Conv1d(width, len(FEATURES), 1)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2 * bands, T) to logits (B, len(FEATURES), T)."""
        x = nn.functional.gelu(self.inp(x))
        for layer in self.l:
            x = x + nn.functional.gelu(layer(self.drop(x)))
        logits: Tensor = self.out(x)
        return logits


def _frames(samples: NDArray[np.floating]) -> Frames:
    """(T, 2, bands): the mel window and the newest detail window."""
    features = extract(samples, SAMPLE_RATE, SETTINGS)
    return np.stack([features.mel, features.detail[:, -1]], 1).astype(np.float32)


class Listener:
    """A fitted network."""

    def __init__(self, network: Network) -> None:
        self._network = network.eval()

    def hear(self, samples: NDArray[np.floating]) -> Mouth:
        """The articulation of a voice (n,) at 16 kHz, to be asked at any times."""
        frames = _frames(samples).reshape(-1, 2 * SETTINGS.mel_bands) + _OFFSET
        with torch.no_grad():
            logits: Tensor = self._network(torch.from_numpy(frames.T[None].copy()))
        likely = np.asarray(torch.sigmoid(logits)[0].T, np.float32)
        rest = np.array([name == "silence" for name in FEATURES], np.float32)
        grid = np.arange(len(likely)) / SETTINGS.fps

        def mouth(times: NDArray[np.floating]) -> NDArray[np.float32]:
            asked = times.ravel()
            found = np.stack([np.interp(asked, grid, curve) for curve in likely.T], 1)
            found[(asked < 0) | (asked > grid[-1])] = rest
            return found.reshape(*times.shape, len(FEATURES)).astype(np.float32)

        return mouth

    def save(self, path: Path) -> None:
        """Write the weights; `load` reads them."""
        torch.save(self._network.state_dict(), path)

    @classmethod
    def load(cls, path: Path) -> Listener:
        """Read what `save` wrote."""
        network = Network()
        network.load_state_dict(torch.load(path, weights_only=True))
        return cls(network)


def fit(
    utterances: Sequence[Utterance],
    steps: int = STEPS,
    seed: int = 0,
    advance: Callable[[float], None] = lambda loss: None,
) -> Listener:
    """Learn from utterances with phones; `advance` hears of each step's loss.

    Raises DataError for voices that are shorter than a segment.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    heard, wanted = [], []
    for utterance in utterances:
        samples = utterance.load()
        frames = _frames(samples)
        heard.append(frames)
        times = np.arange(len(frames)) / SETTINGS.fps
        wanted.append(articulate(settle_pauses(utterance.phones, samples), times))
    sound, truth = np.concatenate(heard), np.concatenate(wanted)
    if len(sound) <= SEGMENT_FRAMES:
        raise DataError(
            f"voices of {len(sound) / SETTINGS.fps:.1f} s teach the listener nothing: more than "
            f"{SEGMENT_FRAMES / SETTINGS.fps:g} s are needed."
        )
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for _ in range(steps):
        starts = random.integers(0, len(sound) - SEGMENT_FRAMES, SEGMENTS)
        batch = np.stack([_changed(sound[s : s + SEGMENT_FRAMES], random) for s in starts])
        answers = np.stack([truth[s : s + SEGMENT_FRAMES] for s in starts])
        loss = nn.functional.binary_cross_entropy_with_logits(
            network(torch.from_numpy(batch).transpose(1, 2)),
            torch.from_numpy(answers).transpose(1, 2),
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        advance(float(loss.detach()))
    return Listener(network)


def _changed(frames: Frames, random: np.random.Generator) -> Frames:
    """A segment (T, 2, bands) in another voice and room, as input (T, 2 * bands)."""
    mel, detail = augment(frames[:, 0], frames[:, 1:], _AUGMENTATION, SETTINGS, random)
    joined: Frames = np.concatenate([mel, detail[:, 0]], 1) + np.float32(_OFFSET)
    return joined
