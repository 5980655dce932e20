"""Evaluation: metrics of a model or checkpoint on captured recordings.

Each correlation has a mismatch control: the same with the capture of another recording, see
`metrics.mismatch_controls`.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koemorph import Model
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.model import find_model

from .audio_degradation import CONDITIONS
from .cache import FeatureCache, TrackFeatures
from .checkpoints import load_checkpoint
from .datasets.durations import read_matching_audio, warn_length_mismatch
from .datasets.recordings import Recording, find_recordings, read_recording, resample_recording
from .datasets.timecode import apply_timecode
from .expression import expression_backend
from .lip_mesh import LipMesh
from .metrics import (
    amplitude,
    correlation,
    jitter,
    lag,
    masked_mean,
    mean_absolute_error,
    mean_over_recordings,
    mismatch_controls,
    over_unbroken_runs,
    pause_metrics,
    per_blendshape,
    relative,
    speech_frames,
)
from .phone_metrics import HEIGHT, Phones, articulation_metrics, parse_phones, strip_stress
from .predict import animate
from .styles import set_style

FloatArray = NDArray[np.float32]
# From mono samples (n,) and their rate in Hz to weights (T, 52) at the frame rate of the model.
Animate = Callable[[FloatArray, int], FloatArray]
JAW = INDEX["jawOpen"]
MESH_FRAMES = 1000  # processed at once: the lip vertices of an hour would not fit into memory
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunnableModel:
    """A model or checkpoint.

    Attributes:
        fps: its frame rate.
        animate: runs it without post-processing.
    """

    fps: int
    animate: Animate


@dataclass(frozen=True)
class EvaluationClip:
    """A recording at the frame rate of the model.

    Attributes:
        name: of the recording.
        audio: (n,) mono samples.
        sample_rate: in Hz.
        target: (T, 52), NaN for blend shapes without labels and frames without a captured face.
        speech: (T,) bool, see `metrics.speech_frames`.
        mel: (T, bands).
        subject: who speaks; "" if unknown.
        phones: () if unknown.
    """

    name: str
    audio: FloatArray
    sample_rate: int
    target: FloatArray
    speech: NDArray[np.bool_]
    mel: FloatArray
    subject: str = ""
    phones: Phones = ()


@dataclass(frozen=True)
class Report:
    """All metrics.

    Attributes:
        summary: metrics of all blend shapes together.
        blendshapes: metrics of each labelled blend shape.
        robustness: metrics of each condition of degraded audio.
    """

    summary: dict[str, float]
    blendshapes: dict[str, dict[str, float]]
    robustness: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Convert to JSON values; NaN becomes None."""

        def clean(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: clean(each) for key, each in value.items()}
            return None if np.isnan(value) else round(value, 6)

        return {
            "summary": clean(self.summary),
            "blendshapes": clean(self.blendshapes),
            "robustness": clean(self.robustness),
        }


def open_model(model: Path, style: str | None = None) -> RunnableModel:
    """Open a model with the native core, or a checkpoint with PyTorch.

    Args:
        model: name of a bundled model, an .onnx file or a .safetensors checkpoint.
        style: of a checkpoint, see `styles.set_style`.

    Returns:
        The model.

    Raises:
        DataError: a style for an .onnx file, which has one style only (style_of_model).
        ModelError: the model cannot be loaded.
    """
    path = find_model(model)
    if path.suffix == ".onnx":
        if style is not None:
            raise DataError(
                f"--style {style}: {path.name} has one style. Use --style with a checkpoint.",
                code="style_of_model",
            )
        core = Model(path)
        return RunnableModel(
            int(core.metadata()["fps"]),
            lambda audio, rate: core.animate(audio, sample_rate=rate, preset="raw").weights,
        )
    checkpoint = load_checkpoint(path)
    network, settings = checkpoint.network(), checkpoint.description.features
    set_style(network, style)
    backend = expression_backend(checkpoint.description.expression_features)

    def run(audio: FloatArray, sample_rate: int) -> FloatArray:
        with FeatureCache.temporary(settings, backend) as cache:
            return animate(network, cache.load(audio, sample_rate))

    return RunnableModel(settings.fps, run)


def read_evaluation_clips(
    data: Path, fps: int, phones: Mapping[str, Phones]
) -> list[EvaluationClip]:
    """Read all recordings under a folder.

    Args:
        data: the folder.
        fps: frame rate of the model.
        phones: of recordings by name; others may have them in their metadata.json.

    Returns:
        The clips.

    Raises:
        AudioError, DataError: a recording cannot be read.
    """
    settings = FeatureSettings.for_fps(fps)
    clips = []
    with FeatureCache.temporary(settings, expression_backend("none")) as cache:
        for path in find_recordings(data):
            recording = apply_timecode(read_recording(path))
            audio, sample_rate = read_matching_audio(recording, fps)
            warn_length_mismatch(path, recording, len(audio) / sample_rate)
            features: TrackFeatures = cache.load(audio, sample_rate)
            face, captured = resample_recording(recording, fps, len(features))
            labelled = captured[:, None] & recording.capture.labelled
            clips.append(
                EvaluationClip(
                    recording.name,
                    audio,
                    sample_rate,
                    np.where(labelled, face, np.float32(np.nan)),
                    speech_frames(features),
                    np.array(features.mel),
                    recording.subject,
                    phones.get(recording.name) or _metadata_phones(recording),
                )
            )
    return clips


def _metadata_phones(recording: Recording) -> Phones:
    """The phones in a recording's metadata.json, if any."""
    try:
        return parse_phones(recording.metadata.get("phones", ()))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{recording.audio.parent / 'metadata.json'}: phones must be a list of "
            f"[phone, start, end] ({error}).",
            code="invalid_phones",
        ) from error


def evaluate(
    model: RunnableModel,
    clips: Sequence[EvaluationClip],
    lips: LipMesh | None = None,
    *,
    robustness: bool = False,
) -> Report:
    """Compute all metrics that the data allows.

    Args:
        model: the model.
        clips: at its frame rate.
        lips: for distances on a mesh, and lip closure.
        robustness: evaluate with degraded audio, too.

    Returns:
        The report; metrics of phones and of the mesh only where these are known.

    Raises:
        DataError: model and clip have different numbers of frames (frame_count).
    """
    outputs = [model.animate(clip.audio, clip.sample_rate) for clip in clips]
    for clip, output in zip(clips, outputs, strict=True):
        if len(output) != len(clip.target):
            raise DataError(
                f"{clip.name}: frame count mismatch: the model returned {len(output)} frames, the "
                f"capture has {len(clip.target)}.",
                code="frame_count",
            )
    blendshapes = _blendshape_metrics(outputs, clips, model.fps)
    summary = _summary(blendshapes)
    speech = [clip.speech for clip in clips]
    summary["silence_jaw_open"], summary["seconds_to_close"] = pause_metrics(
        outputs, speech, JAW, model.fps
    )
    if lips is not None:
        errors = [_lip_error(o, c.target, lips) for o, c in zip(outputs, clips, strict=True)]
        summary["lip_vertex_error_mm"] = masked_mean(np.concatenate(errors))
    if any(clip.phones for clip in clips):
        pairs = zip(outputs, clips, strict=True)
        spoken = [(clip.subject, output, clip.phones) for output, clip in pairs if clip.phones]
        _warn_unknown_phones([phone for *_, phones in spoken for phone, *_ in phones])
        summary |= articulation_metrics(spoken, model.fps, lips)
    return Report(summary, blendshapes, _robustness(model, clips) if robustness else {})


def _warn_unknown_phones(names: Sequence[str]) -> None:
    if not any(strip_stress(name) in HEIGHT for name in names):
        LOG.warning(
            "unknown phones: found %s, expected ARPAbet, such as AA. Closure, rounding and opening "
            "are not measured.",
            ", ".join(sorted(set(names))[:8]),
        )


def _lip_error(output: FloatArray, target: FloatArray, lips: LipMesh) -> FloatArray:
    """The maximum distance of lip vertices in mm, by labelled blend shapes, in each frame that has
    a label."""
    labelled = np.isfinite(target).any(axis=1)
    output, target = output[labelled], target[labelled]
    difference = np.where(np.isfinite(target), output - target, np.float32(0.0))
    maximum = np.empty(len(difference), np.float32)
    for first in range(0, len(difference), MESH_FRAMES):
        part = slice(first, first + MESH_FRAMES)
        distances = np.linalg.norm(lips.displacements(difference[part]), axis=2)
        maximum[part] = distances.max(axis=1)
    return maximum


def _blendshape_metrics(
    outputs: Sequence[FloatArray], clips: Sequence[EvaluationClip], fps: float
) -> dict[str, dict[str, float]]:
    targets = [clip.target for clip in clips]
    control = np.concatenate(mismatch_controls(targets))
    output, target = np.concatenate(outputs), np.concatenate(targets)
    speech = np.concatenate([clip.speech for clip in clips])
    columns = {
        "r_speech": per_blendshape(correlation, output[speech], target[speech]),
        "control_speech": per_blendshape(correlation, output[speech], control[speech]),
        "r": per_blendshape(correlation, output, target),
        "control": per_blendshape(correlation, output, control),
        "r_within": mean_over_recordings(correlation, outputs, targets),
        "mae": per_blendshape(mean_absolute_error, output, target),
        "lag_ms": 1000 * over_unbroken_runs(lambda a, b: lag(a, b, fps), outputs, targets),
        "jitter": over_unbroken_runs(lambda a, b: relative(jitter(a), jitter(b)), outputs, targets),
        "amplitude": per_blendshape(amplitude, output, target),
        "amplitude_within": mean_over_recordings(amplitude, outputs, targets),
    }
    return {
        BLENDSHAPES[index]: {name: float(values[index]) for name, values in columns.items()}
        for index in np.flatnonzero(np.isfinite(target).any(axis=0))
    }


def _summary(blendshapes: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    summary = {f"jawOpen_{key}": value for key, value in blendshapes.get("jawOpen", {}).items()}
    for key in ("r_speech", "control_speech", "r", "control", "r_within", "mae"):
        values = np.array([row[key] for row in blendshapes.values()])
        summary[f"mean_{key}"] = masked_mean(values)
    return summary


def _robustness(
    model: RunnableModel, clips: Sequence[EvaluationClip]
) -> dict[str, dict[str, float]]:
    """r of jawOpen in speech and in all frames, and jawOpen in pauses, with degraded audio."""
    target = np.concatenate([clip.target for clip in clips])[:, [JAW]]
    speech_of_clips = [clip.speech for clip in clips]
    speech = np.concatenate(speech_of_clips)
    rows = {}
    for name, degrade in CONDITIONS.items():
        outputs = [
            model.animate(degrade(clip.audio, clip.sample_rate, _rng(clip)), clip.sample_rate)
            for clip in clips
        ]
        output = np.concatenate(outputs)[:, [JAW]]
        rows[name] = {
            "silence_jaw_open": pause_metrics(outputs, speech_of_clips, JAW, model.fps)[0],
            "r_speech": float(per_blendshape(correlation, output[speech], target[speech])[0]),
            "r": float(per_blendshape(correlation, output, target)[0]),
        }
    return rows


def _rng(clip: EvaluationClip) -> np.random.Generator:
    """A generator seeded by the audio, so that noise does not depend on other recordings."""
    return np.random.default_rng(zlib.crc32(clip.audio.tobytes()))
