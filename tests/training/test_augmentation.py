"""Augmentation in the mel domain, compared with the mel features of noisy audio."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from koemorph.features import Features, FeatureSettings, extract
from koemorph.training.augmentation import augment
from koemorph.training.config import AugmentConfig

SETTINGS = FeatureSettings()
RATE = SETTINGS.sample_rate


def tone(seconds: float) -> npt.NDArray[np.float32]:
    """A hum of 30 harmonics of 110 Hz, whose power does not vary."""
    times = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * 110 * k * times + k * k) for k in range(1, 31)]
    return np.asarray(0.05 * np.sum(waves, 0), np.float32)


def hiss(like: npt.NDArray[np.float32], snr_db: float) -> npt.NDArray[np.float32]:
    level = np.sqrt(np.mean(like**2)) * 10 ** (-snr_db / 20)
    noise = level * np.random.default_rng(3).standard_normal(len(like))
    return np.asarray(noise, np.float32)


def power(table: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return 10.0 ** (table.astype(np.float64) / SETTINGS.mel_scale - SETTINGS.mel_offset)


def noisy(features: Features, snr_db: float) -> Features:
    """Augment with noise only; seeds that add none are skipped."""
    only_noise = AugmentConfig(
        1.0, gain_db=[0.0, 0.0], eq_db=0.0, warp=0.0, snr_db=[snr_db, snr_db]
    )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mel, detail = augment(features.mel, features.detail, only_noise, SETTINGS, rng)
        if not np.allclose(mel, features.mel, atol=1e-4):
            return Features(mel, detail, features.egemaps, features.egemaps_index)
    raise AssertionError("no seed added noise")


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0])
def test_noise_has_the_level_of_noise_in_the_audio(snr_db: float) -> None:
    voice = tone(6.0)
    clean = extract(voice, RATE)
    expected = power(extract(voice + hiss(voice, snr_db), RATE).mel[10:-10])
    added = power(noisy(clean, snr_db).mel[10:-10])
    before = power(clean.mel[10:-10])

    def decibels(table: npt.NDArray[np.float64]) -> float:
        return float(10 * np.log10((table - before).sum(-1).mean() / before.sum(-1).mean()))

    assert decibels(added) == pytest.approx(decibels(expected), abs=1.0)


def test_noise_fluctuates_in_each_band_like_white_noise() -> None:
    """The standard deviation in dB equals that of white noise, for means of ten bands."""
    augmented = noisy(extract(1e-6 + tone(20.0) * 1e-4, RATE), -40.0)
    recorded = extract(hiss(tone(20.0), 0.0), RATE)
    for found, expected in (
        (augmented.mel, recorded.mel),
        (augmented.detail[:, 0], recorded.detail[:, 0]),
    ):
        spread = [10 * table[10:-10].std(0) / SETTINGS.mel_scale for table in (found, expected)]
        ten = [each.reshape(-1, 10).mean(1) for each in spread]
        np.testing.assert_allclose(ten[0], ten[1], atol=0.3)
