"""Models and streams: the C++ core under a Python surface."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.animation import Animation
from koemorph.audio import Recording, as_channels, as_recording, check_rate, open_audio
from koemorph.coefficients import COEFFICIENTS
from koemorph.controls import Controls, choose_controls
from koemorph.errors import AudioError, ModelError
from koemorph.retarget import Retarget, apply_map, load_map

FloatArray = npt.NDArray[np.float32]
# Called with the share of the work that is done, 0..1.
Progress = Callable[[float], None]

MODELS = Path(__file__).parent / "models"
BUNDLED_FPS = (30, 60)


def onnxruntime_library() -> str:
    """Path of the ONNX Runtime library inside the installed onnxruntime package, "" without one."""
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or not spec.submodule_search_locations:
        return ""
    folder = Path(spec.submodule_search_locations[0]) / "capi"
    names = ("libonnxruntime.so*", "libonnxruntime*.dylib", "onnxruntime.dll")
    return next((str(path) for name in names for path in sorted(folder.glob(name))), "")


def bundled_model(fps: int) -> Path:
    """The model that ships for this number of frames a second; ModelError where there is none."""
    path = MODELS / f"koemorph-{fps}.onnx"
    if fps not in BUNDLED_FPS or not path.is_file():
        raise ModelError(
            f"No model for {fps} frames a second is bundled; choose one of "
            f"{', '.join(map(str, BUNDLED_FPS))}, or give the path of your own."
        )
    return path


class Stream:
    """One voice being animated. Push audio as it comes; pull frames, or sample the face at a time.

    Not to be used from several Python threads at once, except that with `worker=True` pushing
    and reading may be done from different threads.
    """

    def __init__(
        self,
        model: _native.Model,
        sample_rate: int,
        channels: int = 1,
        fps: int = 0,
        *,
        worker: bool = False,
        buffer_seconds: float = 0.5,
        keep_seconds: float = 10.0,
        controls: Controls | None = None,
    ) -> None:
        check_rate(sample_rate, "The stream")
        self._native = _native.Stream(
            model, sample_rate, channels, fps, worker, buffer_seconds, keep_seconds
        )
        self.controls = Controls() if controls is None else controls
        self._worker = worker
        self._channels = channels
        # Pushed in slices that the ring holds whatever their number, so that nothing is lost.
        self._slice = max(1, int(buffer_seconds * sample_rate / 2))

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

    def relax(self, playback_time: float, seconds: float = 0.3) -> None:
        """Stop at `playback_time`: the face falls to rest over the `seconds` after it."""
        self._native.relax(playback_time, seconds)

    def resume(self, playback_time: float, seconds: float = 0.3) -> None:
        """Take a relax back over the `seconds` after `playback_time`."""
        self._native.resume(playback_time, seconds)

    def push(self, audio: npt.ArrayLike) -> None:
        """Hand over audio (n,) or (n, channels) and, without a worker, compute its frames.

        Raises AudioError for another number of channels and StreamError after flush.
        """
        samples = as_channels(audio)
        if samples.shape[1] != self._channels:
            raise AudioError(
                f"This stream takes {self._channels} channels, the audio has {samples.shape[1]}."
            )
        if self._worker:
            self._native.push(samples, self._channels)
            return
        for start in range(0, len(samples), self._slice):
            self._native.push(samples[start : start + self._slice], self._channels)
            self._native.process()

    def flush(self) -> None:
        """End the voice: frames that wait for their lookahead are computed as if silence came."""
        self._native.flush()
        if not self._worker:
            self._native.process()

    def pull(self) -> Animation:
        """The frames computed since the last pull, each once; possibly none."""
        times, weights = self._native.pull(len(COEFFICIENTS))
        return Animation(times, weights, COEFFICIENTS, self.info.fps)

    def sample(self, playback_time: float) -> FloatArray:
        """The face (52,) at `playback_time` seconds of stream time, interpolated between frames."""
        return self._native.sample(playback_time, len(COEFFICIENTS))

    def reset(self, sample_rate: int = 0, channels: int = 0) -> None:
        """Forget everything and start again at time 0, at another rate or channels if given."""
        if sample_rate:
            check_rate(sample_rate, "The stream")
        self._native.reset(sample_rate, channels)
        self._channels = channels or self._channels


class Model:
    """A model that animates voices; may be shared by any number of streams and threads.

    path: an .onnx file made by `koemorph export`; None takes the bundled model, of which there is
    one for 30 and one for 60 frames a second.
    Raises ModelError when it is missing or no KoeMorph model, or without ONNX Runtime.
    """

    def __init__(self, path: str | Path | None = None, *, threads: int = 1) -> None:
        self._threads = threads
        self._path = None if path is None else Path(path)
        self._loaded: dict[int, _native.Model] = {}
        if self._path is not None:
            model = self._load(self._path)
            self._loaded[int(model.metadata("fps") or 0)] = model

    def _load(self, path: Path) -> _native.Model:
        return _native.Model(str(path), onnxruntime_library(), self._threads)

    def _native_model(self, fps: int | None) -> _native.Model:
        if self._path is None:
            wanted = fps or BUNDLED_FPS[0]
            if wanted not in self._loaded:
                self._loaded[wanted] = self._load(bundled_model(wanted))
            return self._loaded[wanted]
        (own, model), *_ = self._loaded.items()
        if fps not in (None, own):
            raise ModelError(
                f"{self._path} is made for {own} frames a second, not {fps}; leave fps out or "
                f"use a model for {fps}."
            )
        return model

    def metadata(self, fps: int | None = None) -> dict[str, str]:
        """All that the model file says about itself, key by key."""
        model = self._native_model(fps)
        keys = (model.metadata(None) or "").split()
        return {key: model.metadata(key) or "" for key in keys}

    def stream(
        self,
        sample_rate: int,
        channels: int = 1,
        fps: int | None = None,
        *,
        worker: bool = False,
        buffer_seconds: float = 0.5,
        keep_seconds: float = 10.0,
        preset: str | Path | None = None,
        controls: Controls | None = None,
    ) -> Stream:
        """Start a voice at `sample_rate` Hz (8000-192000) with `channels` interleaved channels.

        worker: compute on a thread of the library's own. buffer_seconds: audio held until it is
        computed. keep_seconds: frames held until they are read. preset (a shipped one's name or
        a JSON file) or controls: how the voice moves the face from the first frame on.
        """
        return Stream(
            self._native_model(fps),
            sample_rate,
            channels,
            fps or 0,
            worker=worker,
            buffer_seconds=buffer_seconds,
            keep_seconds=keep_seconds,
            controls=choose_controls(preset, controls),
        )

    def animate(
        self,
        audio: str | Path | npt.ArrayLike,
        fps: int | None = None,
        *,
        sample_rate: int | None = None,
        preset: str | Path | None = None,
        controls: Controls | None = None,
        retarget: Retarget | str | Path | None = None,
        progress: Progress | None = None,
    ) -> Animation:
        """Animate a whole recording: round(duration * fps) frames, frame k at k / fps seconds.

        audio: a path, or samples (n,) or (n, channels) with their `sample_rate` in Hz.
        preset or controls: how the voice moves the face; the preset "raw" leaves the model's words
        as they are. retarget: a map, a shipped one's name or a JSON file; weights then are
        those of the rig's own shapes.
        Raises AudioError when it cannot be read or lasts less than half a frame.
        """
        chosen = choose_controls(preset, controls)
        target = load_map(retarget) if isinstance(retarget, str | Path) else retarget
        if isinstance(audio, str | Path):
            with open_audio(audio) as recording:
                animation = self._animate(recording, fps, chosen, progress)
        elif sample_rate is None:
            raise AudioError("Samples need their sample_rate; a file brings its own.")
        else:
            animation = self._animate(as_recording(audio, sample_rate), fps, chosen, progress)
        return animation if target is None else apply_map(animation, target)

    def _animate(
        self,
        recording: Recording,
        fps: int | None,
        controls: Controls,
        progress: Progress | None,
    ) -> Animation:
        rate = recording.sample_rate
        stream = self.stream(rate, recording.channels, fps, controls=controls)
        parts = []
        done = 0
        for block in recording.blocks:
            stream.push(block)
            parts.append(stream.pull())
            done += len(block)
            if progress is not None and recording.length > 0:
                progress(min(1.0, done / recording.length))
        stream.flush()
        parts.append(stream.pull())
        own_fps = stream.info.fps
        # Half a frame upwards, in whole numbers: exact for hours.
        frames = (2 * done * own_fps + rate) // (2 * rate)
        if frames == 0:
            raise AudioError(
                f"The audio lasts {1000 * done / rate:.1f} ms, too short for one frame at "
                f"{own_fps} a second."
            )
        times = np.concatenate([part.times for part in parts])[:frames]
        weights = np.concatenate([part.weights for part in parts])[:frames]
        return Animation(times, weights, COEFFICIENTS, own_fps)
