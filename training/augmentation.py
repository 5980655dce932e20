"""Augmentation of mel features: the same weights with other voices, rooms and levels.

Mel and detail frames are log powers in the same bands, so both are changed alike. Expression
features cannot be changed this way: where they need it, the audio has to be augmented.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koemorph.features import FeatureSettings

from .config import AugmentConfig

FloatArray = NDArray[np.float32]


def augment(
    mel: FloatArray,
    detail: FloatArray,
    augmentation: AugmentConfig,
    settings: FeatureSettings,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Augment one sequence.

    Args:
        mel: (L, bands), in the network's scale.
        detail: (n, D, bands), likewise.
        augmentation: How much is changed, and how often.
        settings: Of the features.
        rng: Draws the change.

    Returns:
        mel and detail, changed alike.
    """
    if rng.random() >= augmentation.probability:
        return mel, detail
    bands = mel.shape[-1]
    silence = np.float32((np.log10(settings.mel_floor) + settings.mel_offset) * settings.mel_scale)
    decibel = settings.mel_scale / 10
    curve = _smooth_curve(bands, rng) * augmentation.eq_db + rng.uniform(*augmentation.gain_db)
    shift = (curve * decibel).astype(np.float32)
    positions = _warped_positions(bands, float(rng.uniform(-1, 1)) * augmentation.warp, settings)
    noise = None
    if rng.random() < 0.5:
        noise = _noise(mel, float(rng.uniform(*augmentation.snr_db)), settings, rng)

    def change(table: FloatArray, window: int) -> FloatArray:
        warped = _interpolate_bands(table, positions)
        if noise is not None:
            fluctuation = _fluctuation(warped.shape, window, settings, rng)
            warped = _add_powers(warped, noise + fluctuation, settings)
        changed: FloatArray = np.maximum(warped + shift, silence)
        return changed

    return change(mel, settings.mel_window), change(detail, settings.detail_window)


def _add_powers(first: FloatArray, second: FloatArray, settings: FeatureSettings) -> FloatArray:
    """Add powers in the network's logarithmic scale."""
    base = np.float32(np.log(10.0) / settings.mel_scale)
    summed: FloatArray = np.logaddexp(first * base, second * base) / base
    return summed


def _noise(
    mel: FloatArray, snr_db: float, settings: FeatureSettings, rng: np.random.Generator
) -> FloatArray:
    """Steady noise of a random color from white to brown: mean power of each band, (bands,)."""
    centers, widths = _bands(settings)
    decibel = settings.mel_scale / 10
    tilt = -rng.uniform(0, 6) * np.log2(centers / 1000)
    color = 10 * np.log10(widths) + tilt + _smooth_curve(len(widths), rng) * 4.0
    base = np.log(10.0) / settings.mel_scale
    frames = np.logaddexp.reduce(mel.astype(np.float64) * base, axis=-1)
    active = frames[frames >= frames.max() - base * 20 * decibel]
    loud = (np.logaddexp.reduce(active) - np.log(len(active))) / base
    total = np.logaddexp.reduce(color * decibel * base) / base
    return np.asarray(color * decibel - total + loud - snr_db * decibel, np.float32)


def _fluctuation(
    shape: tuple[int, ...], window: int, settings: FeatureSettings, rng: np.random.Generator
) -> FloatArray:
    """Random deviations of the band powers of steady noise from their mean, in the network's scale.

    The narrower the band and the shorter the window, the larger they are. They are gamma
    distributed, as sums of squares are; the spread is within 0.5 dB of that of white noise in the
    mel stage.
    """
    _, widths = _bands(settings)
    degrees = np.hypot(1.4, 0.9 * widths / 2 * window / settings.sample_rate).astype(np.float32)
    drawn = rng.standard_gamma(np.broadcast_to(degrees, shape), dtype=np.float32) / degrees
    return np.asarray(settings.mel_scale * np.log10(drawn), np.float32)


def _smooth_curve(bands: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random curve over the bands, (bands,), of standard deviation about 1."""
    knots = rng.standard_normal(6)
    return np.interp(np.linspace(0, 5, bands), np.arange(6), knots)


def _edges(settings: FeatureSettings) -> NDArray[np.float64]:
    """Band edges on the mel scale: band k begins at k, has its peak at k + 1 and ends at k + 2."""
    low, high = _mel(np.array([settings.mel_low_hz, settings.mel_high_hz]))
    return np.linspace(low, high, settings.mel_bands + 2)


def _bands(settings: FeatureSettings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centers and widths of the bands in Hz."""
    edges = _hertz(_edges(settings))
    return edges[1:-1], edges[2:] - edges[:-2]


def _warped_positions(
    bands: int, strength: float, settings: FeatureSettings
) -> NDArray[np.float64]:
    """For each band the (fractional) band whose content it gets when frequencies are scaled."""
    grid = _edges(settings)[1:-1]
    source = _mel(_hertz(grid) / (1.0 + strength))
    return np.clip(np.interp(source, grid, np.arange(bands)), 0, bands - 1)


def _interpolate_bands(table: FloatArray, positions: NDArray[np.float64]) -> FloatArray:
    below = np.minimum(positions.astype(np.int64), table.shape[-1] - 2)
    fraction = (positions - below).astype(np.float32)
    bands: FloatArray = table[..., below] * (1 - fraction) + table[..., below + 1] * fraction
    return bands


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear to 1 kHz, logarithmic above."""
    return np.where(
        hertz < 1000.0,
        hertz * 3 / 200,
        15 + 27 * np.log(np.maximum(hertz, 1.0) / 1000) / np.log(6.4),
    )


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
