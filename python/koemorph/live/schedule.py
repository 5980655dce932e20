"""When each frame is sent: evenly, as soon after its audio as the audio reliably comes."""

from __future__ import annotations

HEAD_START = 0.003
"""Seconds before it is due that a frame is computed, so that it leaves on the beat."""
_MARGIN = HEAD_START + 0.001
_CREEP = 2e-5
"""Seconds a frame the schedule creeps earlier, to follow a sound card's clock."""
_RECOVERY = 0.002
"""Share of what it is behind that the schedule wins back a frame, after a device's hiccup."""


class Schedule:
    """Due times of frames on the session's clock.

    Frame k is due at origin + k / fps + offset. A frame that is not there when it is due pushes all
    later ones back by what it was late; otherwise they creep forward again. With an exact source
    nothing moves: its audio cannot be late.
    """

    def __init__(self, origin: float, fps: int, latency: float, exact: bool) -> None:
        self.origin = origin
        self._fps = fps
        self._least = latency + _MARGIN
        self._offset = self._least
        self._exact = exact

    def due(self, frame: int) -> float:
        """When frame `frame` is to be sent."""
        return self.origin + frame / self._fps + self._offset

    def skipped(self) -> None:
        """A frame was left out: the next one takes its place."""
        self._offset = max(self._least, self._offset - 1 / self._fps)

    def sent(self, late: float) -> None:
        """A frame was sent `late` seconds after it was due because its audio was."""
        if self._exact:
            return
        earlier = _CREEP + _RECOVERY * (self._offset - self._least)
        self._offset = max(self._least, self._offset + (late if late > 0 else -earlier))
