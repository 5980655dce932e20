"""Live frames as JSON lines, into a file that gets its name when it is closed."""

from __future__ import annotations

import errno
import math
import os
import stat
from contextlib import ExitStack, suppress
from pathlib import Path

from koemorph.outputs.atomic import atomic_path
from koemorph.outputs.jsonl import STDOUT, frame_line
from koemorph.outputs.network import Frame, Output

DEFAULT_MAX_BYTES = 4 << 30
"""About 70 hours at 30 fps."""


class _EmptyRecordingError(Exception):
    """Makes `atomic_path` remove a file without frames."""


def _make_pipe_non_blocking(descriptor: int) -> bool:
    """Make a pipe or socket non-blocking, so that a slow reader cannot delay frames.

    Returns:
        Whether the descriptor is a pipe or socket.
    """
    mode = os.fstat(descriptor).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False
    os.set_blocking(descriptor, False)
    return True


class JsonlOutput(Output):
    """Appends each frame as a v2.0 line; see `koemorph.outputs.jsonl`.

    Frames are dropped beyond `max_bytes`, and whenever the disk is full or a pipe's reader is too
    slow. The output always consists of complete lines.
    """

    accepts_late_frames = True

    def __init__(self, path: str | Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Open the file.

        Args:
            path: The file, or STDOUT for standard output, which has no size limit.
            max_bytes: Largest size of the file.

        Raises:
            OutputError: The file cannot be written.
        """
        super().__init__(f"jsonl {path}")
        self._max_bytes: float = max_bytes
        self._bytes = 0
        # The part of a line that a pipe has not accepted yet.
        self._rest = b""
        self._pending_path = ExitStack()
        if path == STDOUT:
            self._max_bytes = math.inf
            self._file = os.fdopen(os.dup(1), "wb", buffering=0)
        else:
            with ExitStack() as stack:
                part = stack.enter_context(atomic_path(path))
                # Unbuffered, so that a full disk is detected before a frame counts as sent.
                self._file = part.open("ab", buffering=0)
                self._pending_path = stack.pop_all()
        self._is_pipe = _make_pipe_non_blocking(self._file.fileno())

    def write(self, frame: Frame) -> None:
        line = frame_line(frame.index, frame.time, frame.weights, frame.fps).encode()
        if self._bytes + len(line) > self._max_bytes:
            raise OSError(0, f"the file reached its size limit of {self._max_bytes / 1e9:.1f} GB")
        self._rest = self._write(self._rest)
        left = line if self._rest else self._write(line)
        if left == line:
            raise OSError(errno.EAGAIN, "the reader is too slow")
        self._rest = left
        self._bytes += len(line)

    def _write(self, line: bytes) -> bytes:
        """Write a line; return what a pipe did not accept. A failed write to a file is undone."""
        rest = line
        try:
            while rest and (count := self._file.write(rest)) is not None:
                rest = rest[count:]
        except OSError:
            with suppress(OSError):  # a pipe cannot be truncated
                end = self._file.seek(0, os.SEEK_END)
                self._file.truncate(end - len(line) + len(rest))
                self._file.seek(0, os.SEEK_END)
            raise
        return rest

    def close(self) -> None:
        """Close the file and rename it to its path, also when closing fails.

        A file without frames is removed and replaces nothing.
        """
        if self._is_pipe:  # other programs may share it
            os.set_blocking(self._file.fileno(), True)
        try:
            self._file.close()
        finally:
            with suppress(_EmptyRecordingError), self._pending_path:
                if not self._bytes:
                    raise _EmptyRecordingError
