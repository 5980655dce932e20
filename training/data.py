"""Tracks with cached features, and the batches drawn from them.

A batch depends on (seed, epoch, step) only, so a resumed run and a run on several processes use
the same batches as an uninterrupted run on one process.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from koemorph.errors import DataError
from koemorph.features import FeatureSettings

from .augmentation import augment
from .cache import FeatureCache, TrackFeatures
from .config import DataConfig
from .layers import OUTPUTS
from .metrics import speech_frames
from .network import IS_MOUTH
from .network_settings import NetworkSettings
from .streaming import with_history
from .strides import stride_of_batch
from .styles import style_ratios
from .tracks import Track

FloatArray = NDArray[np.float32]
LOG = logging.getLogger(__name__)
MOUTH = np.array(IS_MOUTH)
AT_REST = 0.03  # upper limit of the weights of a mouth at rest
# Seconds before speech within which a mouth opens, and after it within which it closes.
OPENS_BEFORE, CLOSES_AFTER = 0.1, 0.2


@dataclass(frozen=True)
class Batch:
    """S sequences of T frames, n of them to be computed; see Network.sequence.

    target: (S, n, 52); labelled: (S, n, 52), 0 where there is no label; previous: (S, R, 52), the
    face before each run of consecutive frames; style: (S, styles - 1), ratios of the styles after
    the first; run: frames per run.
    """

    mel: Tensor
    detail: Tensor
    expression: Tensor | None
    positions: Tensor
    target: Tensor
    labelled: Tensor
    previous: Tensor
    style: Tensor
    run: int

    def rows(self, first: int, last: int) -> Batch:
        """The sequences first <= s < last."""
        pick = slice(first, last)
        expression = None if self.expression is None else self.expression[pick]
        return Batch(
            self.mel[pick],
            self.detail[pick],
            expression,
            self.positions,
            self.target[pick],
            self.labelled[pick],
            self.previous[pick],
            self.style[pick],
            self.run,
        )

    def to(self, device: torch.device, *, pin: bool = False) -> Batch:
        """The batch on another device; pin: by way of page-locked memory, for CUDA."""
        pinned = pin and device.type == "cuda"

        def move(table: Tensor) -> Tensor:
            source = table.pin_memory() if pinned else table
            return source.to(device, non_blocking=pinned)

        expression = None if self.expression is None else move(self.expression)
        moved = (self.mel, self.detail, self.positions, self.target, self.labelled)
        mel, detail, positions, target, labelled = map(move, moved)
        previous, style = move(self.previous), move(self.style)
        return Batch(
            mel, detail, expression, positions, target, labelled, previous, style, self.run
        )


@dataclass(frozen=True)
class LabelledTrack:
    """A track for training: features in the cache, weights in memory; see Track."""

    source: str
    features: TrackFeatures
    weights: FloatArray
    labelled: NDArray[np.bool_]
    captured: NDArray[np.bool_]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return min(len(self.features), len(self.weights))

    @cached_property
    def resting(self) -> NDArray[np.int64]:
        """The frames whose captured mouth is at rest, (n,)."""
        rests = (self.weights[: len(self), MOUTH] < AT_REST).all(axis=1)
        return np.flatnonzero(rests & self.captured[: len(self)])


def load_tracks(
    tracks: Iterable[Track], cache: FeatureCache, rest_in_pauses: Sequence[str] = ()
) -> list[LabelledTrack]:
    """Load the features of tracks, computed where the cache has none.

    Args:
        tracks: With audio and weights.
        cache: Of features.
        rest_in_pauses: Sources whose mouths are set to rest in pauses of speech.

    Returns:
        The tracks with their features.
    """
    loaded = []
    for track in tracks:
        features = cache.load(track.audio, track.sample_rate)
        weights = track.weights
        if track.source in rest_in_pauses:
            weights = _rest_in_pauses(weights, features, cache.settings.fps)
        loaded.append(
            LabelledTrack(
                track.source, features, weights, track.labelled, track.captured, track.starts
            )
        )
    return loaded


def _rest_in_pauses(weights: FloatArray, features: TrackFeatures, fps: int) -> FloatArray:
    """The face, (T, 52), with a mouth at rest in pauses of speech."""
    length = min(len(weights), len(features))
    frames, spoken = np.arange(length), np.flatnonzero(speech_frames(features)[:length])
    open_ratio = np.zeros(len(weights), np.float32)
    if len(spoken):
        after = np.searchsorted(spoken, frames)
        until = spoken[np.minimum(after, len(spoken) - 1)] - frames
        since = frames - spoken[np.maximum(after - 1, 0)]
        for seconds, distance in ((OPENS_BEFORE, until), (CLOSES_AFTER, since)):
            near = np.where(distance < 0, 0.0, 2 * (1 - distance / (seconds * fps)))
            open_ratio[:length] = np.maximum(open_ratio[:length], np.clip(near, 0.0, 1.0))
    return np.where(MOUTH, weights * open_ratio[:, None], weights)


class BatchSampler:
    """Draws batches from tracks.

    Attributes:
        tracks: To draw from.
        batch_size: Sequences per batch, over all processes.
        sequence_frames: Frames per sequence.
        frames: Frames of all tracks.
    """

    def __init__(
        self,
        tracks: Sequence[LabelledTrack],
        network: NetworkSettings,
        data: DataConfig,
        features: FeatureSettings,
        *,
        expression_dropout: float = 0.0,
        seed: int = 0,
        processes: int = 1,
    ) -> None:
        self.tracks = list(tracks)
        self.network = network
        self.data = data
        self.features = features
        self.expression_dropout = expression_dropout
        self.seed = seed
        self.sequence_frames = round(data.sequence_seconds * features.fps)
        self.batch_size = math.ceil(data.batch_size / processes) * processes
        if self.batch_size > data.batch_size:
            LOG.warning(
                "data.batch_size=%d raised to %d, a multiple of the %d processes",
                data.batch_size,
                self.batch_size,
                processes,
            )
        lengths = [len(t) * data.source_weights.get(t.source, 1.0) for t in self.tracks]
        ratios = np.array(lengths)
        if not ratios.any():
            raise DataError(
                "data.source_weights: all are 0, so no source is ever drawn. Give one above 0.",
                code="bad_setting",
            )
        self.probabilities = ratios / ratios.sum()
        self.frames = sum(len(track) for track in self.tracks)

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch, with about as many frames as all tracks have."""
        return max(1, round(self.frames / (self.batch_size * self.sequence_frames)))

    def batch(self, epoch: int, step: int, *, epochs: int = 1) -> Batch:
        """Draw a batch.

        Args:
            epoch: The epoch.
            step: The batch's number in it.
            epochs: Epochs of the run, over which the stride may change.

        Returns:
            The batch, the same for the same arguments and seed.
        """
        rng = np.random.default_rng([self.seed, epoch, step])
        stride = stride_of_batch(self.data, epoch, epochs, step, self.seed)
        positions = stride.positions(self.sequence_frames, rng)
        run = stride.run_of(self.sequence_frames)
        rows = [self._row(positions, run, rng) for _ in range(self.batch_size)]
        stacked = {
            name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]
        }
        return Batch(
            stacked["mel"],
            stacked["detail"],
            stacked.get("expression"),
            torch.from_numpy(positions),
            stacked["target"],
            stacked["labelled"],
            stacked["previous"],
            stacked["style"],
            min(run, len(positions)),
        )

    def _row(
        self, positions: NDArray[np.int64], run: int, rng: np.random.Generator
    ) -> dict[str, FloatArray]:
        count, past = self.sequence_frames, self.network.context_frames - 1
        track = self.tracks[int(rng.choice(len(self.tracks), p=self.probabilities))]
        cold = rng.random() < self.data.cold_start_ratio
        where = rng.random() if cold else 1.0
        if where < 0.5:
            start = int(rng.choice(track.starts))
        elif where < 0.8 and len(track.resting):
            start = int(rng.choice(track.resting))
        else:
            start = int(rng.integers(0, max(1, len(track) - count + 1)))
        first = start if cold else start - past  # earliest frame of the stream
        stream_start = max(first, 0)
        mel = with_history(track.features.mel, start - past, start + count, stream_start)
        detailed_from = start - self.network.trunk_history
        detail = with_history(track.features.detail, detailed_from, start + count, stream_start)
        frames = np.minimum(start + positions, len(track) - 1)
        has_label = (start + positions < len(track)) & track.captured[frames]
        mel, detail = augment(mel, detail, self.data.augment, self.features, rng)
        # Noise, too, is absent before the stream starts.
        mel = with_history(mel, 0, len(mel), max(stream_start - (start - past), 0))
        detail = with_history(detail, 0, len(detail), max(stream_start - detailed_from, 0))
        row = {"mel": mel, "detail": detail, "target": track.weights[frames]}
        labelled = (has_label[:, None] & track.labelled[None]).astype(np.float32)
        row["labelled"] = labelled
        row["style"] = style_ratios(track.source, self.network, self.data.styles)
        before = start + positions[::run] - 1
        previous = track.weights[np.clip(before, 0, len(track) - 1)]
        row["previous"] = previous * (before >= stream_start)[:, None].astype(np.float32)
        if self.network.expression_features:
            # The functionals of a track include what is before a cold start.
            dropped = (cold and start > 0) or rng.random() < self.expression_dropout
            index = track.features.expression_index[frames]
            row["expression"] = np.array(
                track.features.expression[index * 0 - 1 if dropped else index]
            )
        return row


def expression_statistics(tracks: Sequence[LabelledTrack]) -> tuple[FloatArray, FloatArray]:
    """Compute mean and scale of the expression features that frames use.

    The first updates of a track describe too little audio and are not used, see
    ExpressionBackend.index.

    Args:
        tracks: To train on.

    Returns:
        Mean and 1 / standard deviation, (D,) each; a constant feature has the scale 0.
    """
    updates = np.concatenate([_used_updates(track.features) for track in tracks])
    if not len(updates):
        width = tracks[0].features.expression.shape[1]
        return np.zeros(width, np.float32), np.ones(width, np.float32)
    deviation = updates.std(axis=0)
    scale = np.where(deviation > 1e-8, 1 / np.maximum(deviation, 1e-8), 0.0)
    return updates.mean(axis=0).astype(np.float32), scale.astype(np.float32)


def _used_updates(features: TrackFeatures) -> FloatArray:
    """The updates that some frame uses, each once, (U, D)."""
    rows = np.unique(features.expression_index)
    used: FloatArray = np.asarray(features.expression)[rows[rows >= 0]]
    return used


def target_statistics(tracks: Sequence[LabelledTrack]) -> tuple[FloatArray, FloatArray]:
    """Compute mean and standard deviation of the captured, labelled blend shapes.

    Args:
        tracks: To train on.

    Returns:
        Mean and standard deviation, (52,) each; 0 where nothing is labelled.
    """
    total = np.zeros(OUTPUTS)
    squares = np.zeros(OUTPUTS)
    count = np.zeros(OUTPUTS)
    for track in tracks:
        mask, captured = track.labelled, track.weights[track.captured]
        total[mask] += captured[:, mask].sum(axis=0, dtype=np.float64)
        squares[mask] += (captured[:, mask].astype(np.float64) ** 2).sum(axis=0)
        count[mask] += len(captured)
    safe = np.maximum(count, 1)
    mean = total / safe
    deviation = np.sqrt(np.maximum(squares / safe - mean**2, 0.0))
    return mean.astype(np.float32), deviation.astype(np.float32)
