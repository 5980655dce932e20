"""The teacher: a network from articulation and loudness to a face, trained on captures.

Its inputs are independent of the speaker, so it can label any voice whose phones are known. What
captures cannot teach is added by `face_rules`. Inputs are sampled around each frame, so it works at
any frame rate.
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

from ...datasets.utterances import SAMPLE_RATE
from .articulatory_features import FEATURES, Articulation
from .face_rules import columns
from .prosody import HOP, loudness

CONTEXT = 0.36  # seconds to either side of a frame
STEP = 0.02  # seconds between the inputs of a frame
OFFSETS = np.arange(-round(CONTEXT / STEP), round(CONTEXT / STEP) + 1) * STEP
BATCH_SIZE = 512  # frames
MAX_REPEATS = 4  # of a small source in an epoch
# What captures of speech can teach; left and right are trained on their mean.
_SHAPES = """
jawOpen mouthClose mouthPucker mouthRollLower mouthRollUpper mouthSmile mouthStretch mouthPress
mouthLowerDown mouthFunnel mouthUpperUp
"""
SHAPES = tuple(_SHAPES.split())


def teacher_inputs(
    articulation: Articulation,
    level: NDArray[np.floating],
    times: NDArray[np.floating],
    stretch: float = 1.0,
) -> NDArray[np.float32]:
    """Sample the inputs around each frame.

    Args:
        articulation: of the clip.
        level: `loudness` of the clip.
        times: (T,) seconds.
        stretch: factor of the context; above 1 as if speech were faster.

    Returns:
        (T, len(FEATURES) + 1, len(OFFSETS)).
    """
    around = times[:, None] + OFFSETS * stretch
    grid = np.arange(len(level)) * HOP / SAMPLE_RATE
    levels = np.interp(around, grid, level, left=0.0, right=0.0)
    joined = np.concatenate([articulation(around), levels[..., None]], -1, dtype=np.float32)
    inputs: NDArray[np.float32] = joined.transpose(0, 2, 1)
    return inputs


class TeacherNetwork(nn.Module):
    """Two convolutions over the context of a frame, then one hidden layer.

    Args:
        channels: of the convolutions.
        hidden: units of the hidden layer.
    """

    def __init__(self, channels: int = 48, hidden: int = 160) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(len(FEATURES) + 1, channels, 5, padding=2)
        self.conv2 = nn.Conv1d(channels, channels, 5, padding=4, dilation=2)
        self.hidden = nn.Linear(channels * ((len(OFFSETS) + 1) // 2), hidden)
        self.output = nn.Linear(hidden, len(SHAPES))
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the face in normalized units.

        Args:
            x: (B, len(FEATURES) + 1, len(OFFSETS)).

        Returns:
            (B, len(SHAPES)).
        """
        x = nn.functional.gelu(self.conv1(x))
        x = nn.functional.gelu(self.conv2(x))[..., ::2]
        x = nn.functional.gelu(self.hidden(self.dropout(x.flatten(1))))
        out: Tensor = self.output(self.dropout(x))
        return out


@dataclass(frozen=True)
class TeacherClip:
    """A captured face with known articulation.

    Attributes:
        name: of the clip.
        source: the data set it belongs to.
        articulation: over time.
        samples: (n,) at 16 kHz.
        face: (T, 52), frame k at k / fps seconds.
        fps: frames per second.
        unlabelled: blend shapes that the source does not capture.
        delay: seconds by which the face is later than the audio.
    """

    name: str
    source: str
    articulation: Articulation
    samples: NDArray[np.float32]
    face: NDArray[np.float32]
    fps: float
    unlabelled: tuple[str, ...] = ()
    delay: float = 0.0

    def times(self) -> NDArray[np.float64]:
        """Compute the seconds of audio that the frames show, (T,)."""
        return np.arange(len(self.face)) / self.fps - self.delay

    def label_mask(self) -> NDArray[np.float32]:
        """Mark which of SHAPES are labelled, (len(SHAPES),), 1 or 0."""
        missing = set(self.unlabelled)
        return np.array([not {name, f"{name}Left"} & missing for name in SHAPES], np.float32)


def select_shapes(face: NDArray[np.floating]) -> NDArray[np.float32]:
    """Select SHAPES from a face.

    Args:
        face: (T, 52).

    Returns:
        (T, len(SHAPES)); means of left and right.
    """
    return np.stack([face[:, columns(name)].mean(1) for name in SHAPES], 1).astype(np.float32)


def train_teacher(
    clips: Sequence[TeacherClip],
    epochs: int,
    seed: int = 0,
    on_epoch: Callable[[float], None] = lambda loss: None,
) -> Teacher:
    """Train a teacher.

    Each clip has a constant offset (head pose, camera, mood), which is trained with the network,
    kept small, and dropped. Each epoch has its own speaking rate and level. Sources count the same
    (up to MAX_REPEATS), and each is normalized by its own amplitude.

    Args:
        clips: of all sources.
        epochs: number of epochs.
        seed: of weights, order and augmentation.
        on_epoch: called with the loss at the end of each epoch.

    Returns:
        The teacher.

    Raises:
        DataError: there are fewer frames than BATCH_SIZE (too_short).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    data = _TrainingFrames(clips)
    if len(data.order) < BATCH_SIZE:
        raise DataError(
            f"too few captured frames for the teacher: {len(data.order)}, expected at least "
            f"{BATCH_SIZE}.",
            code="too_short",
        )
    network, offsets = TeacherNetwork(), nn.Embedding(len(clips), len(SHAPES))
    nn.init.zeros_(offsets.weight)
    optimizer = torch.optim.AdamW(
        [
            {"params": network.parameters(), "weight_decay": 0.02},
            {"params": offsets.parameters(), "weight_decay": 0.0, "lr": 1e-2},
        ],
        lr=2e-3,
    )
    steps = epochs * (len(data.order) // BATCH_SIZE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, [2e-3, 2e-2], total_steps=steps)
    for _ in range(epochs):
        inputs = data.inputs(float(rng.uniform(0.85, 1.15)))
        shuffled = data.order[torch.randperm(len(data.order))]
        complete = len(shuffled) // BATCH_SIZE * BATCH_SIZE
        for batch in torch.split(shuffled[:complete], BATCH_SIZE):
            x = inputs[batch].clone()
            x[:, -1] *= torch.empty(len(batch), 1).uniform_(0.7, 1.1)
            clip = data.clip_index[batch]
            offset = offsets(clip)
            error = (network(x) + offset - data.targets[batch]).square()
            loss = (data.label_mask[clip] * error).mean() + 0.05 * offset.square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        on_epoch(float(loss.detach()))
    return Teacher(network.eval(), data.scale, sorted({clip.source for clip in clips}))


class _TrainingFrames:
    """The frames of all clips.

    targets: (N, S) in units of each source's amplitude; clip_index: (N,); label_mask: (clips, S);
    order: frames of an epoch, those of small sources repeated; scale: (S,), the mean amplitude over
    the sources that have labels.
    """

    def __init__(self, clips: Sequence[TeacherClip]) -> None:
        self._clips = clips
        self._levels = [loudness(clip.samples) for clip in clips]
        lengths = [len(clip.face) for clip in clips]
        self.clip_index = torch.from_numpy(np.repeat(np.arange(len(clips)), lengths))
        targets = np.concatenate([select_shapes(clip.face) for clip in clips])
        sources = np.repeat([clip.source for clip in clips], lengths)
        masks = np.stack([clip.label_mask() for clip in clips])
        self.label_mask = torch.from_numpy(masks)
        counts = {source: int((sources == source).sum()) for source in set(sources)}
        scales, order = [], []
        for source, count in sorted(counts.items()):
            frames = np.flatnonzero(sources == source)
            amplitude = targets[frames].std(0) + 1e-6
            targets[frames] /= amplitude
            first = next(k for k, clip in enumerate(clips) if clip.source == source)
            scales.append(amplitude * masks[first])
            repeats = min(MAX_REPEATS, max(1, max(counts.values()) // count))
            order.append(np.tile(frames, repeats))
        self.targets = torch.from_numpy(targets)
        self.order = torch.from_numpy(np.concatenate(order))
        labelled_sources = np.maximum(np.count_nonzero(scales, axis=0), 1)
        self.scale = torch.from_numpy((np.sum(scales, 0) / labelled_sources).astype(np.float32))

    def inputs(self, stretch: float) -> Tensor:
        """(N, F, K), see `teacher_inputs`."""
        inputs = [
            teacher_inputs(clip.articulation, level, clip.times(), stretch)
            for clip, level in zip(self._clips, self._levels, strict=True)
        ]
        return torch.from_numpy(np.concatenate(inputs))


class Teacher:
    """A trained teacher.

    Args:
        network: its network.
        scale: (len(SHAPES),), amplitude of each shape.
        sources: the data sets that it was trained on; () if unknown.
    """

    def __init__(self, network: TeacherNetwork, scale: Tensor, sources: Sequence[str] = ()) -> None:
        self._network, self._scale = network, scale
        self.sources = tuple(sources)
        silence = np.zeros((1, len(FEATURES) + 1, len(OFFSETS)), np.float32)
        silence[:, FEATURES.index("silence")] = 1
        self._rest_pose: NDArray[np.float32] = self._run(silence)[0]

    def _run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            output: Tensor = self._network(torch.from_numpy(inputs)) * self._scale
        return np.asarray(output, np.float32)

    @property
    def rest_pose(self) -> NDArray[np.float32]:
        """The captured face in silence, (len(SHAPES),)."""
        return self._rest_pose

    def predict(
        self,
        articulation: Articulation,
        samples: NDArray[np.floating],
        times: NDArray[np.floating],
    ) -> NDArray[np.float32]:
        """Compute the face of a voice, relative to the rest pose.

        Args:
            articulation: of the voice.
            samples: (n,) at 16 kHz.
            times: (T,) seconds.

        Returns:
            (T, 52), at least 0; blend shapes that are not in SHAPES are 0.
        """
        inputs = teacher_inputs(articulation, loudness(samples), times)
        relative = self._run(inputs) - self._rest_pose
        face = np.zeros((len(times), len(BLENDSHAPES)), np.float32)
        for column, name in enumerate(SHAPES):
            face[:, columns(name)] = np.maximum(relative[:, column : column + 1], 0)
        return face

    def save(self, path: Path) -> None:
        """Write the teacher to a file, for `load`."""
        stored = {"network": self._network.state_dict(), "scale": self._scale}
        torch.save({**stored, "sources": list(self.sources)}, path)

    @classmethod
    def load(cls, path: Path) -> Teacher:
        """Read a file of `save`."""
        state = torch.load(path, weights_only=True)
        network = TeacherNetwork()
        network.load_state_dict(state["network"])
        return cls(network.eval(), state["scale"], state.get("sources", ()))
