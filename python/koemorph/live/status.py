"""The line that says how a live session is doing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from koemorph.live.session import Session

_EVERY_SECONDS = 0.25
_METER = " ▁▂▃▄▅▆▇█"
_QUIETEST_DB = -60


def meter(level: float) -> str:
    """A level in dB of full scale as a bar of ten cells."""
    filled = max(0.0, min(1.0, 1 - level / _QUIETEST_DB)) * 10
    whole = int(filled)
    part = _METER[int((filled - whole) * 8)] if whole < 10 else ""
    return ("█" * whole + part).ljust(10)


def fitted(parts: list[str], trouble: str, room: int) -> str:
    """Parts and trouble as one line of at most `room` columns.

    A line that a terminal breaks is not rewritten but pushed up. What can be spared goes first: the
    last parts but one, then the end of the trouble.
    """
    end = trouble and f"  ! {trouble}"
    while len(parts) > 2 and cell_len("  ".join(parts) + end) > room:
        parts = [*parts[:-2], parts[-1]]
    line = "  ".join(parts) + end
    return line if cell_len(line) <= room else set_cell_size(line, room - 1) + "…"


class StatusLine:
    """Rewrites one line of a terminal; elsewhere it keeps quiet until the end, but for trouble."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last = float("-inf")
        self._told = ""

    def show(self, session: Session) -> None:
        """Called once a frame; writes four times a second."""
        time = session.time
        if time - self._last < _EVERY_SECONDS:
            return
        self._last = time
        trouble = self._trouble(session)
        if self._live:
            line = fitted(self._parts(session), trouble, self._columns() - 1)
            self._write(f"\r\x1b[K{line}")
        elif trouble != self._told:
            self._told = trouble
            self._write(f"{trouble or 'all is well again'}\n")

    def finish(self, session: Session) -> None:
        """The last state, as a line that stays."""
        line = fitted(self._parts(session), self._trouble(session), sys.maxsize)
        self._write(("\r\x1b[K" if self._live else "") + line + "\n")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a terminal that was closed ends no take
            self._stream.write(text)
            self._stream.flush()

    def _parts(self, session: Session) -> list[str]:
        statistics = session.statistics
        figures = statistics.summary()
        dropped = statistics.dropped + sum(output.dropped for output in session.outputs)
        return [
            f"{meter(statistics.level)} {statistics.level:4.0f} dB",
            f"{session.fps} fps",
            f"latency {figures['latency_p50_ms']:.0f} ms (p99 {figures['latency_p99_ms']:.0f})",
            f"jitter {figures['jitter_p99_ms']:.1f} ms",
            f"sent {statistics.frames}",
            f"dropped {dropped}",
        ]

    def _trouble(self, session: Session) -> str:
        said = [session.source.error]
        said += [f"{o.label}: {o.error}" for o in session.outputs if o.error]
        return "; ".join(text for text in said if text)
