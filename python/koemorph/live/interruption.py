"""The face after an interruption: it fades to rest until the next audio."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FADE_OUT_SECONDS = 0.25
_FADE_IN_SECONDS = 0.1
_SETTLING_SECONDS = 0.3
"""The model is at rest after this much silence."""

FloatArray = npt.NDArray[np.float32]


def _progress(seconds: float, duration: float) -> float:
    """Return the smooth progress of a fade, 0 to 1."""
    ratio = min(1.0, max(0.0, seconds / duration))
    return ratio * ratio * (3 - 2 * ratio)


class Interruption:
    """Replaces the frames of audio that was interrupted.

    The last face that was sent fades out. The model's frames fade in when the next audio starts,
    or when the model has had enough silence.

    Args:
        face: The last weights that were sent, (52,).
        start: Stream time of the last frame that was sent, seconds.
        end: Stream time up to which the model has received the interrupted audio, seconds.
    """

    def __init__(self, face: FloatArray, start: float, end: float) -> None:
        self._face = face
        self._start = start
        self._end = end

    def apply(self, time: float, weights: FloatArray, resumed: float) -> tuple[FloatArray, bool]:
        """Return the weights to send at a stream time.

        Args:
            time: Stream time of the frame, seconds.
            weights: The model's weights, (52,).
            resumed: Stream time at which the next audio starts, inf if it is not known.

        Returns:
            The weights (52,) and whether the interruption has ended.
        """
        # Complete at the first audio, where the model had some silence before it.
        resume = max(self._end, min(self._end + _SETTLING_SECONDS, resumed) - _FADE_IN_SECONDS)
        outgoing = 1 - _progress(time - self._start, FADE_OUT_SECONDS)
        incoming = _progress(time - resume, _FADE_IN_SECONDS)
        faded = (outgoing * self._face + incoming * weights).astype(np.float32)
        return faded, outgoing == 0 and incoming == 1
