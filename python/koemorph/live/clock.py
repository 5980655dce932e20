"""The clock and the thread priority of live sessions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def realtime_priority() -> Iterator[bool]:
    """Run the calling thread with real-time priority (SCHED_RR), as audio players do.

    Yields:
        Whether the system permits it; Linux does for root and for users with an rtprio limit.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield False
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        # New threads, such as an audio device's, keep the normal priority.
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, *before)


class Clock:
    """Real time in seconds from an arbitrary start; tests replace it."""

    def now(self) -> float:
        """Return the time, which never decreases, in seconds."""
        return time.perf_counter()

    def sleep_until(self, due: float) -> None:
        """Sleep until `due`; return immediately when it has passed."""
        while (remaining := due - self.now()) > 0:
            time.sleep(remaining)

    def priority(self) -> AbstractContextManager[bool]:
        """Return the context that a session runs in for punctual wake-ups."""
        return realtime_priority()
