"""The status line of a live session."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from koemorph.live.session import Session

_EVERY_SECONDS = 0.25
_METER = " ▁▂▃▄▅▆▇█"
_QUIETEST_DB = -60


def meter(level: float) -> str:
    """Format a level in dB of full scale as a bar of ten characters."""
    filled = max(0.0, min(1.0, 1 - level / _QUIETEST_DB)) * 10
    whole = int(filled)
    part = _METER[int((filled - whole) * 8)] if whole < 10 else ""
    return ("█" * whole + part).ljust(10)


def fit_line(parts: list[str], error: str, room: int) -> str:
    """Join parts and an error to a line of at most `room` columns.

    A wrapped line could not be rewritten in place. The last parts but one are dropped first, then
    the line's end.
    """
    end = error and f"  ! {error}"
    while len(parts) > 2 and cell_len("  ".join(parts) + end) > room:
        parts = [*parts[:-2], parts[-1]]
    line = "  ".join(parts) + end
    return line if cell_len(line) <= room else set_cell_size(line, room - 1) + "…"


class StatusLine:
    """Rewrites one line of a terminal; otherwise prints errors and final lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last = float("-inf")
        self._last_error = ""
        self._sessions: dict[int, Session] = {}

    def show(self, session: Session) -> None:
        """Update the line, at most four times a second; called once a frame of any session."""
        self._sessions.setdefault(id(session), session)
        time = session.time
        if time - self._last < _EVERY_SECONDS:
            return
        self._last = time
        sessions = list(self._sessions.values())
        error = "; ".join(filter(None, map(_errors, sessions)))
        if self._live:
            parts = _parts(session) if len(sessions) == 1 else [*map(_short, sessions)]
            self._write(f"\r\x1b[K{fit_line(parts, error, self._columns() - 1)}")
        elif error != self._last_error:
            self._last_error = error
            self._write(f"{error or 'recovered'}\n")

    def finish(self, sessions: Iterable[Session]) -> None:
        """Print the final state, a line per session."""
        for number, session in enumerate(sessions):
            name = [session.name] if session.name else []
            line = fit_line([*name, *_parts(session)], _errors(session), sys.maxsize)
            self._write(("\r\x1b[K" if self._live and not number else "") + line + "\n")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a closed terminal must not end the recording
            self._stream.write(text)
            self._stream.flush()


def _dropped(session: Session) -> int:
    return session.statistics.dropped + sum(output.dropped for output in session.outputs)


def _parts(session: Session) -> list[str]:
    """Return the parts of the line of one session."""
    statistics = session.statistics
    figures = statistics.summary()
    return [
        f"{meter(statistics.level)} {statistics.level:4.0f} dB",
        f"{session.fps} fps",
        f"latency {figures['latency_p50_ms']:.0f} ms (p99 {figures['latency_p99_ms']:.0f})",
        f"jitter {figures['jitter_p99_ms']:.1f} ms",
        f"sent {statistics.frames}",
        f"dropped {_dropped(session)}",
    ]


def _short(session: Session) -> str:
    """Return the state of one of several sessions."""
    statistics = session.statistics
    latency = statistics.summary()["latency_p50_ms"]
    return f"{session.name} {statistics.level:.0f} dB {latency:.0f} ms, {_dropped(session)} dropped"


def _errors(session: Session) -> str:
    errors = [session.source.error]
    errors += [f"{o.label}: {text}" for o in session.outputs if (text := o.error or o.notice)]
    name = f"{session.name}: " if session.name else ""
    return "; ".join(name + text for text in errors if text)
