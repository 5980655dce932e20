"""Stride modes: which frames of a sequence are computed, and how this changes over a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import DataConfig


@dataclass(frozen=True)
class Stride:
    """One frame in `stride` is computed, in runs of consecutive frames.

    Runs, rather than single frames, give true neighbours to smoothing and the temporal loss.

    Attributes:
        stride: Frames per computed frame.
        run: Frames per run; None: a sequence is one run.
    """

    stride: int
    run: int | None

    def run_of(self, frames: int) -> int:
        """The length of a run in a sequence of `frames`."""
        return frames if self.run is None else min(self.run, frames)

    def positions(self, frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the frames to compute.

        Args:
            frames: Frames of the sequence.
            rng: Draws the first one.

        Returns:
            Sorted frames (n,); n is a multiple of the run.
        """
        run = self.run_of(frames)
        period = run * self.stride
        starts = np.arange(
            int(rng.integers(0, max(1, min(period, frames - run + 1)))), frames, period
        )
        starts = starts[starts + run <= frames]
        return (starts[:, None] + np.arange(run)).reshape(-1)


def stride_of_batch(data: DataConfig, epoch: int, epochs: int, step: int, seed: int) -> Stride:
    """Choose the stride of a batch.

    dense: stride_frames. sparse: initial_stride. mixed: dense in a ratio of dense_sampling_ratio of
    the batches, sparse in the others. progressive: from initial_stride to final_stride over the
    epochs, evenly in octaves. run_frames=1: single frames, at every stride.

    Args:
        data: The stride settings.
        epoch: Of the batch.
        epochs: Of the run.
        step: The batch's number in its epoch.
        seed: Of the run.

    Returns:
        The stride; its run is None where a sequence is one run.
    """
    stride = _stride(data, epoch, epochs, step, seed)
    # A dense sequence is one run: its smoothing starts once, at its beginning.
    dense = stride == 1 and data.run_frames > 1
    return Stride(stride, None if dense else data.run_frames)


def _stride(data: DataConfig, epoch: int, epochs: int, step: int, seed: int) -> int:
    if data.stride_mode == "dense":
        return data.stride_frames
    if data.stride_mode == "sparse":
        return data.initial_stride
    if data.stride_mode == "mixed":
        draw = np.random.default_rng([seed, epoch, step, 1]).random()
        return 1 if draw < data.dense_sampling_ratio else data.initial_stride
    done = epoch / max(1, epochs - 1)
    octaves = np.log2([data.initial_stride, data.final_stride])
    return round(float(2 ** ((1 - done) * octaves[0] + done * octaves[1])))
