"""Features of a whole recording, computed by the same native stages that run in a game."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.audio import as_mono

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSettings:
    """What a model's metadata says about its features; the names are the metadata's.

    Frequencies in Hz; `*_window`, `detail_hop` in samples at `sample_rate`; `window_intervals`,
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
        """Defaults at `fps`: 33 ms of lookahead (1 frame at 30, 2 at 60)."""
        return cls(fps=fps, lookahead_frames=round(fps / 30))

    def metadata(self) -> dict[str, str]:
        """As the text that goes into a model file."""
        return {
            key: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            for key, value in asdict(self).items()
        }

    def mel_config(self) -> _native.MelConfig:
        """The native mel stage's settings."""
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
        """The native egemaps stage's settings."""
        config = _native.EgemapsConfig()
        config.sample_rate = self.sample_rate
        config.context_window = self.context_window
        config.update_interval = self.update_interval
        config.window_intervals = list(self.window_intervals)
        return config


@dataclass(frozen=True)
class Features:
    """Features of T frames, with U updates of eGeMAPS among them.

    mel: (T, bands); detail: (T, detail_frames, bands), oldest first;
    egemaps: (U, 88), what each update said about the time before it;
    egemaps_index: (T,) the newest update at each frame, below 0 before the first.
    """

    mel: FloatArray
    detail: FloatArray
    egemaps: FloatArray
    egemaps_index: npt.NDArray[np.int64]

    def egemaps_windows(self, settings: FeatureSettings) -> FloatArray:
        """(T, windows, 88): what the model's `egemaps` input holds at every frame."""
        ages = np.rint(np.array(settings.window_intervals) / settings.update_interval)
        updates = self.egemaps_index[:, None] - ages.astype(np.int64)
        nothing = np.zeros((1, len(_native.FUNCTIONAL_NAMES)), np.float32)
        with_nothing = np.concatenate([nothing, self.egemaps])
        told = updates >= settings.egemaps_config().first_told
        return with_nothing[np.where(told, updates + 1, 0)]


def extract(
    audio: npt.ArrayLike, sample_rate: int, settings: FeatureSettings | None = None
) -> Features:
    """Features of all T = round(duration * fps) frames of a recording.

    audio: (samples,) or (samples, channels), whose channels are averaged: floats in [-1, 1] or
    signed integers at full scale; sample_rate: Hz. Silence is taken to follow.
    Raises AudioError when the shape or type is not supported.
    """
    settings = settings or FeatureSettings()
    samples = as_mono(audio)
    config = settings.mel_config()
    frames = config.frames_in(len(samples), sample_rate)
    resample = _native.Resampler(sample_rate, settings.sample_rate)
    missing = config.end_sample(frames) / settings.sample_rate - len(samples) / sample_rate
    silence = np.zeros(
        int((max(missing, 0.0) + 2 * resample.latency) * sample_rate) + 2, np.float32
    )
    resampled = np.concatenate([resample.push(samples), resample.push(silence)])
    resampled = resampled[: config.end_sample(frames - 1) if frames else 0]
    mel, detail = _native.Mel(config).push(resampled)
    updates = _native.EgemapsStream(settings.egemaps_config()).push(resampled)[:, 0]
    ends = np.array([config.end_sample(k) for k in range(frames)], np.int64)
    index = ends // round(settings.update_interval * settings.sample_rate) - 1
    return Features(mel[:frames], detail[:frames], updates, index)
