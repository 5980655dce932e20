"""Players: animating a face in sync with an audio source that starts, stops, pauses and drifts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.audio import as_channels, check_sample_rate
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls

FloatArray = npt.NDArray[np.float32]


class Player:
    """A stream in sync with an audio source: `feed` blocks, `update` once per frame, then `sample`.

    `koemorph.Model.player` creates players. `now` is one monotonic clock for all calls on a player,
    in seconds, for example `time.monotonic()`. One thread may feed while another updates and
    samples.

    Args:
        model: The native model.
        sample_rate: Sample rate of the audio, 8000-192000 Hz; 0 for that of the first block.
        channels: Channels of the audio, 1-64.
        worker: Compute frames on a thread of the library instead of in `update`.
        controls: The first controls; None for the defaults.
    """

    def __init__(
        self,
        model: _native.Model,
        sample_rate: int = 0,
        channels: int = 1,
        *,
        worker: bool = False,
        controls: Controls | None = None,
    ) -> None:
        if sample_rate:
            check_sample_rate(sample_rate, "the player")
        self._native = _native.Player(model, sample_rate, channels, worker)
        self.controls = Controls() if controls is None else controls
        self._computes = not worker

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

    @property
    def speaking(self) -> bool:
        """True while the source delivers audio."""
        return self._native.state.speaking

    @property
    def playback_time(self) -> float:
        """The stream time that is displayed, seconds. Negative until the first audio is due."""
        return self._native.state.playback_time

    @property
    def latency(self) -> float:
        """Seconds between feeding audio and displaying it."""
        return self._native.state.latency

    @property
    def info(self) -> _native.StreamInfo:
        """fps, latency (s), pushed_samples, dropped_samples, frames of the stream."""
        return self._native.info

    def feed(self, audio: npt.ArrayLike, sample_rate: int, now: float) -> bool:
        """Add a block that the source delivered.

        Args:
            audio: (samples,) or (samples, channels): floats in [-1, 1], or signed integers at full
                scale.
            sample_rate: Sample rate of the block, Hz.
            now: Time of the delivery, seconds.

        Returns:
            False when the block is replaced by silence of its duration: the first one in a new
            sample rate or channel count, which the next `update` applies.

        Raises:
            AudioError: The audio is not supported.
        """
        check_sample_rate(sample_rate, "the player")
        samples = as_channels(audio)
        return self._native.feed(samples, samples.shape[1], sample_rate, now)

    def update(self, now: float, *, paused: bool = False) -> None:
        """Advance the playback time and, without a worker, compute frames.

        Args:
            now: Time of the rendered frame, seconds.
            paused: The source is paused: no time passes.
        """
        self._native.update(now, paused)
        if self._computes:
            self._native.process()

    def sample(self) -> FloatArray:
        """Return the weights at the playback time.

        Returns:
            (52,) weights in the order of `koemorph.BLENDSHAPES`; 0 before the first frame.
        """
        return self._native.sample(len(BLENDSHAPES))

    def set_latency(self, output_latency: float = -1.0, delay: float = 0.0) -> None:
        """Set when fed audio is displayed.

        Args:
            output_latency: Seconds between feeding a sample and the loudspeaker; negative for as
                early as frames exist.
            delay: Seconds added to it, -1..1.

        Raises:
            ValueError: `delay` is out of range.
        """
        self._native.set_latency(output_latency, delay)

    def fade_out(self, seconds: float = 0.3) -> None:
        """Fade to rest and stay there until `fade_in`, regardless of the audio.

        Args:
            seconds: Length of the fade.
        """
        self._native.fade_out(seconds)

    def fade_in(self, seconds: float = 0.3) -> None:
        """Revert `fade_out`.

        Args:
            seconds: Length of the fade.
        """
        self._native.fade_in(seconds)

    def stop(self) -> None:
        """Declare the source stopped: the next `update` fades out without waiting for a timeout."""
        self._native.stop()

    def reset(self) -> None:
        """Discard all audio, frames and state and restart at time 0."""
        self._native.reset()
