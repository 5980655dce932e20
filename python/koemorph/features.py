"""Audio features of a whole recording, computed by the same native code as in a stream."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.audio import as_mono

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSettings:
    """Feature settings of a model, with the keys of its metadata.

    `*_hz` are in Hz; `*_window` and `detail_hop` in samples at `sample_rate`; `window_intervals`,
    `context_window` and `update_interval` in seconds.
    """

    sample_rate: int = 16000
    fps: int = 30
    lookahead_frames: int = 1
    mel_bands: int = 80
    mel_low_hz: float = 80.0
    mel_high_hz: float = 8000.0
    mel_window: int = 1024
    mel_floor: float = 1e-10
    mel_offset: float = 6.0
    mel_scale: float = 0.5
    detail_frames: int = 3
    detail_window: int = 512
    detail_hop: int = 160
    window_intervals: tuple[float, ...] = (0.0, 0.3, 0.6)
    context_window: float = 20.0
    update_interval: float = 0.3

    @classmethod
    def for_fps(cls, fps: int) -> FeatureSettings:
        """Return the defaults at `fps`, with a lookahead of 33 ms (1 frame at 30, 2 at 60)."""
        return cls(fps=fps, lookahead_frames=round(fps / 30))

    def metadata(self) -> dict[str, str]:
        """Return the settings as texts for a model file."""
        return {
            key: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            for key, value in asdict(self).items()
        }

    def mel_config(self) -> _native.MelConfig:
        """Return the settings of the native mel stage."""
        config = _native.MelConfig()
        config.sample_rate = self.sample_rate
        config.fps = self.fps
        config.lookahead_frames = self.lookahead_frames
        config.bands = self.mel_bands
        config.low_hz = self.mel_low_hz
        config.high_hz = self.mel_high_hz
        config.window = self.mel_window
        config.floor = self.mel_floor
        config.offset = self.mel_offset
        config.scale = self.mel_scale
        config.detail_frames = self.detail_frames
        config.detail_window = self.detail_window
        config.detail_hop = self.detail_hop
        return config

    def egemaps_config(self) -> _native.EgemapsConfig:
        """Return the settings of the native eGeMAPS stage."""
        config = _native.EgemapsConfig()
        config.sample_rate = self.sample_rate
        config.context_window = self.context_window
        config.update_interval = self.update_interval
        config.window_intervals = list(self.window_intervals)
        return config


@dataclass(frozen=True)
class Features:
    """Features of all frames of a recording.

    Attributes:
        mel: (frames, bands).
        detail: (frames, detail_frames, bands), oldest first.
        egemaps: (updates, 88), each of the context window before the update.
        egemaps_index: (frames,) index of the newest update at each frame; negative before the
            first.
    """

    mel: FloatArray
    detail: FloatArray
    egemaps: FloatArray
    egemaps_index: npt.NDArray[np.int64]

    def egemaps_windows(self, settings: FeatureSettings) -> FloatArray:
        """Return the model's `egemaps` input at every frame, (frames, windows, 88)."""
        ages = np.rint(np.array(settings.window_intervals) / settings.update_interval)
        updates = self.egemaps_index[:, None] - ages.astype(np.int64)
        zeros = np.zeros((1, len(_native.FUNCTIONAL_NAMES)), np.float32)
        padded = np.concatenate([zeros, self.egemaps])
        is_known = updates >= settings.egemaps_config().first_valid_update
        return padded[np.where(is_known, updates + 1, 0)]


def extract(
    audio: npt.ArrayLike, sample_rate: int, settings: FeatureSettings | None = None
) -> Features:
    """Compute the features of a whole recording, as if silence followed it.

    Args:
        audio: (samples,) or (samples, channels), whose channels are averaged: floats in [-1, 1],
            or signed integers at full scale.
        sample_rate: Hz.
        settings: Feature settings; None for the defaults at 30 fps.

    Returns:
        The features of round(duration * fps) frames.

    Raises:
        AudioError: The shape or type of the samples is not supported.
    """
    settings = settings or FeatureSettings()
    samples = as_mono(audio)
    config = settings.mel_config()
    frames = config.frames_in(len(samples), sample_rate)
    resampler = _native.Resampler(sample_rate, settings.sample_rate)
    missing = config.end_sample(frames) / settings.sample_rate - len(samples) / sample_rate
    silence = np.zeros(
        int((max(missing, 0.0) + 2 * resampler.latency) * sample_rate) + 2, np.float32
    )
    resampled = np.concatenate([resampler.push(samples), resampler.push(silence)])
    resampled = resampled[: config.end_sample(frames - 1) if frames else 0]
    mel, detail = _native.Mel(config).push(resampled)
    updates = _native.EgemapsStream(settings.egemaps_config()).push(resampled)[:, 0]
    ends = np.array([config.end_sample(k) for k in range(frames)], np.int64)
    index = ends // round(settings.update_interval * settings.sample_rate) - 1
    return Features(mel[:frames], detail[:frames], updates, index)
