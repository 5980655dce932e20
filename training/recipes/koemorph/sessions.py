"""Utterances strung together as play is: about a minute of voice, pauses and room, with its face.

Clips are short and play is long: a model that only hears clips never hears its 8.5 s and 20 s
windows full. Some begin with voice at once, so that a stream's first frames are learned too.
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
from .articulatory_features import mouth_of
from .audio_augmentation import Random, Sound
from .prosody import loudness, pitch, settle_pauses
from .teacher import LEARNED, Teacher

FPS = 30
SECONDS = 60.0
# (share, shortest, longest) of the pauses between utterances, seconds.
_PAUSES = ((0.2, 0.05, 0.2), (0.55, 0.2, 1.2), (0.2, 1.2, 3.0), (0.05, 3.0, 6.0))
Face = NDArray[np.float32]
# The captured face at given seconds of an utterance's own time, (T, 52), NaN where the capture
# cannot tell, or None: there is none.
Captured = Callable[[Utterance, NDArray[np.floating]], "Face | None"]


@dataclass(frozen=True)
class Session:
    """Sound (n,) at 16 kHz and face (round(n / 16000 * FPS), 52), with what was said."""

    sound: Sound
    face: Face
    phones: list[Phone]
    voices: list[str]

    def metadata(self) -> dict[str, Any]:
        """What its metadata.json says beyond the usual."""
        phones = [[p.name, round(p.start, 3), round(p.end, 3)] for p in self.phones]
        return {"voices": self.voices, "phones": phones}


def no_capture(utterance: Utterance, times: NDArray[np.floating]) -> Face | None:
    """For sources without faces."""
    return None


def string(
    utterances: Iterator[Utterance],
    teacher: Teacher,
    random: Random,
    captured: Captured = no_capture,
    *,
    seconds: float = SECONDS,
    clean: bool = False,
    manner: face_rules.Manner = face_rules.NEUTRAL,
) -> Session:
    """The next utterances of the iterator as one session of at least `seconds` (less at its end).

    Each utterance gets its own pace and vocal tract, each session its own room, microphone and
    level. `clean` leaves all that out (dev sets). `manner` is how its face speaks.
    """
    parts: list[tuple[float, _Spoken]] = []
    at = 0.0 if random.random() < 0.3 else random.uniform(0.2, 3.0)
    spread = 0.0 if clean else random.choice([3.0, 3.0, 10.0])
    for utterance in utterances:
        spoken = _speak(utterance, random, spread, clean)
        parts.append((at, spoken))
        at += len(spoken.sound) / SAMPLE_RATE + _pause(random)
        if at >= seconds:
            break
    n = int(at * SAMPLE_RATE)
    sound = np.zeros(n, np.float32)
    times = np.arange(round(n / SAMPLE_RATE * FPS)) / FPS
    face = np.zeros((len(times), len(BLENDSHAPES)), np.float32)
    phones: list[Phone] = []
    for start, spoken in parts:
        first = int(start * SAMPLE_RATE)
        sound[first : first + len(spoken.sound)] += spoken.sound[: n - first]
        near = (times > start - 0.5) & (times < start + len(spoken.sound) / SAMPLE_RATE + 0.5)
        shown = spoken.face(teacher, captured, times[near] - start, manner)
        face[near] = np.maximum(face[near], shown)
        phones += [Phone(p.name, start + p.start, start + p.end) for p in spoken.phones]
    if not clean:
        sound = audio_augmentation.record(sound, synthetic_sounds.background(n, random), random)
    return Session(sound, face, phones, sorted({s.utterance.voice for _, s in parts}))


def still(random: Random, seconds: float = SECONDS) -> Session:
    """Without voice, with a resting face: silence, breath, room noise, typing, music."""
    n = int(seconds * SAMPLE_RATE)
    loud = random.uniform(-75, -20)
    sound = audio_augmentation.to_level(synthetic_sounds.background(n, random), loud)
    if random.random() < 0.15:
        sound = np.zeros(n, np.float32)
    face = np.zeros((round(seconds * FPS), len(BLENDSHAPES)), np.float32)
    return Session(np.clip(sound, -1, 1), face, [], [])


@dataclass(frozen=True)
class _Spoken:
    """An utterance at its own pace; `phones` are in the seconds of `sound`."""

    utterance: Utterance
    pace: float
    sound: Sound
    phones: list[Phone]

    def face(
        self,
        teacher: Teacher,
        captured: Captured,
        times: NDArray[np.floating],
        manner: face_rules.Manner,
    ) -> Face:
        """The teacher's face, half of it the captured one where there is one, with the rules."""
        taught = teacher.label(mouth_of(self.phones), self.sound, times)
        real = captured(self.utterance, times * self.pace)
        if real is not None:
            rest = dict(zip(LEARNED, teacher.rest, strict=True))
            for name in LEARNED:
                at = face_rules.columns(name)
                shown = np.maximum(real[:, at].mean(1, keepdims=True) - rest[name], 0)
                shown = np.where(np.isnan(shown), taught[:, at], shown)
                taught[:, at] = 0.5 * taught[:, at] + 0.5 * shown
        heard = face_rules.Moment(self.phones, loudness(self.sound), pitch(self.sound), times)
        return face_rules.finish(taught, heard, manner)


def _speak(utterance: Utterance, random: Random, spread: float, clean: bool) -> _Spoken:
    """The utterance with its own pace (0.88 to 1.14), vocal tract and level (+- spread dB)."""
    sound = utterance.load()
    phones = settle_pauses(utterance.phones, sound)
    pace = 1.0
    if not clean:
        if random.random() < 0.6:
            pace = float(random.uniform(0.88, 1.14))
            sound = resample(sound, int(len(sound) / pace)).astype(np.float32)
            phones = [Phone(p.name, p.start / pace, p.end / pace) for p in phones]
        if random.random() < 0.6:
            sound = audio_augmentation.other_tract(sound, float(random.uniform(0.84, 1.19)))
        sound = audio_augmentation.to_level(sound, -20 + float(random.uniform(-spread, spread)))
    return _Spoken(utterance, pace, sound, phones)


def _pause(random: Random) -> float:
    shares = [share for share, _, _ in _PAUSES]
    _, shortest, longest = _PAUSES[random.choice(len(_PAUSES), p=shares)]
    return float(random.uniform(shortest, longest))


def order(utterances: Sequence[Utterance], random: Random) -> list[Utterance]:
    """Mostly one voice after the other, each in random order; three in ten anywhere (dialogue)."""
    keys = {voice: random.random() for voice in sorted({u.voice for u in utterances})}
    mixed = [(random.random() if random.random() < 0.3 else keys[u.voice]) for u in utterances]
    shuffled = random.permutation(len(utterances))
    return [utterances[k] for k in sorted(shuffled, key=lambda k: mixed[k])]
