"""A clock for live sessions that does not depend on the machine's load."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from koemorph.live.clock import Clock


class SimulatedClock(Clock):
    """A clock whose time advances only by sleeping, with actions at given times."""

    def __init__(self) -> None:
        self.time = 0.0
        self._actions: list[tuple[float, Callable[[], object]]] = []

    def at(self, time: float, action: Callable[[], object]) -> None:
        """Call `action` when the time is reached."""
        self._actions.append((time, action))
        self._actions.sort(key=lambda each: each[0])

    def now(self) -> float:
        return self.time

    def sleep_until(self, due: float) -> None:
        while self._actions and self._actions[0][0] <= due:
            time, action = self._actions.pop(0)
            self.time = max(self.time, time)
            action()
        self.time = max(self.time, due)

    def priority(self) -> AbstractContextManager[bool]:
        return nullcontext(False)
