"""Sessions: about a minute of utterances, pauses and background sound, with a face.

Clips are shorter than the context windows of the model (8.5 s and 20 s), which sessions fill. Some
begin with speech, so that the first frames of a stream are trained too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample

from koemorph.blendshapes import BLENDSHAPES

from ... import synthetic_sounds
from ...datasets.utterances import SAMPLE_RATE, Utterance
from ...phones import Phone
from . import audio_augmentation, face_rules
from .articulatory_features import articulation_of
from .prosody import align_pauses, loudness, pitch
from .teacher import SHAPES, Teacher

FPS = 30
SECONDS = 60.0
SPEAKING_RATES = (0.88, 1.14)
FORMANT_FACTORS = (0.84, 1.19)
# Pauses between utterances: probability, shortest and longest in seconds.
_PAUSES = ((0.2, 0.05, 0.2), (0.55, 0.2, 1.2), (0.2, 1.2, 3.0), (0.05, 3.0, 6.0))
_FACE_MARGIN = 0.5  # seconds before and after an utterance in which its face may move
Audio = NDArray[np.float32]
Face = NDArray[np.float32]
# The captured face of an utterance at seconds (T,) of its audio: (T, 52), NaN where it is not
# labelled, or None where there is no capture.
CapturedFace = Callable[[Utterance, NDArray[np.floating]], "Face | None"]


@dataclass(frozen=True)
class Session:
    """A recording to be written.

    Attributes:
        audio: (n,) at 16 kHz.
        face: (round(n / 16000 * FPS), 52).
        phones: in seconds of the audio.
        voices: who speaks.
    """

    audio: Audio
    face: Face
    phones: list[Phone]
    voices: list[str]

    def metadata(self) -> dict[str, Any]:
        """Collect the further keys of metadata.json."""
        phones = [[p.name, round(p.start, 3), round(p.end, 3)] for p in self.phones]
        return {"voices": self.voices, "phones": phones}


def no_capture(utterance: Utterance, times: NDArray[np.floating]) -> Face | None:
    """Return None, for sources without captures."""
    return None


def assemble_session(
    utterances: Iterator[Utterance],
    teacher: Teacher,
    rng: np.random.Generator,
    captured: CapturedFace = no_capture,
    *,
    seconds: float = SECONDS,
    clean: bool = False,
    style: face_rules.SpeakingStyle = face_rules.NEUTRAL,
) -> Session:
    """Assemble the next utterances of an iterator to a session.

    Each utterance gets its own speaking rate and vocal tract, the session its own room, microphone
    and level.

    Args:
        utterances: as many as needed are taken.
        teacher: makes the face.
        rng: draws pauses and augmentation.
        captured: captured faces, which are averaged with those of the teacher.
        seconds: minimum duration, if there are enough utterances.
        clean: no augmentation (for dev).
        style: of speaking.

    Returns:
        The session.
    """
    parts: list[tuple[float, _PreparedUtterance]] = []
    position = 0.0 if rng.random() < 0.3 else rng.uniform(0.2, 3.0)
    level_range = 0.0 if clean else rng.choice([3.0, 3.0, 10.0])
    for utterance in utterances:
        prepared = _prepare(utterance, rng, level_range, clean)
        parts.append((position, prepared))
        position += len(prepared.audio) / SAMPLE_RATE + _pause(rng)
        if position >= seconds:
            break
    n = int(position * SAMPLE_RATE)
    audio = np.zeros(n, np.float32)
    times = np.arange(round(n / SAMPLE_RATE * FPS)) / FPS
    face = np.zeros((len(times), len(BLENDSHAPES)), np.float32)
    phones: list[Phone] = []
    for start, prepared in parts:
        first = int(start * SAMPLE_RATE)
        audio[first : first + len(prepared.audio)] += prepared.audio[: n - first]
        end = start + len(prepared.audio) / SAMPLE_RATE
        near = (times > start - _FACE_MARGIN) & (times < end + _FACE_MARGIN)
        own = prepared.face(teacher, captured, times[near] - start, style)
        face[near] = np.maximum(face[near], own)
        phones += [Phone(p.name, start + p.start, start + p.end) for p in prepared.phones]
    if not clean:
        background = synthetic_sounds.background(n, rng)
        audio = audio_augmentation.simulate_recording(audio, background, rng)
    return Session(audio, face, phones, sorted({each.utterance.voice for _, each in parts}))


def non_speech_session(rng: np.random.Generator, seconds: float = SECONDS) -> Session:
    """Make a session without speech, with a face at rest: silence or background sounds.

    Args:
        rng: draws the sounds.
        seconds: duration.

    Returns:
        The session.
    """
    n = int(seconds * SAMPLE_RATE)
    level = rng.uniform(-75, -20)
    audio = audio_augmentation.set_level(synthetic_sounds.background(n, rng), level)
    if rng.random() < 0.15:
        audio = np.zeros(n, np.float32)
    face = np.zeros((round(seconds * FPS), len(BLENDSHAPES)), np.float32)
    return Session(np.clip(audio, -1, 1), face, [], [])


@dataclass(frozen=True)
class _PreparedUtterance:
    """An utterance at another speaking rate; `phones` are in seconds of `audio`."""

    utterance: Utterance
    speaking_rate: float
    audio: Audio
    phones: list[Phone]

    def face(
        self,
        teacher: Teacher,
        captured: CapturedFace,
        times: NDArray[np.floating],
        style: face_rules.SpeakingStyle,
    ) -> Face:
        """The face of the teacher, averaged with a captured one if there is one, with the rules."""
        face = teacher.predict(articulation_of(self.phones), self.audio, times)
        real = captured(self.utterance, times * self.speaking_rate)
        if real is not None:
            rest_pose = dict(zip(SHAPES, teacher.rest_pose, strict=True))
            for name in SHAPES:
                at = face_rules.columns(name)
                own = np.maximum(real[:, at].mean(1, keepdims=True) - rest_pose[name], 0)
                own = np.where(np.isnan(own), face[:, at], own)
                face[:, at] = 0.5 * face[:, at] + 0.5 * own
        context = face_rules.SpeechContext(
            self.phones, loudness(self.audio), pitch(self.audio), times
        )
        return face_rules.apply_rules(face, context, style)


def _prepare(
    utterance: Utterance, rng: np.random.Generator, level_range: float, clean: bool
) -> _PreparedUtterance:
    """The utterance with its own speaking rate, vocal tract and level (+- level_range dB)."""
    audio = utterance.load()
    phones = align_pauses(utterance.phones, audio)
    rate = 1.0
    if not clean:
        if rng.random() < 0.6:
            rate = float(rng.uniform(*SPEAKING_RATES))
            audio = resample(audio, int(len(audio) / rate)).astype(np.float32)
            phones = [Phone(p.name, p.start / rate, p.end / rate) for p in phones]
        if rng.random() < 0.6:
            factor = float(rng.uniform(*FORMANT_FACTORS))
            audio = audio_augmentation.shift_formants(audio, factor)
        level = -20 + float(rng.uniform(-level_range, level_range))
        audio = audio_augmentation.set_level(audio, level)
    return _PreparedUtterance(utterance, rate, audio, phones)


def _pause(rng: np.random.Generator) -> float:
    probabilities = [probability for probability, _, _ in _PAUSES]
    _, shortest, longest = _PAUSES[rng.choice(len(_PAUSES), p=probabilities)]
    return float(rng.uniform(shortest, longest))


def shuffle_by_voice(utterances: Sequence[Utterance], rng: np.random.Generator) -> list[Utterance]:
    """Order utterances by voice, each in random order, with three in ten at random places.

    The random places give sessions with several voices, as in dialogue.

    Args:
        utterances: of several voices.
        rng: draws the order.

    Returns:
        The utterances.
    """
    keys = {voice: rng.random() for voice in sorted({u.voice for u in utterances})}
    places = [(rng.random() if rng.random() < 0.3 else keys[u.voice]) for u in utterances]
    shuffled = rng.permutation(len(utterances))
    return [utterances[k] for k in sorted(shuffled, key=lambda k: places[k])]
