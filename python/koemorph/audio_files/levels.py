"""Corrections of channels that cancel each other and of floats at an integer's scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# Floats are integers where more samples than this ratio are above the level. A float recording has
# single outliers there, and its full scale is 1.
_LEVEL, _RATIO = 16.0, 0.1
_SCALES = (2.0**7, 2.0**15, 2.0**23, 2.0**31)
# Energy of the mix relative to that of uncorrelated channels: cancelled below the first value,
# until it is above the second.
_CANCELLED, _RESTORED = 0.1, 0.3
# Mean square below which a block is silence.
_SILENCE = 1e-8


def integer_scale(blocks: Iterable[FloatArray]) -> float:
    """Return the full scale of floats that are integers, else 1."""
    loudest, above, count = 0.0, 0, 0
    for block in blocks:
        magnitude = np.abs(block[np.isfinite(block)])
        count += np.count_nonzero(magnitude)
        loud = magnitude[magnitude > _LEVEL]
        above += loud.size
        loudest = max(loudest, float(loud.max(initial=0.0)))
    if above <= _RATIO * count:
        return 1.0
    return next((scale for scale in _SCALES if loudest <= scale), 1.0)


def without_cancellation(blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
    """Replace the channels by the loudest one where their average is far quieter than they are.

    The average of channels in opposite phase is silent. Each block (samples, channels) is decided
    by itself, with hysteresis.

    Args:
        blocks: Blocks of about a second.
    """
    loudest: int | None = None
    for block in blocks:
        channels = block.shape[1]
        if channels == 1 or not len(block):
            yield block
            continue
        finite = np.nan_to_num(block, nan=0, posinf=0, neginf=0).astype(np.float64)
        energies = (finite**2).mean(axis=0)
        if energies.max() > _SILENCE:
            uncorrelated = energies.sum() / channels**2
            ratio = (finite.mean(axis=1) ** 2).mean() / uncorrelated
            if ratio > _RESTORED:
                loudest = None
            elif loudest is not None or ratio < _CANCELLED:
                is_kept = loudest is not None and energies[loudest] > energies.max() / 4
                loudest = loudest if is_kept else int(energies.argmax())
        yield block if loudest is None else np.repeat(block[:, [loudest]], channels, axis=1)
