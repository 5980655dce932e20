"""Stride modes: which frames of a sequence are computed, and how that changes over a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MODES = ("dense", "sparse", "mixed", "progressive")


@dataclass(frozen=True)
class Stride:
    """One frame in `stride` is computed, in runs of `run` consecutive frames.

    Runs, rather than single frames, let smoothing and the temporal loss see true neighbours.
    """

    stride: int
    run: int

    def positions(self, frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Sorted frames (n,) of a sequence of `frames`; n is a multiple of the run."""
        run = min(self.run, frames)
        period = run * self.stride
        starts = np.arange(
            int(rng.integers(0, max(1, min(period, frames - run + 1)))), frames, period
        )
        starts = starts[starts + run <= frames]
        return (starts[:, None] + np.arange(run)).reshape(-1)


@dataclass(frozen=True)
class StrideSchedule:
    """The stride of every batch.

    dense: stride_frames. sparse: initial_stride. mixed: dense in a share of dense_sampling_ratio of
    the batches, sparse in the others. progressive: from initial_stride to final_stride over the
    epochs, evenly in octaves. run_frames=1: single frames, at every stride.
    """

    mode: str = "sparse"
    stride_frames: int = 1
    initial_stride: int = 8
    final_stride: int = 1
    dense_sampling_ratio: float = 0.1
    run_frames: int = 8

    def at(self, epoch: int, epochs: int, step: int, seed: int, frames: int) -> Stride:
        """The stride of one batch of sequences of `frames`."""
        stride = self._stride(epoch, epochs, step, seed)
        # A dense sequence is one run: its smoothing starts once, at its beginning.
        whole = stride == 1 and self.run_frames > 1
        return Stride(stride, frames if whole else self.run_frames)

    def _stride(self, epoch: int, epochs: int, step: int, seed: int) -> int:
        if self.mode == "dense":
            return self.stride_frames
        if self.mode == "sparse":
            return self.initial_stride
        if self.mode == "mixed":
            draw = np.random.default_rng([seed, epoch, step, 1]).random()
            return 1 if draw < self.dense_sampling_ratio else self.initial_stride
        done = epoch / max(1, epochs - 1)
        octaves = np.log2([self.initial_stride, self.final_stride])
        return round(float(2 ** ((1 - done) * octaves[0] + done * octaves[1])))
