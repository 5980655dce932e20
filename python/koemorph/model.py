"""Models and streams: the C++ core under a Python surface."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.animation import Animation
from koemorph.audio import Recording, as_recording, open_audio
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls, choose_controls
from koemorph.stream_batch import StreamBatch
from koemorph.errors import AudioError, ModelError
from koemorph.features import FeatureSettings
from koemorph.outputs import as_text
from koemorph.retarget import Retarget, apply_map, load_map
from koemorph.stream import Stream

# Called with the share of the work that is done, 0..1.
Progress = Callable[[float], None]

MODELS = Path(__file__).parent / "models"
BUNDLED_FPS = (30, 60)
_BUNDLED = "koemorph-"


def onnxruntime_library() -> str:
    """Path of the ONNX Runtime library inside the installed onnxruntime package, "" without one."""
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or not spec.submodule_search_locations:
        return ""
    folder = Path(spec.submodule_search_locations[0]) / "capi"
    names = ("libonnxruntime.so*", "libonnxruntime*.dylib", "onnxruntime.dll")
    return next((str(path) for name in names for path in sorted(folder.glob(name))), "")


def bundled_models() -> dict[str, Path]:
    """The models that ship, by name: "30", "60", and styles of them like "30-fast"."""
    found = sorted(MODELS.glob(f"{_BUNDLED}*.onnx"), key=lambda path: path.stem)
    return {path.stem.removeprefix(_BUNDLED): path for path in found}


def bundled_model(name: int | str) -> Path:
    """The model that ships under this name, or plainly for so many frames a second.

    Raises ModelError where there is none.
    """
    bundled = bundled_models()
    if str(name) not in bundled:
        raise ModelError(
            f'No model called "{name}" is bundled; choose one of {", ".join(bundled)}, or give '
            "the path of your own .onnx file."
        )
    return bundled[str(name)]


def find_model(model: str | Path) -> Path:
    """The file that a bundled model's name or a path stands for.

    A text without a dot or slash is a name; ModelError when no model that ships is called so.
    """
    text = str(model)
    return Path(model) if Path(text).suffix or Path(text).name != text else bundled_model(text)


class Model:
    """A model that animates voices; may be shared by any number of streams and threads.

    path: the name of a bundled model (`koemorph info` lists them) or an .onnx file made by
    `koemorph export`; None takes the bundled "30" or "60", as the frames a second that are asked
    for.
    Raises ModelError when it is missing or no KoeMorph model, or without ONNX Runtime.
    """

    def __init__(self, path: str | Path | None = None, *, threads: int = 1) -> None:
        self._threads = threads
        self._path = None if path is None else find_model(path)
        self._loaded: dict[int, _native.Model] = {}
        if self._path is not None:
            model = self._load(self._path)
            self._loaded[int(model.metadata("fps") or 0)] = model

    def _load(self, path: Path) -> _native.Model:
        if as_text(path) != str(path):  # the core's sentences are UTF-8, and they name the file
            raise ModelError(f"The name of the model {path} is not UTF-8; rename it.")
        return _native.Model(str(path), onnxruntime_library(), self._threads)

    def _native_model(self, fps: int | None) -> _native.Model:
        if self._path is None:
            wanted = BUNDLED_FPS[0] if fps is None else fps
            if wanted not in BUNDLED_FPS:
                rates = " or ".join(map(str, BUNDLED_FPS))
                raise ModelError(
                    f"No model for {fps} frames a second is bundled; ask for {rates}, or give the "
                    "path of your own .onnx file."
                )
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
        history_seconds: float = 10.0,
        preset: str | Path | None = None,
        controls: Controls | None = None,
    ) -> Stream:
        """Start a voice at `sample_rate` Hz (8000-192000) with `channels` interleaved channels.

        worker: compute on a thread of the library's own. buffer_seconds: audio held until it is
        computed. history_seconds: frames held until they are read. preset (a shipped one's name or
        a JSON file) or controls: how the voice moves the face from the first frame on.
        """
        return Stream(
            self._native_model(fps),
            sample_rate,
            channels,
            fps or 0,
            worker=worker,
            buffer_seconds=buffer_seconds,
            history_seconds=history_seconds,
            controls=choose_controls(preset, controls),
        )

    def stream_batch(self, capacity: int = 64, fps: int | None = None) -> StreamBatch:
        """Room for up to `capacity` (1-1024) voices that are computed together."""
        return StreamBatch(self._native_model(fps), capacity)

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
        # A model without lookahead gives the frame at which the sound ends, too.
        frames = FeatureSettings.for_fps(own_fps).mel_config().frames_in(done, rate)
        times = np.concatenate([part.times for part in parts])[:frames]
        weights = np.concatenate([part.weights for part in parts])[:frames]
        if len(times) == 0:
            raise AudioError(
                f"The audio lasts {1000 * done / rate:.1f} ms, too short for one frame at "
                f"{own_fps} a second."
            )
        return Animation(times, weights, BLENDSHAPES, own_fps)
