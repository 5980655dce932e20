"""Stream batches: several streams of one model in one inference."""

from __future__ import annotations

from pathlib import Path

from koemorph import _native
from koemorph.controls import Controls, choose_controls
from koemorph.errors import StreamError
from koemorph.stream import Stream


class StreamBatch:
    """Streams whose frames are computed together, on the thread that calls `process`.

    `koemorph.Model.stream_batch` creates batches. Push audio to each stream, call `process`
    regularly (usually once per rendered frame) and read the frames from the streams.

    Args:
        model: The native model.
        capacity: Largest number of streams, 1-1024.

    Raises:
        ValueError: `capacity` is out of range.
    """

    def __init__(self, model: _native.Model, capacity: int) -> None:
        self._model = model
        self._native = _native.StreamBatch(model, capacity)
        self._capacity = capacity
        self._streams: list[Stream] = []

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams, in the order of their creation."""
        return tuple(self._streams)

    def stream(
        self,
        sample_rate: int,
        channels: int = 1,
        *,
        buffer_seconds: float = 0.5,
        history_seconds: float = 30.0,
        preset: str | Path | None = None,
        controls: Controls | None = None,
    ) -> Stream:
        """Add a stream.

        Args:
            sample_rate: As in `koemorph.Model.stream`.
            channels: As in `koemorph.Model.stream`.
            buffer_seconds: Seconds of audio that are buffered between two calls of `process`;
                more audio overwrites the oldest.
            history_seconds: As in `koemorph.Model.stream`.
            preset: As in `koemorph.Model.stream`.
            controls: As in `koemorph.Model.stream`.

        Raises:
            StreamError: The batch is full.
            AudioError, DataError, ValueError: As in `koemorph.Model.stream`.
        """
        if len(self._streams) == self._capacity:
            raise StreamError(
                f"Stream batch is full: its capacity is {self._capacity}. Remove a stream or "
                "create the batch with a larger capacity.",
                code="batch_full",
            )
        stream = Stream(
            self._model,
            sample_rate,
            channels,
            buffer_seconds=buffer_seconds,
            history_seconds=history_seconds,
            controls=choose_controls(preset, controls),
            batch=self,
        )
        self._streams.append(stream)
        return stream

    def remove(self, stream: Stream) -> None:
        """Remove a stream. Its computed frames can still be read.

        Raises:
            StreamError: The stream is not in this batch.
        """
        if stream not in self._streams:
            raise StreamError(
                "Cannot remove the stream: it is not in this batch. Pass one of `streams`.",
                code="stream_not_in_batch",
            )
        self._streams.remove(stream)

    def process(self) -> bool:
        """Compute all frames whose audio has arrived.

        Returns:
            Whether any frame was computed.
        """
        computed = self._native.process([stream._native for stream in self._streams])
        if computed:
            for stream in self._streams:
                stream.warn_of_losses()
        return computed
