"""JSONL written while the face is alive, and under its name once it is complete."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from koemorph.outputs.atomic import atomic_open
from koemorph.outputs.jsonl import frame_line
from koemorph.outputs.network import Frame, Output

DEFAULT_MAX_BYTES = 4 << 30
"""About 70 hours at 30 fps."""


class JsonlOutput(Output):
    """Appends each frame as a v2.0 line until `max_bytes`, then drops frames and says so."""

    keeps_all = True

    def __init__(self, path: str | Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Raises OutputError when the file cannot be written."""
        super().__init__(f"jsonl {path}")
        self._max_bytes = max_bytes
        self._bytes = 0
        self._stack = ExitStack()
        self._stream = self._stack.enter_context(atomic_open(path))

    def deliver(self, frame: Frame) -> None:
        line = frame_line(frame.index, frame.time, frame.weights, frame.fps)
        if self._bytes + len(line) > self._max_bytes:
            raise OSError(0, f"the file has reached its limit of {self._max_bytes / 1e9:.1f} GB")
        self._stream.write(line)
        self._bytes += len(line)

    def close(self) -> None:
        self._stack.close()
