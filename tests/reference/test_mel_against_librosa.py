"""The mel stage against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from koemorph import features


def librosa_mel(windows: np.ndarray, settings: features.FeatureSettings) -> np.ndarray:
    """(frames, size) sample windows -> (frames, bands) with librosa's window, FFT and filters."""
    size = windows.shape[1]
    hann = librosa.filters.get_window("hann", size, fftbins=True)
    power = np.abs(np.fft.rfft(windows * (hann / hann.sum()))) ** 2
    filters = librosa.filters.mel(
        sr=settings.sample_rate,
        n_fft=size,
        n_mels=settings.mel_bands,
        fmin=settings.mel_low_hz,
        fmax=settings.mel_high_hz,
        htk=False,
        norm=None,
        dtype=np.float64,
    )
    log_power = np.log10(np.maximum(power @ filters.T, settings.mel_floor))
    return (log_power + settings.mel_offset) * settings.mel_scale


@pytest.mark.parametrize("fps", [30, 60])
def test_mel_and_detail_equal_librosa(fps: int) -> None:
    settings = features.FeatureSettings.for_fps(fps)
    rng = np.random.default_rng(1)
    seconds = np.arange(int(2.345 * settings.sample_rate)) / settings.sample_rate
    chirp = np.sin(2 * np.pi * (100 + 1500 * seconds) * seconds)
    audio = (0.3 * chirp + 0.01 * rng.standard_normal(len(seconds))).astype(np.float32)
    found = features.extract(audio, settings.sample_rate, settings)

    frames = round(len(audio) / settings.sample_rate * fps)
    assert found.mel.shape == (frames, settings.mel_bands)
    ends = [
        int(np.floor((k + settings.lookahead_frames) * settings.sample_rate / fps + 0.5))
        for k in range(frames)
    ]
    front = settings.mel_window
    padded = np.concatenate([np.zeros(front), audio, np.zeros(front)])

    def windows(size: int, back: int) -> np.ndarray:
        return np.stack([padded[front + end - back - size : front + end - back] for end in ends])

    expected = librosa_mel(windows(settings.mel_window, 0), settings)
    np.testing.assert_allclose(found.mel, expected, atol=1e-4)
    for index, back in enumerate([320, 160, 0]):
        expected = librosa_mel(windows(settings.detail_window, back), settings)
        np.testing.assert_allclose(found.detail[:, index], expected, atol=1e-4)
