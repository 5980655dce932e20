"""Waiting for what a busy machine does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    """Return once it is done; fails when it is not within so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"it was not done within {seconds:g} s"
        time.sleep(0.005)
