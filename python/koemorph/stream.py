"""One voice being animated, as audio comes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.animation import Animation
from koemorph.audio import as_channels, check_sample_rate
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls
from koemorph.errors import AudioError

FloatArray = npt.NDArray[np.float32]


class Stream:
    """One voice being animated. Push audio as it comes; pull frames, or sample the face at a time.

    Not to be used from several Python threads at once, except that with `worker=True` pushing
    and reading may be done from different threads. Voices of a `StreamBatch` are computed by it.
    """

    def __init__(
        self,
        model: _native.Model,
        sample_rate: int,
        channels: int = 1,
        *,
        worker: bool = False,
        buffer_seconds: float = 0.5,
        history_seconds: float = 10.0,
        controls: Controls | None = None,
        in_batch: bool = False,
    ) -> None:
        check_sample_rate(sample_rate, "The stream")
        self._native = _native.Stream(
            model, sample_rate, channels, worker, buffer_seconds, history_seconds
        )
        self.controls = Controls() if controls is None else controls
        self._computes = not (worker or in_batch)
        self._channels = channels
        self._rate = sample_rate
        self._buffer_seconds = buffer_seconds
        self._slice = self._slice_that_fits()

    def _slice_that_fits(self) -> int:
        """Samples of which the ring holds two pushes, so that nothing is lost of any number."""
        return max(1, int(self._buffer_seconds * self._rate / 2))

    @property
    def info(self) -> _native.StreamInfo:
        """fps, latency (s), pushed_samples, dropped_samples, frames, skipped_frames."""
        return self._native.info

    @property
    def controls(self) -> Controls:
        """A copy of the controls; assign changed ones to have them glide in.

        Assigning raises ValueError for a number outside its range.
        """
        return self._controls.copy()

    @controls.setter
    def controls(self, controls: Controls) -> None:
        self._native.set_controls(controls)
        self._controls = controls.copy()

    def fade_out(self, playback_time: float, seconds: float = 0.3) -> None:
        """Stop at `playback_time`: the face falls to rest over the `seconds` after it."""
        self._native.fade_out(playback_time, seconds)

    def fade_in(self, playback_time: float, seconds: float = 0.3) -> None:
        """Take a relax back over the `seconds` after `playback_time`."""
        self._native.fade_in(playback_time, seconds)

    def push(self, audio: npt.ArrayLike) -> None:
        """Hand over audio (n,) or (n, channels) and, without a worker or batch, compute its frames.

        Raises AudioError for another number of channels and StreamError after flush.
        """
        samples = as_channels(audio)
        if samples.shape[1] != self._channels:
            raise AudioError(
                f"This stream takes {self._channels} channels, the audio has {samples.shape[1]}."
            )
        if not self._computes:
            self._native.push(samples, self._channels)
            return
        for start in range(0, len(samples), self._slice):
            self._native.push(samples[start : start + self._slice], self._channels)
            self._native.process()

    def set_input_format(self, sample_rate: int, channels: int = 0) -> None:
        """Go on with another device: what is pushed from now on has its rate (Hz) and channels.

        The voice and its time go on; with `channels` 0 there are as many as before. Raises
        AudioError for an impossible rate and StreamError after flush.
        """
        check_sample_rate(sample_rate, "The stream")
        self._native.set_input_format(sample_rate, channels)
        self._rate = sample_rate
        self._channels = channels or self._channels

    def flush(self) -> None:
        """End the voice: frames that wait for their lookahead are computed as if silence came."""
        self._native.flush()
        if self._computes:
            self._native.process()

    def pull(self) -> Animation:
        """The frames computed since the last pull, each once; possibly none."""
        times, weights = self._native.pull(len(BLENDSHAPES))
        return Animation(times, weights, BLENDSHAPES, self.info.fps)

    def sample(self, playback_time: float) -> FloatArray:
        """The face (52,) at `playback_time` seconds of stream time, interpolated between frames."""
        return self._native.sample(playback_time, len(BLENDSHAPES))

    def reset(self, sample_rate: int = 0, channels: int = 0) -> None:
        """Forget everything and start again at time 0, at another rate or channels if given."""
        if sample_rate:
            check_sample_rate(sample_rate, "The stream")
        self._native.reset(sample_rate, channels)
        self._rate = sample_rate or self._rate
        self._channels = channels or self._channels
        # The ring is made anew for the rate.
        self._slice = self._slice_that_fits()
