"""Many voices of one model, computed together."""

from __future__ import annotations

from pathlib import Path

from koemorph import _native
from koemorph.controls import Controls, choose_controls
from koemorph.errors import StreamError
from koemorph.stream import Stream


class StreamBatch:
    """Voices whose frames go through the network together, on the thread that calls `process`.

    Push each voice's audio as it comes, call `process` once in a while (once a rendered frame is
    usual), and read the faces from the streams. `koemorph.Model.batch` makes one.
    Raises ValueError for a capacity outside 1-1024.
    """

    def __init__(self, model: _native.Model, capacity: int) -> None:
        self._model = model
        self._native = _native.StreamBatch(model, capacity)
        self._capacity = capacity
        self._streams: list[Stream] = []

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The voices, in the order they came."""
        return tuple(self._streams)

    def stream(
        self,
        sample_rate: int,
        channels: int = 1,
        *,
        buffer_seconds: float = 0.5,
        history_seconds: float = 10.0,
        preset: str | Path | None = None,
        controls: Controls | None = None,
    ) -> Stream:
        """Start a further voice; the arguments are those of `koemorph.Model.stream`.

        Audio that comes more than `buffer_seconds` before a `process` overwrites the oldest.
        Raises StreamError when the batch is full.
        """
        if len(self._streams) == self._capacity:
            raise StreamError(
                f"The batch is full with {self._capacity} voices; remove one, or make the batch "
                "with a larger capacity."
            )
        stream = Stream(
            self._model,
            sample_rate,
            channels,
            buffer_seconds=buffer_seconds,
            history_seconds=history_seconds,
            controls=choose_controls(preset, controls),
            in_batch=True,
        )
        self._streams.append(stream)
        return stream

    def remove(self, stream: Stream) -> None:
        """Compute this voice no longer; its frames so far can still be read.

        Raises StreamError when it is not of this batch.
        """
        if stream not in self._streams:
            raise StreamError("This stream is not, or no longer, of this batch.")
        self._streams.remove(stream)

    def process(self) -> bool:
        """Compute every frame whose audio has arrived; False when there was none."""
        return self._native.process([stream._native for stream in self._streams])
