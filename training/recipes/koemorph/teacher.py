"""The teacher: phones, their times and loudness to a face, learned from real captures.

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

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError

from .articulatory_features import FEATURES, Mouth
from .face_rules import columns
from .prosody import HOP, RATE, loudness

REACH = 0.36
STEP = 0.02
BATCH = 512  # frames
LONGER = 4  # how often a short source is heard in an epoch, at most
OFFSETS = np.arange(-round(REACH / STEP), round(REACH / STEP) + 1) * STEP
# What captures of speech can teach, each what it shows; left and right learn their mean.
_LEARNED = """
jawOpen mouthClose mouthPucker mouthRollLower mouthRollUpper mouthSmile mouthStretch mouthPress
mouthLowerDown mouthFunnel mouthUpperUp
"""
LEARNED = tuple(_LEARNED.split())


def observe(
    mouth: Mouth,
    level: NDArray[np.floating],
    times: NDArray[np.floating],
    stretch: float = 1.0,
) -> NDArray[np.float32]:
    """The teacher's input at `times` (T,): (T, len(FEATURES) + 1, len(OFFSETS)).

    `level` is `loudness` of the clip. `stretch` > 1 looks further around, as if speech were slower.
    """
    moments = times[:, None] + OFFSETS * stretch
    grid = np.arange(len(level)) * HOP / RATE
    loud = np.interp(moments, grid, level, left=0.0, right=0.0)
    seen = np.concatenate([mouth(moments), loud[..., None]], -1, dtype=np.float32)
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
    """A capture whose articulation is known. `face` (T, 52) holds frame k at k / fps seconds.

    source: the set it belongs to; unlabelled: what that set cannot tell; late: seconds by which
    the face comes after its sound.
    """

    name: str
    source: str
    mouth: Mouth
    samples: NDArray[np.float32]
    face: NDArray[np.float32]
    fps: float
    unlabelled: tuple[str, ...] = ()
    late: float = 0.0

    def times(self) -> NDArray[np.float64]:
        """Seconds of sound that the frames show, (T,)."""
        return np.arange(len(self.face)) / self.fps - self.late

    def known(self) -> NDArray[np.float32]:
        """1 for what is labelled of LEARNED, else 0."""
        sides = set(self.unlabelled)
        return np.array([not {name, f"{name}Left"} & sides for name in LEARNED], np.float32)


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
    the network, held small, and thrown away; every epoch speaks at its own pace and level. Sources
    count alike, however long they are (up to LONGER times), and each in its own units.

    Raises DataError for less than BATCH frames.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    lesson = _Lesson(clips)
    if len(lesson.order) < BATCH:
        raise DataError(
            f"captures of {len(lesson.order)} frames teach nothing: {BATCH} are needed at least."
        )
    network, offsets = Network(), nn.Embedding(len(clips), len(LEARNED))
    nn.init.zeros_(offsets.weight)
    optimiser = torch.optim.AdamW(
        [
            {"params": network.parameters(), "weight_decay": 0.02},
            {"params": offsets.parameters(), "weight_decay": 0.0, "lr": 1e-2},
        ],
        lr=2e-3,
    )
    steps = epochs * (len(lesson.order) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [2e-3, 2e-2], total_steps=steps)
    for _ in range(epochs):
        inputs = lesson.inputs(float(random.uniform(0.85, 1.15)))
        shuffled = lesson.order[torch.randperm(len(lesson.order))]
        for batch in torch.split(shuffled[: len(shuffled) // BATCH * BATCH], BATCH):
            x = inputs[batch].clone()
            x[:, -1] *= torch.empty(len(batch), 1).uniform_(0.7, 1.1)
            owner = lesson.owner[batch]
            shift = offsets(owner)
            miss = (network(x) + shift - lesson.answers[batch]).square()
            loss = (lesson.known[owner] * miss).mean() + 0.05 * shift.square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        advance(float(loss.detach()))
    return Teacher(network.eval(), lesson.scale, sorted({clip.source for clip in clips}))


class _Lesson:
    """What the clips ask and answer, frame by frame over all clips.

    answers: (N, L) in units of each source's own movement; owner: (N,), each frame's clip; known:
    (clips, L); order: frames of an epoch, those of short sources more than once; scale: (L,), the
    unit of what is taught: the mean over the sources that know it.
    """

    def __init__(self, clips: Sequence[Clip]) -> None:
        self._clips = clips
        self._levels = [loudness(clip.samples) for clip in clips]
        lengths = [len(clip.face) for clip in clips]
        self.owner = torch.from_numpy(np.repeat(np.arange(len(clips)), lengths))
        wanted = np.concatenate([targets(clip.face) for clip in clips])
        names = np.repeat([clip.source for clip in clips], lengths)
        known = np.stack([clip.known() for clip in clips])
        self.known = torch.from_numpy(known)
        counts = {source: int((names == source).sum()) for source in set(names)}
        scales, order = [], []
        for source, count in sorted(counts.items()):
            mine = np.flatnonzero(names == source)
            unit = wanted[mine].std(0) + 1e-6
            wanted[mine] /= unit
            first = next(k for k, clip in enumerate(clips) if clip.source == source)
            scales.append(unit * known[first])
            order.append(np.tile(mine, min(LONGER, max(1, max(counts.values()) // count))))
        self.answers = torch.from_numpy(wanted)
        self.order = torch.from_numpy(np.concatenate(order))
        knowing = np.maximum(np.count_nonzero(scales, axis=0), 1)
        self.scale = torch.from_numpy((np.sum(scales, 0) / knowing).astype(np.float32))

    def inputs(self, stretch: float) -> Tensor:
        """(N, F, K), with speech as if `stretch` times slower."""
        seen = [
            observe(clip.mouth, level, clip.times(), stretch)
            for clip, level in zip(self._clips, self._levels, strict=True)
        ]
        return torch.from_numpy(np.concatenate(seen))


class Teacher:
    """A fitted network; `label` gives the learned blendshapes with the resting face at zero.

    sources: the sets that it learned from, () where its file does not say.
    """

    def __init__(self, network: Network, scale: Tensor, sources: Sequence[str] = ()) -> None:
        self._network, self._scale = network, scale
        self.sources = tuple(sources)
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
        self, mouth: Mouth, samples: NDArray[np.floating], times: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """The face at `times` (T,): (T, 52), nonnegative; blendshapes it cannot know are 0."""
        learned = self._answer(observe(mouth, loudness(samples), times)) - self._rest
        face = np.zeros((len(times), len(BLENDSHAPES)), np.float32)
        for column, name in enumerate(LEARNED):
            face[:, columns(name)] = np.maximum(learned[:, column : column + 1], 0)
        return face

    def save(self, path: Path) -> None:
        """Write the weights; `load` reads them."""
        stored = {"network": self._network.state_dict(), "scale": self._scale}
        torch.save({**stored, "sources": list(self.sources)}, path)

    @classmethod
    def load(cls, path: Path) -> Teacher:
        """Read what `save` wrote."""
        state = torch.load(path, weights_only=True)
        network = Network()
        network.load_state_dict(state["network"])
        return cls(network.eval(), state["scale"], state.get("sources", ()))
