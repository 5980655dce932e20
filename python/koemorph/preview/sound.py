"""The audio of a preview page: MP3, waveform peaks and a mel spectrogram."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from koemorph import features
from koemorph._native import Resampler
from koemorph.audio import read_mono

_MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_RATE = 24000
_PEAKS = 2000
_MEL_COLUMNS = 1500
_MEL_BANDS = 40


@dataclass(frozen=True)
class Sound:
    """Mono audio.

    Attributes:
        samples: (samples,) float32.
        sample_rate: Hz.
    """

    samples: npt.NDArray[np.float32]
    sample_rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.sample_rate


def read(path: Path) -> Sound:
    """Read an audio file and mix it to one channel.

    Raises:
        AudioError: The file cannot be read.
    """
    return Sound(*read_mono(path))


def encode_mp3(sound: Sound) -> bytes:
    """Encode MP3, which every browser plays, with about half a megabyte per minute."""
    samples, rate = np.clip(sound.samples, -1, 1), sound.sample_rate
    if rate not in _MP3_RATES or rate > _RATE:
        resample = Resampler(rate, _RATE)
        tail = np.zeros(int(resample.latency * rate) + 2, np.float32)
        length = round(len(samples) * _RATE / rate)
        samples = np.concatenate([resample.push(samples), resample.push(tail)])[:length]
        rate = _RATE
    stream = io.BytesIO()
    soundfile.write(
        stream,
        samples,
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=0.6,
        bitrate_mode="CONSTANT",
    )
    return stream.getvalue()


def peaks(sound: Sound) -> bytes:
    """Return the peak level of at most 2,000 segments as bytes; 255 is the loudest sample."""
    if not len(sound.samples):
        return b""
    count = min(_PEAKS, len(sound.samples))
    starts = np.arange(count) * len(sound.samples) // count
    loudest = np.maximum.reduceat(np.abs(sound.samples), starts)
    return np.round(loudest / max(float(loudest.max()), 1e-6) * 255).astype(np.uint8).tobytes()


def mel_image(sound: Sound) -> tuple[bytes, int]:
    """Return the model's mel spectrogram as bytes, at most 1,500 columns, and its band count."""
    mel = features.extract(sound.samples, sound.sample_rate).mel.astype(np.float64)
    if not len(mel):  # shorter than half a frame
        return b"", _MEL_BANDS
    if len(mel) > _MEL_COLUMNS:
        starts = np.arange(_MEL_COLUMNS) * len(mel) // _MEL_COLUMNS
        widths = np.diff([*starts, len(mel)])
        mel = np.add.reduceat(mel, starts) / widths[:, None]
    small = mel.reshape(len(mel), _MEL_BANDS, -1).mean(axis=2)
    low, high = np.percentile(small, (5, 99.5))
    scaled = np.clip((small - low) / max(float(high - low), 1e-6), 0, 1)
    return np.round(scaled * 255).astype(np.uint8).tobytes(), _MEL_BANDS
