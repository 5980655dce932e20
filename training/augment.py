"""Augmentation in the mel domain: the same face in other voices, rooms and levels.

Works on mel and detail alike, since both are log powers in the same bands. The emotion stream
cannot be changed this way: a corpus that needs it changed has to hold changed audio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koemorph.features import FeatureSettings

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How much is changed; each row of a batch is changed with probability `probability`.

    gain_db: lowest and highest gain; eq_db: standard deviation of a random smooth equaliser;
    warp: strength of the warping of the frequency axis (0.15: factors from 0.85 to 1.15);
    snr_db: range of the noise that is added to every second changed row.
    """

    probability: float = 0.0
    gain_db: tuple[float, float] = (-30.0, 6.0)
    eq_db: float = 4.0
    warp: float = 0.15
    snr_db: tuple[float, float] = (5.0, 35.0)


def augment(
    mel: FloatArray,
    detail: FloatArray,
    augmentation: Augmentation,
    settings: FeatureSettings,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """One row: mel (L, bands), detail (n, D, bands) in the network's scale; returns the same."""
    if rng.random() >= augmentation.probability:
        return mel, detail
    bands = mel.shape[-1]
    low = np.log10(settings.mel_floor)
    silence = np.float32((low + settings.mel_offset) * settings.mel_scale)
    decibel = settings.mel_scale / 10
    curve = _smooth_curve(bands, rng) * augmentation.eq_db + rng.uniform(*augmentation.gain_db)
    shift = (curve * decibel).astype(np.float32)
    place = _warped_places(bands, float(rng.uniform(-1, 1)) * augmentation.warp, settings)
    noise = None
    if rng.random() < 0.5:
        loud = np.quantile(mel.mean(axis=-1), 0.95)
        level = loud - decibel * rng.uniform(*augmentation.snr_db)
        noise = (level + _smooth_curve(bands, rng) * 6.0 * decibel).astype(np.float32)

    def change(table: FloatArray) -> FloatArray:
        warped = _take(table, place)
        if noise is not None:
            # A power spectrum of noise varies about 1.5 dB in so wide a band and window.
            jitter = rng.standard_normal((*table.shape[:-1], bands), np.float32) * 1.5 * decibel
            base = np.float32(1 / settings.mel_scale * np.log(10.0))
            summed: FloatArray = np.logaddexp(warped * base, (noise + jitter) * base) / base
            warped = summed
        changed: FloatArray = np.maximum(warped + shift, silence)
        return changed

    return change(mel), change(detail)


def _smooth_curve(bands: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random curve over the bands, (bands,), of standard deviation about 1."""
    knots = rng.standard_normal(6)
    return np.interp(np.linspace(0, 5, bands), np.arange(6), knots)


def _warped_places(bands: int, strength: float, settings: FeatureSettings) -> NDArray[np.float64]:
    """For each band the (fractional) band whose content it gets when frequencies are scaled."""
    centres = _mel(np.array([settings.mel_low_hz, settings.mel_high_hz]))
    grid = np.linspace(centres[0], centres[1], bands + 2)[1:-1]
    source = _mel(_hertz(grid) / (1.0 + strength))
    return np.clip(np.interp(source, grid, np.arange(bands)), 0, bands - 1)


def _take(table: FloatArray, place: NDArray[np.float64]) -> FloatArray:
    below = np.minimum(place.astype(np.int64), table.shape[-1] - 2)
    share = (place - below).astype(np.float32)
    taken: FloatArray = table[..., below] * (1 - share) + table[..., below + 1] * share
    return taken


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear to 1 kHz, logarithmic above."""
    return np.where(
        hertz < 1000.0,
        hertz * 3 / 200,
        15 + 27 * np.log(np.maximum(hertz, 1.0) / 1000) / np.log(6.4),
    )


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
