"""The teacher: phones, their times, loudness and pitch to a face, learned from real captures.

It knows no talker's sound, so it can label any voice whose phones are known. What the captures
cannot teach is added by `rules`. The network is small (it learns GRID in a minute on one core) and
works at any frame rate: its inputs are sampled around each wanted moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koemorph.coefficients import COEFFICIENTS

from .articulation import FEATURES, articulate
from .loudness import HOP, RATE, loudness
from .phones import Phone
from .rules import columns

REACH = 0.36
STEP = 0.02
OFFSETS = np.arange(-round(REACH / STEP), round(REACH / STEP) + 1) * STEP
# What a frontal webcam capture of speech can teach; left and right learn their mean.
_LEARNED = """
jawOpen mouthClose mouthPucker mouthRollLower mouthRollUpper mouthSmile mouthStretch mouthPress
mouthLowerDown
"""
LEARNED = tuple(_LEARNED.split())


def observe(
    phones: Sequence[Phone],
    level: NDArray[np.floating],
    times: NDArray[np.floating],
    stretch: float = 1.0,
) -> NDArray[np.float32]:
    """The teacher's input at `times` (T,): (T, len(FEATURES) + 1, len(OFFSETS)).

    `level` is `loudness` of the clip. `stretch` > 1 looks further around, as if speech were slower.
    """
    moments = times[:, None] + OFFSETS * stretch
    mouth = articulate(phones, moments)
    grid = np.arange(len(level)) * HOP / RATE
    loud = np.interp(moments, grid, level, left=0.0, right=0.0)
    seen = np.concatenate([mouth, loud[..., None]], -1, dtype=np.float32)
    turned: NDArray[np.float32] = seen.transpose(0, 2, 1)
    return turned


class Network(nn.Module):
    """Two convolutions over the moments around a frame, then one hidden layer."""

    def __init__(self, width: int = 48, hidden: int = 160) -> None:
        super().__init__()
        self.near = nn.Conv1d(len(FEATURES) + 1, width, 5, padding=2)
        self.far = nn.Conv1d(width, width, 5, padding=4, dilation=2)
        self.mix = nn.Linear(width * ((len(OFFSETS) + 1) // 2), hidden)
        self.out = nn.Linear(hidden, len(LEARNED))
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, K) to (B, len(LEARNED)), around 0 to 1."""
        x = nn.functional.gelu(self.near(x))
        x = nn.functional.gelu(self.far(x))[..., ::2]
        x = nn.functional.gelu(self.mix(self.dropout(x.flatten(1))))
        out: Tensor = self.out(self.dropout(x))
        return out


@dataclass(frozen=True)
class Clip:
    """A capture whose phones are known. `face` (T, 52) holds frame k at k / fps seconds."""

    name: str
    phones: Sequence[Phone]
    samples: NDArray[np.float32]
    face: NDArray[np.float32]
    fps: float

    def times(self) -> NDArray[np.float64]:
        """Seconds of the frames, (T,)."""
        return np.arange(len(self.face)) / self.fps


def targets(face: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, 52) to what is learned, (T, len(LEARNED))."""
    return np.stack([face[:, columns(name)].mean(1) for name in LEARNED], 1).astype(np.float32)


def fit(
    clips: Sequence[Clip],
    epochs: int,
    seed: int = 0,
    advance: Callable[[float], None] = lambda loss: None,
) -> Teacher:
    """Learn from `clips`. Every clip has an offset of its own (head, camera, mood), learned beside
    the network, held small, and thrown away; every epoch speaks at its own pace and level.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    wanted = np.concatenate([targets(clip.face) for clip in clips])
    scale = torch.from_numpy(wanted.std(0) + 1e-6)
    answers = torch.from_numpy(wanted) / scale
    owner = torch.from_numpy(np.repeat(np.arange(len(clips)), [len(clip.face) for clip in clips]))
    levels = [loudness(clip.samples) for clip in clips]
    network, offsets = Network(), nn.Embedding(len(clips), len(LEARNED))
    nn.init.zeros_(offsets.weight)
    optimiser = torch.optim.AdamW(
        [
            {"params": network.parameters(), "weight_decay": 0.02},
            {"params": offsets.parameters(), "weight_decay": 0.0, "lr": 1e-2},
        ],
        lr=2e-3,
    )
    steps = epochs * (len(owner) // 512)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [2e-3, 2e-2], total_steps=steps)
    done = 0
    for _ in range(epochs):
        stretch = float(random.uniform(0.85, 1.15))
        inputs = torch.from_numpy(
            np.concatenate(
                [
                    observe(clip.phones, level, clip.times(), stretch)
                    for clip, level in zip(clips, levels, strict=True)
                ]
            )
        )
        for batch in torch.split(torch.randperm(len(owner)), 512):
            if done == steps:
                break
            x = inputs[batch].clone()
            x[:, -1] *= torch.empty(len(batch), 1).uniform_(0.7, 1.1)
            shift = offsets(owner[batch])
            loss = (
                network(x) + shift - answers[batch]
            ).square().mean() + 0.05 * shift.square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            done += 1
        advance(float(loss.detach()))
    return Teacher(network.eval(), scale)


class Teacher:
    """A fitted network; `label` gives the learned coefficients with the resting face at zero."""

    def __init__(self, network: Network, scale: Tensor) -> None:
        self._network, self._scale = network, scale
        rest = np.zeros((1, len(FEATURES) + 1, len(OFFSETS)), np.float32)
        rest[:, FEATURES.index("silence")] = 1
        self._rest: NDArray[np.float32] = self._answer(rest)[0]

    def _answer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            answer: Tensor = self._network(torch.from_numpy(inputs)) * self._scale
        return np.asarray(answer, np.float32)

    @property
    def rest(self) -> NDArray[np.float32]:
        """What the captured face shows in silence, (len(LEARNED),): camera and habit."""
        return self._rest

    def label(
        self, phones: Sequence[Phone], samples: NDArray[np.floating], times: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """The face at `times` (T,): (T, 52), nonnegative; coefficients it cannot know are 0."""
        learned = self._answer(observe(phones, loudness(samples), times)) - self._rest
        face = np.zeros((len(times), len(COEFFICIENTS)), np.float32)
        for column, name in enumerate(LEARNED):
            face[:, columns(name)] = np.maximum(learned[:, column : column + 1], 0)
        return face

    def save(self, path: Path) -> None:
        """Write the weights; `load` reads them."""
        torch.save({"network": self._network.state_dict(), "scale": self._scale}, path)

    @classmethod
    def load(cls, path: Path) -> Teacher:
        """Read what `save` wrote."""
        state = torch.load(path, weights_only=True)
        network = Network()
        network.load_state_dict(state["network"])
        return cls(network.eval(), state["scale"])
