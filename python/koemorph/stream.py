"""Streams: animating one voice while its audio arrives."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.animation import Animation
from koemorph.audio import as_channels, check_sample_rate
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls
from koemorph.errors import AudioError, KoemorphWarning

if TYPE_CHECKING:
    from koemorph.stream_batch import StreamBatch

FloatArray = npt.NDArray[np.float32]


class Stream:
    """The animation of one voice: `push` audio, `pull` frames or `sample` weights at a time.

    `koemorph.Model.stream` and `koemorph.StreamBatch.stream` create streams. Call the methods from
    one thread at a time. With `worker=True` one thread may push while another reads.

    Args:
        model: The native model.
        sample_rate: Sample rate of the audio, 8000-192000 Hz.
        channels: Channels of the audio, 1-64.
        worker: Compute frames on a thread of the library instead of in `push`.
        buffer_seconds: Seconds of audio that are buffered until they are computed.
        history_seconds: Seconds of frames that are kept until they are read.
        controls: The first controls; None for the defaults.
        batch: The stream batch that computes the frames; None for none.
    """

    def __init__(
        self,
        model: _native.Model,
        sample_rate: int,
        channels: int = 1,
        *,
        worker: bool = False,
        buffer_seconds: float = 0.5,
        history_seconds: float = 30.0,
        controls: Controls | None = None,
        batch: StreamBatch | None = None,
    ) -> None:
        check_sample_rate(sample_rate, "the stream")
        self._native = _native.Stream(
            model, sample_rate, channels, worker, buffer_seconds, history_seconds
        )
        self.controls = Controls() if controls is None else controls
        self._batch = batch
        self._computes = not worker and batch is None
        self._channels = channels
        self._sample_rate = sample_rate
        self._buffer_seconds = buffer_seconds
        self._history_seconds = history_seconds
        self._block = self._block_size()
        self._fps: int = self.info.fps
        # Bytes of a sample whose rest has not been pushed.
        self._incomplete = b""
        self._read_frames = 0
        self._warned = False

    def _block_size(self) -> int:
        """Half the buffer, in samples: pushes of this size never overflow it."""
        return max(1, int(self._buffer_seconds * self._sample_rate / 2))

    @property
    def batch(self) -> StreamBatch | None:
        """The stream batch that computes the frames, None for none."""
        return self._batch

    @property
    def info(self) -> _native.StreamInfo:
        """fps, latency (s), pushed_samples, dropped_samples, frame_count, skipped_frames."""
        return self._native.info

    @property
    def controls(self) -> Controls:
        """A copy of the controls. Assign changed controls to start a transition to them.

        Raises:
            ValueError: On assignment, when a value is out of range.
        """
        return self._controls.copy()

    @controls.setter
    def controls(self, controls: Controls) -> None:
        self._native.set_controls(controls)
        self._controls = controls.copy()

    def fade_out(self, playback_time: float, seconds: float = 0.3) -> None:
        """Fade the face to rest.

        Args:
            playback_time: Stream time at which the fade begins, seconds.
            seconds: Length of the fade.
        """
        self._native.fade_out(playback_time, seconds)

    def fade_in(self, playback_time: float, seconds: float = 0.3) -> None:
        """Fade back from `fade_out` to the animation.

        Args:
            playback_time: Stream time at which the fade begins, seconds.
            seconds: Length of the fade.
        """
        self._native.fade_in(playback_time, seconds)

    def push(self, audio: npt.ArrayLike | bytes | bytearray | memoryview) -> None:
        """Add audio and, without a worker or a batch, compute the frames it completes.

        Issues a KoemorphWarning, once, when frames or samples are lost: with code
        "history_exceeded" when more than `history_seconds` of frames were neither pulled nor
        sampled, with code "buffer_exceeded" when a worker or a batch did not compute
        `buffer_seconds` of audio in time.

        Args:
            audio: (samples,) or (samples, channels): floats in [-1, 1], or signed integers at full
                scale. Bytes are 16-bit little-endian PCM, channels interleaved; they may end within
                a sample, and the next bytes continue it.

        Raises:
            AudioError: The audio is not supported or has another number of channels.
            StreamError: The stream was flushed.
        """
        is_pcm = isinstance(audio, bytes | bytearray) or (
            isinstance(audio, memoryview) and audio.itemsize == 1
        )
        samples = as_channels(self._decode(audio) if is_pcm else audio)
        if samples.shape[1] != self._channels:
            raise AudioError(
                f"Channel count mismatch: the audio has {samples.shape[1]}, the stream takes "
                f"{self._channels}. Convert the audio or call set_input_format.",
                code="channels_mismatch",
            )
        if not self._computes:
            self._native.push(samples, self._channels)
            self.warn_of_losses()
            return
        for start in range(0, len(samples), self._block):
            self._native.push(samples[start : start + self._block], self._channels)
            self._native.process()
        self.warn_of_losses()

    def _decode(self, data: Any) -> npt.NDArray[np.int16]:
        """Return the complete samples of PCM bytes, (samples, channels)."""
        size = 2 * self._channels
        data = self._incomplete + bytes(data)
        end = len(data) // size * size
        self._incomplete = data[end:]
        return np.frombuffer(data[:end], "<i2").reshape(-1, self._channels)

    def warn_of_losses(self) -> None:
        """Issue a warning, once, when samples or unread frames were discarded.

        `push` and `StreamBatch.process` call it.
        """
        if self._warned:
            return
        info = self.info
        unread = info.frame_count - self._read_frames
        if info.dropped_samples:
            self._warn(
                f"{info.dropped_samples} samples are lost: more than buffer_seconds "
                f"({self._buffer_seconds:g}) of audio were pushed before they were computed. Push "
                "less at once, or create the stream with a larger buffer_seconds.",
                "buffer_exceeded",
            )
        elif unread > self._history_seconds * info.fps + 1:
            self._warn(
                f"Frames are lost: {unread / info.fps:.1f} s of frames were neither pulled nor "
                f"sampled, and history_seconds is {self._history_seconds:g}. Push less ahead of "
                "the playback, or create the stream with a larger history_seconds.",
                "history_exceeded",
            )

    def _warn(self, message: str, code: str) -> None:
        self._warned = True
        warnings.warn(KoemorphWarning(message, code=code), stacklevel=4)

    def set_input_format(self, sample_rate: int, channels: int = 0) -> None:
        """Change the format of the audio that is pushed from now on; stream time continues.

        Args:
            sample_rate: New sample rate, 8000-192000 Hz.
            channels: New number of channels; 0 keeps the present one.

        Raises:
            AudioError: The sample rate is not supported.
            StreamError: The stream was flushed.
        """
        check_sample_rate(sample_rate, "the stream")
        self._native.set_input_format(sample_rate, channels)
        self._sample_rate = sample_rate
        self._channels = channels or self._channels
        self._incomplete = b""

    def flush(self) -> None:
        """End the audio and compute the frames that wait for lookahead, as if silence followed."""
        self._native.flush()
        if self._computes:
            self._native.process()

    def pull(self) -> Animation:
        """Return the frames computed since the last call, possibly none."""
        times, weights = self._native.pull(len(BLENDSHAPES))
        info = self.info
        self._read_frames = info.frame_count
        return Animation(times, weights, BLENDSHAPES, info.fps)

    def sample(self, playback_time: float) -> FloatArray:
        """Return the weights at a time, interpolated between frames.

        Args:
            playback_time: Stream time, seconds. Frames are kept for `history_seconds`: before that
                the oldest frame is returned, after the last frame the last one.

        Returns:
            (52,) weights in the order of `koemorph.BLENDSHAPES`.
        """
        if math.isfinite(playback_time):
            self._read_frames = max(self._read_frames, int(playback_time * self._fps))
        return self._native.sample(playback_time, len(BLENDSHAPES))

    def reset(self, sample_rate: int = 0, channels: int = 0) -> None:
        """Discard all audio, frames and state and restart at time 0.

        Args:
            sample_rate: New sample rate in Hz; 0 keeps the present one.
            channels: New number of channels; 0 keeps the present one.

        Raises:
            AudioError: The sample rate is not supported.
        """
        if sample_rate:
            check_sample_rate(sample_rate, "the stream")
        self._native.reset(sample_rate, channels)
        self._sample_rate = sample_rate or self._sample_rate
        self._channels = channels or self._channels
        # The native buffer is sized for the sample rate.
        self._block = self._block_size()
        self._incomplete, self._read_frames, self._warned = b"", 0, False
