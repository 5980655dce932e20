"""Send times of frames: evenly spaced, as early as the audio reliably arrives."""

from __future__ import annotations

COMPUTE_LEAD = 0.003
"""Seconds before its send time that a frame is computed."""
_MARGIN = COMPUTE_LEAD + 0.001
_BLOCK = 0.012
"""Devices deliver blocks of 10 ms; waiting for a block is no delay."""
_ADVANCE = 5e-6
"""Seconds per frame by which send times move earlier, to probe for a smaller delay."""
_RECOVERY = 0.005
"""Share of an excess delay that is removed per frame, after a device's dropout."""
_DRIFT = 1e-4
"""Share of a delay that is attributed per frame to the drift of the audio device's clock."""


class Schedule:
    """Send times of frames on the session's clock.

    Frame k is due at origin + k / fps + latency + delay. A frame whose audio is late increases
    the delay of all later frames, which then decreases slowly. `origin`, the capture time of the
    first sample, follows the audio device's clock, which drifts by seconds a day. With an exact
    source the delay stays 0.
    """

    def __init__(self, origin: float, fps: int, latency: float, exact: bool) -> None:
        self.origin = origin
        self._fps = fps
        self._min_latency = latency + _MARGIN
        self._delay = 0.0
        self._exact = exact

    def due(self, frame: int) -> float:
        """Return the send time of a frame in seconds."""
        return self.origin + frame / self._fps + self._min_latency + self._delay

    def skipped(self) -> None:
        """Record that a frame was skipped; the next one takes its place."""
        self._delay -= 1 / self._fps

    def sent(self, late: float, waiting: int = 0) -> None:
        """Record that a frame was sent.

        Args:
            late: Seconds after its due time, because its audio was late.
            waiting: Further frames that are ready; with any, all can be earlier.
        """
        if self._exact:
            return
        behind = max(0.0, self._delay - _BLOCK, waiting / self._fps)
        self._delay += late if late > 0 else -_ADVANCE - _RECOVERY * behind
        drifted = _DRIFT * (self._delay - min(max(self._delay, -_BLOCK), _BLOCK))
        self.origin += drifted
        self._delay -= drifted
