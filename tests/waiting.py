"""Waiting for a condition on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    """Return once `done()` is true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not done after {seconds:g} s"
        time.sleep(0.005)
