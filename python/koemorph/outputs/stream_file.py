"""JSONL written while the face is alive, and under its name once it is complete."""

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


class _NothingError(Exception):
    """Has a file taken away that nothing was written to."""


def _never_wait(descriptor: int) -> bool:
    """Whether it is a pipe or socket, which from now on takes what it has room for, or nothing.

    Else whoever reads it could hold up the face, and its end, for good.
    """
    mode = os.fstat(descriptor).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False
    os.set_blocking(descriptor, False)
    return True


class JsonlOutput(Output):
    """Appends each frame as a v2.0 line until `max_bytes`, then drops frames and says so.

    A frame that the disk, or a pipe that is read too slowly, has no room for is dropped whole: what
    is there stays complete lines. For the path STDOUT they go to standard output, which has no
    limit.
    """

    accepts_late_frames = True

    def __init__(self, path: str | Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Raises OutputError when the file cannot be written."""
        super().__init__(f"jsonl {path}")
        self._max_bytes: float = max_bytes
        self._bytes = 0
        # What a pipe has yet to take of a line that it has begun.
        self._rest = b""
        self._place = ExitStack()
        if path == STDOUT:
            self._max_bytes = math.inf
            self._file = os.fdopen(os.dup(1), "wb", buffering=0)
        else:
            with ExitStack() as stack:
                part = stack.enter_context(atomic_path(path))
                # Unbuffered, or the disk would be found full when its frames have been counted as
                # sent.
                self._file = part.open("ab", buffering=0)
                self._place = stack.pop_all()
        self._is_pipe = _never_wait(self._file.fileno())

    def write(self, frame: Frame) -> None:
        line = frame_line(frame.index, frame.time, frame.weights, frame.fps).encode()
        if self._bytes + len(line) > self._max_bytes:
            raise OSError(0, f"the file has reached its limit of {self._max_bytes / 1e9:.1f} GB")
        self._rest = self._write(self._rest)
        left = line if self._rest else self._write(line)
        if left == line:
            raise OSError(errno.EAGAIN, "whoever reads it does not keep up")
        self._rest = left
        self._bytes += len(line)

    def _write(self, line: bytes) -> bytes:
        """Returns what a pipe has no room for; of what a disk has none for, nothing stays."""
        rest = line
        try:
            while rest and (count := self._file.write(rest)) is not None:
                rest = rest[count:]
        except OSError:
            with suppress(OSError):  # a pipe keeps the part that it has
                end = self._file.seek(0, os.SEEK_END)
                self._file.truncate(end - len(line) + len(rest))
                self._file.seek(0, os.SEEK_END)
            raise
        return rest

    def close(self) -> None:
        """Give the file its name, whatever closing it brings: a take cannot be had again.

        One without a frame takes no other's place: what was to send them never began.
        """
        if self._is_pipe:  # other programs may go on with it
            os.set_blocking(self._file.fileno(), True)
        try:
            self._file.close()
        finally:
            with suppress(_NothingError), self._place:
                if not self._bytes:
                    raise _NothingError
