"""Models: loading a `.onnx` file and animating audio with it."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph.animation import Animation
from koemorph.audio import AudioReader, ProblemHandler, open_audio
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls, choose_controls
from koemorph.edits import Edit, apply_edits
from koemorph.errors import AudioError, ModelError
from koemorph.features import FeatureSettings
from koemorph.outputs import as_text
from koemorph.player import Player
from koemorph.retarget import RetargetMap, apply_map, load_retarget_map
from koemorph.stream import Stream
from koemorph.stream_batch import StreamBatch

# Called with the finished ratio of the work, 0..1.
Progress = Callable[[float], None]

MODELS = Path(__file__).parent / "models"
DEFAULT_MODEL = "30"
_PREFIX = "koemorph-"
_LOG = logging.getLogger(__name__)


def onnxruntime_library() -> str:
    """Find the shared library inside the installed `onnxruntime` package.

    Returns:
        The library's path, or "" when the package is not installed.
    """
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or not spec.submodule_search_locations:
        return ""
    folder = Path(spec.submodule_search_locations[0]) / "capi"
    names = ("libonnxruntime.so*", "libonnxruntime*.dylib", "onnxruntime.dll")
    return next((str(path) for name in names for path in sorted(folder.glob(name))), "")


def bundled_models() -> dict[str, Path]:
    """List the bundled models.

    Returns:
        Paths by name: "30", "60", and variants such as "30-fast", sorted by name.
    """
    found = sorted(MODELS.glob(f"{_PREFIX}*.onnx"), key=lambda path: path.stem)
    return {path.stem.removeprefix(_PREFIX): path for path in found}


def bundled_model(name: int | str) -> Path:
    """Return the path of a bundled model.

    Args:
        name: The model's name; an fps is the name of the standard model at that fps.

    Raises:
        ModelError: No bundled model has this name.
    """
    bundled = bundled_models()
    if str(name) not in bundled:
        raise ModelError(
            f'Model "{name}" is not bundled: the bundled models are {", ".join(bundled)}. '
            "Use one of them or the path of an .onnx file.",
            code="unknown_model",
        )
    return bundled[str(name)]


def find_model(model: str | Path) -> Path:
    """Return the path of a model given by name or path.

    Args:
        model: A bundled model's name (no dot and no slash in it), or a path.

    Raises:
        ModelError: No bundled model has this name.
    """
    text = str(model)
    return Path(model) if Path(text).suffix or Path(text).name != text else bundled_model(text)


class Model:
    """A loaded model. Any number of streams and threads may share it.

    Args:
        model: A bundled model's name (`koemorph info` lists them), or the path of an .onnx file
            that `koemorph export` wrote.
        threads: Threads for one inference of ONNX Runtime. The built-in inference uses one.

    Raises:
        ModelError: The file is missing or is not a KoeMorph model, or it contains an operator
            that only ONNX Runtime has and the package onnxruntime is not installed.
    """

    def __init__(self, model: str | Path = DEFAULT_MODEL, *, threads: int = 1) -> None:
        path = find_model(model)
        # The core's messages are UTF-8 and contain the path.
        if as_text(path) != str(path):
            raise ModelError(
                f"Cannot load model {path}: its path is not valid UTF-8. Rename the file.",
                code="path_not_utf8",
            )
        self._native = _native.Model(str(path), onnxruntime_library(), threads)
        self._fps = int(self._native.metadata("fps") or 0)
        _LOG.info("loaded model %s: %d fps, kernels %s", path, self._fps, _native.onnx_kernels()[0])

    @property
    def fps(self) -> int:
        """The model's frame rate, frames per second."""
        return self._fps

    def metadata(self) -> dict[str, str]:
        """Return all metadata of the model file, as text by key."""
        keys = (self._native.metadata(None) or "").split()
        return {key: self._native.metadata(key) or "" for key in keys}

    def stream(
        self,
        sample_rate: int,
        channels: int = 1,
        *,
        worker: bool = False,
        buffer_seconds: float = 0.5,
        history_seconds: float = 30.0,
        preset: str | Path | None = None,
        controls: Controls | None = None,
    ) -> Stream:
        """Create a stream.

        Args:
            sample_rate: Sample rate of the audio, 8000-192000 Hz.
            channels: Channels of the audio, 1-64; they are averaged.
            worker: Compute frames on a thread of the library instead of in `push`.
            buffer_seconds: Seconds of audio that are buffered until they are computed.
            history_seconds: Seconds of frames that are kept until they are read.
            preset: A bundled preset's name or the path of a JSON file; "raw" returns the model's
                output unchanged.  [default: natural]
            controls: Controls instead of a preset.

        Returns:
            The stream, at time 0.

        Raises:
            AudioError: `sample_rate` is out of range.
            DataError: Both `preset` and `controls` are given, or the preset is invalid.
            ValueError: Another argument is out of range.
        """
        return Stream(
            self._native,
            sample_rate,
            channels,
            worker=worker,
            buffer_seconds=buffer_seconds,
            history_seconds=history_seconds,
            controls=choose_controls(preset, controls),
        )

    def player(
        self,
        sample_rate: int = 0,
        channels: int = 1,
        *,
        worker: bool = False,
        preset: str | Path | None = None,
        controls: Controls | None = None,
    ) -> Player:
        """Create a player, which keeps a stream in sync with an audio source.

        Args:
            sample_rate: Sample rate of the audio, 8000-192000 Hz; 0 for that of the first block.
            channels: Channels of the audio, 1-64; they are averaged.
            worker: Compute frames on a thread of the library instead of in `Player.update`.
            preset: A bundled preset's name or the path of a JSON file; "raw" returns the model's
                output unchanged.  [default: natural]
            controls: Controls instead of a preset.

        Returns:
            The player, at time 0.

        Raises:
            AudioError: `sample_rate` is out of range.
            DataError: Both `preset` and `controls` are given, or the preset is invalid.
            ValueError: Another argument is out of range.
        """
        return Player(
            self._native,
            sample_rate,
            channels,
            worker=worker,
            controls=choose_controls(preset, controls),
        )

    def stream_batch(self, capacity: int = 64) -> StreamBatch:
        """Create a batch of streams that are computed together.

        Args:
            capacity: Largest number of streams, 1-1024.

        Raises:
            ValueError: `capacity` is out of range.
        """
        return StreamBatch(self._native, capacity)

    def animate(
        self,
        audio: str | Path | AudioReader | npt.ArrayLike,
        *,
        sample_rate: int | None = None,
        preset: str | Path | None = None,
        controls: Controls | None = None,
        edits: Sequence[Edit] = (),
        retarget: RetargetMap | str | Path | None = None,
        channel: int | None = None,
        on_problem: ProblemHandler | None = None,
        progress: Progress | None = None,
    ) -> Animation:
        """Animate a whole recording.

        Channels are averaged. Where they cancel each other, the loudest is used.

        Args:
            audio: The path of an audio file, a reader from `open_audio`, or samples (samples,) or
                (samples, channels): floats in [-1, 1], or signed integers at full scale.
            sample_rate: Sample rate of `audio` in Hz; only for samples.
            preset: A bundled preset's name or the path of a JSON file; "raw" returns the model's
                output unchanged.  [default: natural]
            controls: Controls instead of a preset.
            edits: Edits of single moments, applied after the controls and before the map; see
                `koemorph.edits.load_edits`.
            retarget: A retarget map, a bundled map's name or the path of a JSON file. The result
                then has the weights of the rig's own blend shapes.
            channel: The only channel to animate; 1 is the first. None for all.
            on_problem: Receives problems of a path or samples that leave audio to animate: an
                AudioError with the code damaged_audio (audio is missing) or integer_scale (floats
                are divided by the scale of integers). None raises the former and warns of the
                latter.
            progress: Called with the finished ratio of the work, 0..1.

        Returns:
            round(duration * fps) frames; frame k is at k / fps seconds.

        Raises:
            AudioError: The audio cannot be read, is damaged, or is shorter than half a frame.
            DataError: The preset or the map is invalid.
        """
        chosen = choose_controls(preset, controls)
        target = load_retarget_map(retarget) if isinstance(retarget, str | Path) else retarget
        if isinstance(audio, str | Path):
            with open_audio(audio, channel=channel, on_problem=on_problem) as reader:
                animation = self._animate(reader, chosen, progress)
        elif isinstance(audio, AudioReader):
            animation = self._animate(audio, chosen, progress)
        elif sample_rate is None:
            raise AudioError(
                "Cannot animate samples without a sample rate. Pass sample_rate in Hz.",
                code="missing_sample_rate",
            )
        else:
            reader = AudioReader.of_samples(
                audio, sample_rate, channel=channel, on_problem=on_problem
            )
            animation = self._animate(reader, chosen, progress)
        animation = apply_edits(animation, edits) if edits else animation
        return animation if target is None else apply_map(animation, target)

    def _animate(
        self, reader: AudioReader, controls: Controls, progress: Progress | None
    ) -> Animation:
        sample_rate = reader.sample_rate
        stream = self.stream(sample_rate, reader.channels, controls=controls)
        parts = []
        done = 0
        for block in reader.blocks:
            stream.push(block)
            parts.append(stream.pull())
            done += len(block)
            if progress is not None and reader.sample_count > 0:
                progress(min(1.0, done / reader.sample_count))
        stream.flush()
        parts.append(stream.pull())
        # A model without lookahead also computes the frame at the end of the audio.
        frames = FeatureSettings.for_fps(self.fps).mel_config().frames_in(done, sample_rate)
        times = np.concatenate([part.times for part in parts])[:frames]
        weights = np.concatenate([part.weights for part in parts])[:frames]
        if len(times) == 0:
            raise AudioError(
                f"The audio is too short: it lasts {1000 * done / sample_rate:.1f} ms, at least "
                f"{500 / self.fps:.1f} ms are needed for one frame at {self.fps} fps.",
                code="too_short",
            )
        return Animation(times, weights, BLENDSHAPES, self.fps)
