"""A clock for live sessions that does not depend on the machine's load."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from koemorph.live.clock import Clock


class SimulatedClock(Clock):
    """A clock whose time advances only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep_until(self, due: float) -> None:
        self.time = max(self.time, due)

    def priority(self) -> AbstractContextManager[bool]:
        return nullcontext(False)
