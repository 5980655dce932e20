"""The state of a streaming model: the inputs that come from earlier frames.

A model computes one frame at a time. This module pools the context, keeps the states of the
trunk's layers, warms them up and keeps the expression embedding. Export, evaluation, training and
the tests use it; the native core implements the same in C++. Needs NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Inputs = dict[str, FloatArray]
"""A model's inputs by name, each with a first axis of streams."""
Runner = Callable[[Inputs], Mapping[str, FloatArray]]
"""Computes the outputs of one frame, by name, from its inputs."""

BLENDSHAPE_COUNT = 52
SILENCE_LEVEL = -2.0  # of a mel band without sound: (log10(1e-10) + 6) / 2
AMBIENT_FLOOR = -0.5  # highest band level of ambient noise: (log10(1e-7) + 6) / 2


@dataclass(frozen=True)
class StateLayout:
    """The sizes of a model's streaming inputs.

    Attributes:
        dilations: Frames between the taps of each layer of the trunk.
        channels: Channels of each layer.
        pool_frames: Frames that are averaged to one row of the pooled context.
        context_frames: Frames of the whole context window, a multiple of pool_frames.
        embedding_size: Numbers of the expression embedding per blend shape; 0: the model computes
            it in every frame, as all formats but .onnx do.
    """

    dilations: tuple[int, ...]
    channels: int
    pool_frames: int
    context_frames: int
    embedding_size: int = 0

    @property
    def state_in_size(self) -> int:
        """Numbers of `state_in` per stream: two taps of every layer."""
        return 2 * self.state_out_size

    @property
    def state_out_size(self) -> int:
        """Numbers of `state_out` per stream."""
        return len(self.dilations) * self.channels


class StreamState:
    """The state between the frames of `streams` streams that run in parallel."""

    def __init__(self, layout: StateLayout, streams: int = 1) -> None:
        self.layout = layout
        self._history = [np.zeros((streams, layout.state_out_size), np.float32)]
        self._previous = np.zeros((streams, BLENDSHAPE_COUNT), np.float32)
        self._embedding = np.zeros((streams, BLENDSHAPE_COUNT, layout.embedding_size), np.float32)
        self._egemaps: FloatArray | None = None

    def inputs(self, frame: Inputs) -> Inputs:
        """Add the state to the features of a frame: all inputs of the model."""
        complete = {**frame, "previous_weights": self._previous, "state_in": self._state_in()}
        if self.layout.embedding_size and "egemaps" in frame:
            changed = self._egemaps is None or not np.array_equal(frame["egemaps"], self._egemaps)
            complete["expression_changed"] = np.array([changed], np.float32)
            complete["expression_embedding_in"] = self._embedding
        return complete

    def warm_up(self, run: Runner, first: Inputs) -> None:
        """Fill the states as if the ambient floor of the first frame had always been there.

        Each call of the model makes the state of one more layer valid.
        """
        before = {**first, **{name: ambient_floor(first[name]) for name in ("mel", "detail")}}
        for _ in self.layout.dilations:
            self._history = [np.array(run(self.inputs(before))["state_out"])]

    def advance(self, run: Runner, frame: Inputs) -> FloatArray:
        """Compute the next frame; returns its weights (streams, 52)."""
        outputs = run(self.inputs(frame))
        self._previous = np.array(outputs["weights"])
        self._history.append(np.array(outputs["state_out"]))
        del self._history[: -2 * max(self.layout.dilations)]
        if "expression_embedding_out" in outputs:
            self._embedding = np.array(outputs["expression_embedding_out"])
            self._egemaps = frame["egemaps"]
        return self._previous

    def _state_in(self) -> FloatArray:
        """Every layer's state two and one of its dilations ago, (streams, state_in_size)."""
        channels, taps = self.layout.channels, []
        for layer, dilation in enumerate(self.layout.dilations):
            part = slice(layer * channels, (layer + 1) * channels)
            for age in (2 * dilation, dilation):
                taps.append(self._history[max(-age, -len(self._history))][:, part])
        return np.concatenate(taps, axis=1)


def run_stream(run: Runner, frames: Sequence[Inputs], layout: StateLayout) -> FloatArray:
    """Run a model over a stream from its beginning.

    Args:
        run: Computes one frame.
        frames: The features of each frame: mel, pooled_context, detail and, where the model has
            an expression stream, egemaps.
        layout: The model's.

    Returns:
        Smoothed weights, (frames, streams, 52).
    """
    state = StreamState(layout, len(frames[0]["mel"]))
    state.warm_up(run, frames[0])
    return np.stack([state.advance(run, frame) for frame in frames])


def pooled_context(mel: FloatArray, frame: int, layout: StateLayout) -> FloatArray:
    """Pool the mel frames before the newest block, oldest first.

    Args:
        mel: Mel frames of the stream, (frames, bands).
        frame: The newest frame.
        layout: The model's.

    Returns:
        Means of pool_frames frames each, (context_frames / pool_frames - 1, bands).
    """
    window = with_history(mel, frame + 1 - layout.context_frames, frame + 1)
    means: FloatArray = window.reshape(-1, layout.pool_frames, window.shape[-1]).mean(axis=1)
    return means[:-1]


def with_history(table: FloatArray, first: int, last: int, stream_start: int = 0) -> FloatArray:
    """Cut rows from a table of features, with what a stream has before its start.

    Args:
        table: Features of a recording, (frames, ...).
        first: First row, may be negative.
        last: Row after the last one, may lie behind the table.
        stream_start: The row at which the stream begins.

    Returns:
        (last - first, ...): the ambient floor of the first row of the stream before stream_start,
        silence after the end of the table.
    """
    rows = np.full((last - first, *table.shape[1:]), SILENCE_LEVEL, np.float32)
    begin, end = max(first, stream_start), min(last, len(table))
    if end > begin:
        rows[begin - first : end - first] = table[begin:end]
        rows[: begin - first] = ambient_floor(table[begin])
    return rows


def ambient_floor(features: FloatArray) -> FloatArray:
    """Return the assumed past of a stream: the bands of its first frame, limited to AMBIENT_FLOOR.

    With digital silence as past, the onset of room noise would move the mouth. With a word as past,
    it would count as room noise.
    """
    floor: FloatArray = np.minimum(features, np.float32(AMBIENT_FLOOR))
    return floor
