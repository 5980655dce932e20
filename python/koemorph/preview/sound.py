"""A recording as a page needs it: compressed sound, a waveform and a mel picture."""

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
    """One channel of sound, (n,) float32 at `rate` Hz."""

    samples: npt.NDArray[np.float32]
    rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate


def read(path: Path) -> Sound:
    """Read a recording and mix it to one channel; AudioError when it cannot be read."""
    return Sound(*read_mono(path))


def compressed(sound: Sound) -> bytes:
    """MP3, which every browser plays, at a rate that keeps a minute near half a megabyte."""
    samples, rate = np.clip(sound.samples, -1, 1), sound.rate
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
    """The loudest sample of each of at most 2,000 stretches, 255 the loudest of all."""
    if not len(sound.samples):
        return b""
    count = min(_PEAKS, len(sound.samples))
    starts = np.arange(count) * len(sound.samples) // count
    loudest = np.maximum.reduceat(np.abs(sound.samples), starts)
    return np.round(loudest / max(float(loudest.max()), 1e-6) * 255).astype(np.uint8).tobytes()


def mel_picture(sound: Sound) -> tuple[bytes, int]:
    """(columns, bands) of the model's own mel as bytes, at most 1,500 columns, and its bands."""
    mel = features.extract(sound.samples, sound.rate).mel.astype(np.float64)
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
