"""Evaluation: the measures of a model, or a checkpoint, on captured recordings.

Every correlation stands beside its mismatch control: the same with the capture of another recording
(or the same capture, half its length later, where there is one recording only).
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
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from koemorph import Model
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.model import find_model

from .cache import FeatureCache, TrackFeatures
from .checkpoints import load_checkpoint
from .datasets.recordings import Recording, evenly, find_recordings, read_recording
from .datasets.sync import with_timecode
from .datasets.utterances import SAMPLE_RATE
from .expression import expression_backend
from .lip_mesh import Lips
from .metrics import (
    correlation,
    jitter,
    known_mean,
    lag,
    mean_absolute_error,
    mismatch_controls,
    of_recordings,
    per_blendshape,
    relative,
    silence,
    speech_frames,
)
from .phone_metrics import HEIGHT, Phones, articulation, as_phones, in_arpabet
from .predict import animate
from .styles import set_style
from .synthetic_sounds import music
from .tracks import read_sound, tell_lengths_apart

FloatArray = NDArray[np.float32]
Animate = Callable[[FloatArray, int], FloatArray]
"""Mono audio (n,) and its rate to curves (T, 52) at the model's frame rate."""
JAW = INDEX["jawOpen"]
MESH_FRAMES = 1000  # whose lips are in memory at a time: an hour's would not fit
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Player:
    """A model or checkpoint, and how to play it."""

    fps: int
    animate: Animate


@dataclass(frozen=True)
class Case:
    """One recording: its sound, its capture at the model's frame rate, who speaks ("" where that is
    not known), and its phones if known.

    target: (T, 52), NaN where a blendshape is not labelled, and in frames that were not captured.
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
    """All measures; `blendshapes` has a row of measures for each blendshape that is labelled."""

    summary: dict[str, float]
    blendshapes: dict[str, dict[str, float]]
    robustness: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For json.dumps; NaN becomes None."""

        def clean(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: clean(each) for key, each in value.items()}
            return None if np.isnan(value) else round(value, 6)

        return {
            "summary": clean(self.summary),
            "blendshapes": clean(self.blendshapes),
            "robustness": clean(self.robustness),
        }


def open_player(model: Path, style: str | None = None) -> Player:
    """A bundled model by its name or an .onnx file, played by the native core, or a .safetensors
    checkpoint, by torch.

    style: of a checkpoint, see `styles.set_style`; a model file has one style.
    """
    path = find_model(model)
    if path.suffix == ".onnx":
        if style is not None:
            raise DataError(f"{path.name} speaks one style; --style is for checkpoints.")
        core = Model(path)
        return Player(
            int(core.metadata()["fps"]),
            lambda audio, rate: core.animate(audio, sample_rate=rate, preset="raw").weights,
        )
    checkpoint = load_checkpoint(path)
    network, settings = checkpoint.network(), checkpoint.description.features
    set_style(network, style)
    backend = expression_backend(checkpoint.description.expression_features)

    def play(audio: FloatArray, rate: int) -> FloatArray:
        with FeatureCache.temporary(settings, backend) as cache:
            return animate(network, cache.load(audio, rate))

    return Player(settings.fps, play)


def read_cases(data: Path, fps: int, phones: Mapping[str, Phones]) -> list[Case]:
    """All recordings under a folder, at the model's frame rate."""
    settings = FeatureSettings.for_fps(fps)
    cases = []
    with FeatureCache.temporary(settings, expression_backend("none")) as cache:
        for path in find_recordings(data):
            recording = with_timecode(read_recording(path))
            audio, rate = read_sound(recording, fps)
            tell_lengths_apart(path, recording, len(audio) / rate)
            features: TrackFeatures = cache.load(audio, rate)
            face, seen = evenly(recording, fps, len(features))
            known = seen[:, None] & recording.capture.labelled
            target = np.where(known, face, np.float32(np.nan))
            cases.append(
                Case(
                    recording.name,
                    audio,
                    rate,
                    target,
                    speech_frames(features),
                    np.array(features.mel),
                    recording.subject,
                    phones.get(recording.name) or _own_phones(recording),
                )
            )
    return cases


def _own_phones(recording: Recording) -> Phones:
    """The phones that a recording's metadata.json names, if any."""
    try:
        return as_phones(recording.metadata.get("phones", ()))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{recording.audio.parent / 'metadata.json'}: phones must be a list of "
            f"[phone, start, end] ({error})."
        ) from error


def evaluate(
    player: Player, cases: Sequence[Case], lips: Lips | None = None, *, robustness: bool = False
) -> Report:
    """Every measure that the data allows; those that need phones or a mesh only where they are."""
    outputs = [player.animate(case.audio, case.sample_rate) for case in cases]
    for case, output in zip(cases, outputs, strict=True):
        if len(output) != len(case.target):
            raise DataError(
                f"{case.name}: {len(output)} frames were made of a capture of {len(case.target)}."
            )
    blendshapes = _blendshapes(outputs, cases, player.fps)
    summary = _summary(blendshapes)
    speeches = [case.speech for case in cases]
    summary["silence_jaw_open"], summary["seconds_to_close"] = silence(
        outputs, speeches, JAW, player.fps
    )
    if lips is not None:
        apart = [_lips_apart(o, c.target, lips) for o, c in zip(outputs, cases, strict=True)]
        summary["lip_vertex_error_mm"] = known_mean(np.concatenate(apart))
    if any(case.phones for case in cases):
        pairs = zip(outputs, cases, strict=True)
        spoken = [(case.subject, output, case.phones) for output, case in pairs if case.phones]
        _check_alphabet([phone for *_, phones in spoken for phone, *_ in phones])
        summary |= articulation(spoken, player.fps, lips)
    robust = _robustness(player, cases) if robustness else {}
    return Report(summary, blendshapes, robust)


def _check_alphabet(names: Sequence[str]) -> None:
    """Says where phones are written otherwise than the measures read them."""
    if not any(in_arpabet(name) in HEIGHT for name in names):
        LOG.warning(
            "none of the phones is a vowel of ARPAbet, such as AA (there are %s): write them so, "
            "for closure, rounding and opening to be measured.",
            ", ".join(sorted(set(names))[:8]),
        )


def _lips_apart(output: FloatArray, target: FloatArray, lips: Lips) -> FloatArray:
    """Millimetres between the vertices of the lips that are furthest apart, by what is labelled, in
    each frame that has a label."""
    known = np.isfinite(target).any(axis=1)
    output, target = output[known], target[known]
    away = np.where(np.isfinite(target), output - target, np.float32(0.0))
    furthest = np.empty(len(away), np.float32)
    for first in range(0, len(away), MESH_FRAMES):
        part = slice(first, first + MESH_FRAMES)
        furthest[part] = np.linalg.norm(lips.vertices(away[part]), axis=2).max(axis=1)
    return furthest


def _blendshapes(
    outputs: Sequence[FloatArray], cases: Sequence[Case], fps: float
) -> dict[str, dict[str, float]]:
    targets = [case.target for case in cases]
    control = np.concatenate(mismatch_controls(targets))
    output, target = np.concatenate(outputs), np.concatenate(targets)
    speech = np.concatenate([case.speech for case in cases])

    def each(measure: Callable[[FloatArray, FloatArray], Any], pick: Any = slice(None)) -> Any:
        return per_blendshape(measure, output[pick], target[pick])

    def within(measure: Callable[[Sequence[FloatArray], Sequence[FloatArray]], Any]) -> Any:
        return of_recordings(measure, outputs, targets)

    columns = {
        "r_speech": each(correlation, speech),
        "control_speech": per_blendshape(correlation, output[speech], control[speech]),
        "r": each(correlation),
        "control": per_blendshape(correlation, output, control),
        "mae": each(mean_absolute_error),
        "lag_ms": 1000 * within(lambda a, b: lag(a, b, fps)),
        "jitter": within(lambda a, b: relative(jitter(a), jitter(b))),
        "amplitude": each(lambda a, b: relative(a.std(axis=0), b.std(axis=0))),
    }
    labelled = np.isfinite(target).any(axis=0)
    return {
        BLENDSHAPES[index]: {name: float(values[index]) for name, values in columns.items()}
        for index in np.flatnonzero(labelled)
    }


def _summary(blendshapes: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    summary = {f"jawOpen_{key}": value for key, value in blendshapes.get("jawOpen", {}).items()}
    for key in ("r_speech", "control_speech", "r", "control", "mae"):
        values = np.array([row[key] for row in blendshapes.values()])
        summary[f"mean_{key}"] = known_mean(values)
    return summary


def _robustness(player: Player, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """When the sound is worse: jawOpen r on speech and on all frames, and jawOpen in pauses."""
    target = np.concatenate([case.target for case in cases])[:, [JAW]]
    speeches = [case.speech for case in cases]
    speech = np.concatenate(speeches)
    rows = {}
    for name, worsen in CONDITIONS.items():
        outputs = [
            player.animate(worsen(case.audio, case.sample_rate, _draws(case)), case.sample_rate)
            for case in cases
        ]
        output = np.concatenate(outputs)[:, [JAW]]
        rows[name] = {
            "silence_jaw_open": silence(outputs, speeches, JAW, player.fps)[0],
            "r_speech": float(per_blendshape(correlation, output[speech], target[speech])[0]),
            "r": float(per_blendshape(correlation, output, target)[0]),
        }
    return rows


def _draws(case: Case) -> np.random.Generator:
    """What noise a recording gets: its own, whatever others stand before it."""
    return np.random.default_rng(zlib.crc32(case.audio.tobytes()))


Worsen = Callable[[FloatArray, int, np.random.Generator], FloatArray]


def _noise(decibels: float) -> Worsen:
    def worsen(audio: FloatArray, rate: int, rng: np.random.Generator) -> FloatArray:
        level = float(np.sqrt(np.mean(audio.astype(np.float64) ** 2))) * 10 ** (-decibels / 20)
        return (audio + level * rng.standard_normal(len(audio))).astype(np.float32)

    return worsen


def _quiet(audio: FloatArray, rate: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(audio * 0.1, np.float32)


def _telephone(audio: FloatArray, rate: int, rng: np.random.Generator) -> FloatArray:
    band = butter(4, [300, min(3400, 0.45 * rate)], "band", fs=rate, output="sos")
    return np.asarray(sosfilt(band, audio), np.float32)


def _reverberation(audio: FloatArray, rate: int, rng: np.random.Generator) -> FloatArray:
    """A room of 0.4 s, its tail as loud as half of the direct sound."""
    times = np.arange(round(0.4 * rate)) / rate
    tail = rng.standard_normal(len(times)) * np.exp(-6.9 * times / 0.4)
    tail *= 0.5 / np.sqrt((tail**2).sum())
    return np.asarray(audio + fftconvolve(audio, tail)[: len(audio)], np.float32)


def _hiss(audio: FloatArray, rate: int, rng: np.random.Generator) -> FloatArray:
    noise = rng.standard_normal(len(audio)) * 10 ** (-40 / 20)
    return (audio + noise).astype(np.float32)


def _music(audio: FloatArray, rate: int, rng: np.random.Generator) -> FloatArray:
    count = max(SAMPLE_RATE, round(len(audio) / rate * SAMPLE_RATE))
    played = resample_poly(music(count, rng), rate, SAMPLE_RATE)[: len(audio)]
    level = np.sqrt(np.mean(played**2)) + 1e-12
    played = np.resize(played, len(audio)) / level * 10 ** (-30 / 20)
    return np.asarray(audio + played, np.float32)


CONDITIONS: dict[str, Worsen] = {
    "noise, 20 dB": _noise(20.0),
    "noise, 10 dB": _noise(10.0),
    "noise, 5 dB": _noise(5.0),
    "20 dB quieter": _quiet,
    "telephone": _telephone,
    "reverberation": _reverberation,
    "noise at -40 dBFS": _hiss,
    "music at -30 dBFS": _music,
}
