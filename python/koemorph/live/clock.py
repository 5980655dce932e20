"""The time a live session runs by; a test may bring one of its own."""

from __future__ import annotations

import time


class Clock:
    """Real time, in seconds from an arbitrary start."""

    def now(self) -> float:
        """Seconds; never goes back."""
        return time.perf_counter()

    def sleep_until(self, due: float) -> None:
        """Return at `due`, or at once when it has passed."""
        while (remaining := due - self.now()) > 0:
            time.sleep(remaining)
