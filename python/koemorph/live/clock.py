"""The time a live session runs by; a test may bring one of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def realtime_priority() -> Iterator[bool]:
    """Have the system run this thread as soon as it wakes, as players of sound do.

    Yields whether it was allowed to: on Linux to root and to users with an rtprio limit.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield False
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        # What is started meanwhile, such as a device's own threads, is left as it would be.
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, *before)


class Clock:
    """Real time, in seconds from an arbitrary start."""

    def now(self) -> float:
        """Seconds; never goes back."""
        return time.perf_counter()

    def sleep_until(self, due: float) -> None:
        """Return at `due`, or at once when it has passed."""
        while (remaining := due - self.now()) > 0:
            time.sleep(remaining)

    def priority(self) -> AbstractContextManager[bool]:
        """What to run a session in so that its thread is awake when it is due."""
        return realtime_priority()
