"""Random access to the bytes of a file, and files that are composed of parts of it."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

_WINDOW = 1 << 16
# libsndfile estimates the length of MPEG audio from the number of bytes, and reads no more. The
# factor is larger than the ratio between the highest and the lowest bit rate, which is 40.
_ENDLESS_FACTOR = 64


class ByteSource:
    """A file's bytes. Not a memory map: reading one behind a new end kills the process."""

    def __init__(self, file: BinaryIO | io.RawIOBase) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._start = 0
        self._window = b""

    def read(self, at: int, count: int) -> bytes:
        """Return `count` bytes from `at`, fewer at the end of the file."""
        begin = at - self._start
        if begin < 0 or begin + count > len(self._window):
            self._file.seek(at)
            self._window = self._file.read(max(count, _WINDOW)) or b""
            self._start, begin = at, 0
        return self._window[begin : begin + count]

    def find(self, pattern: bytes, at: int, end: int | None = None) -> int:
        """Return the position of the first `pattern` in [at, end), -1 without one."""
        end = self.size if end is None else end
        while at < end:
            data = self.read(at, min(_WINDOW, end - at))
            found = data.find(pattern)
            if found >= 0:
                return at + found
            if len(data) < _WINDOW:
                return -1
            at += len(data) - len(pattern) + 1
        return -1

    def skip_zeros(self, at: int = 0) -> int:
        """Return the position of the first byte from `at` that is not zero."""
        while at < self.size:
            data = self.read(at, min(_WINDOW, self.size - at))
            rest = data.lstrip(b"\0")
            if rest or not data:
                return at + len(data) - len(rest)
            at += len(data)
        return self.size


@dataclass(frozen=True)
class Range:
    """A range of bytes of a source."""

    begin: int
    end: int


Part = bytes | Range


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part.end - part.begin


class SplicedFile(io.RawIOBase):
    """A read-only file that consists of bytes and ranges of a source, in order.

    Args:
        source: The source of the ranges.
        parts: The parts.
        is_endless: Report an end far behind the last byte.
    """

    def __init__(self, source: ByteSource, parts: list[Part], is_endless: bool = False) -> None:
        super().__init__()
        self._source = source
        self._parts = parts
        lengths = (
            len(part) if isinstance(part, bytes) else part.end - part.begin for part in parts
        )
        self._ends = list(accumulate(lengths))
        self._is_endless = is_endless
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._ends[-1])[whence]
        if self._is_endless and (offset, whence) == (0, os.SEEK_END):
            self._at *= _ENDLESS_FACTOR
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        done = 0
        index = bisect_right(self._ends, self._at)
        while done < len(view) and index < len(self._parts):
            left = self._ends[index] - self._at
            part = self._parts[index]
            count = min(left, len(view) - done)
            if isinstance(part, bytes):
                data = part[len(part) - left :][:count]
            else:
                data = self._source.read(part.end - left, count)
            view[done : done + len(data)] = data
            done += len(data)
            self._at += len(data)
            if len(data) < count:  # The file has been truncated meanwhile.
                break
            if count == left:
                index += 1
        return done


def merge_ranges(ranges: list[Range]) -> list[Part]:
    """Join ranges that follow one another."""
    merged: list[Part] = []
    for one in ranges:
        last = merged[-1] if merged else None
        if isinstance(last, Range) and last.end == one.begin:
            merged[-1] = Range(last.begin, one.end)
        else:
            merged.append(one)
    return merged
