"""When each frame is sent: evenly, as soon after its audio as the audio reliably comes."""

from __future__ import annotations

HEAD_START = 0.003
"""Seconds before it is due that a frame is computed, so that it leaves on the beat."""
_MARGIN = HEAD_START + 0.001
_BLOCK = 0.012
"""Devices hand over blocks of 10 ms; audio that waits for its block is not behind."""
_CREEP = 5e-6
"""Seconds a frame the schedule creeps earlier, to find out whether it could."""
_RECOVERY = 0.005
"""Share of what it is behind that the schedule wins back a frame, after a device's hiccup."""
_DRIFT = 1e-4
"""Share a frame by which a lasting difference is taken for the sound card's clock, not a hiccup."""


class Schedule:
    """Due times of frames on the session's clock.

    Frame k is due at origin + k / fps + latency + what the audio is late. A frame that is not there
    when it is due pushes all later ones back; otherwise they creep forward again. `origin`, when
    the first sample was spoken, follows the sound card's clock, which drifts by seconds a day.
    With an exact source nothing moves: its audio cannot be late.
    """

    def __init__(self, origin: float, fps: int, latency: float, exact: bool) -> None:
        self.origin = origin
        self._fps = fps
        self._least = latency + _MARGIN
        self._late = 0.0
        self._exact = exact

    def due(self, frame: int) -> float:
        """When frame `frame` is to be sent."""
        return self.origin + frame / self._fps + self._least + self._late

    def skipped(self) -> None:
        """A frame was left out: the next one takes its place."""
        self._late -= 1 / self._fps

    def sent(self, late: float, waiting: int = 0) -> None:
        """A frame was sent `late` seconds after it was due because its audio was.

        waiting: frames that were there already; with any, all can be earlier.
        """
        if self._exact:
            return
        behind = max(0.0, self._late - _BLOCK, waiting / self._fps)
        self._late += late if late > 0 else -_CREEP - _RECOVERY * behind
        drifted = _DRIFT * (self._late - min(max(self._late, -_BLOCK), _BLOCK))
        self.origin += drifted
        self._late -= drifted
