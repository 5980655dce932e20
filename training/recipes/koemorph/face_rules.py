"""What no capture at hand can teach, as rules on phones and prosody; added to the teacher's face.

GRID's camera hardly sees the funnel, shrugs, dimples, upper lip and tongue, and does not know
whether lips touch. Every rule is a strength over time (a phone's presence, raised a little
before it and let go after it, as lips do) times an amount that looks right on a face.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from koemorph.blendshapes import BLENDSHAPES

from ...phones import BILABIAL, INDEX, LABIODENTAL, SILENCE, Phone, weights
from .articulatory_features import split_diphthongs
from .prosody import HOP, RATE

FloatArray = NDArray[np.floating]
# A webcam tracker is shy of these; a face that people watch needs them larger.
GAIN = {"mouthLowerDown": 1.5, "mouthStretch": 3.0, "mouthSmile": 1.0, "mouthRollLower": 1.5}
# Lips meet and part within this: a short vowel beside /p b m/ is still seen.
_LIPS_MEET = 0.04
_AFTER_SPEECH = 0.1
_BEFORE_SPEECH = 0.12
# Amount of each blendshape at full presence of a phone.
_SHAPES: Mapping[str, Mapping[str, float]] = {
    "mouthFunnel": {"UW": 0.18, "UH": 0.15, "AO": 0.3, "W": 0.22, "R": 0.16, "ER": 0.14,
                    "SH": 0.3, "ZH": 0.3, "CH": 0.26, "JH": 0.26},
    "mouthPucker": {"UW": 0.3, "UH": 0.15, "AO": 0.06, "W": 0.32, "R": 0.05},
    "mouthUpperUp": {"AA": 0.06, "AE": 0.1, "EH": 0.08, "IY": 0.07, "IH": 0.05, "S": 0.07,
                     "Z": 0.07, "F": 0.13, "V": 0.13, "SH": 0.06, "CH": 0.06},
    "mouthShrugUpper": {"SH": 0.08, "ZH": 0.08, "CH": 0.08, "JH": 0.08, "M": 0.06, "B": 0.06,
                        "P": 0.06},
    "mouthShrugLower": {"SH": 0.08, "ZH": 0.08, "M": 0.1, "B": 0.1, "P": 0.1, "F": 0.05, "V": 0.05},
    "mouthDimple": {"IY": 0.07, "EH": 0.04, "L": 0.05, "S": 0.03, "M": 0.02},
    "tongueOut": {"TH": 0.12, "DH": 0.1},
    "mouthRollLower": {"F": 0.25, "V": 0.22},
    "jawForward": {"SH": 0.05, "CH": 0.04, "F": 0.02},
}  # fmt: skip


@dataclass(frozen=True)
class Manner:
    """A style of speaking: how far mouth and brows move, and a smile while speaking."""

    mouth: float = 1.0
    brows: float = 1.0
    smile: float = 0.0


NEUTRAL = Manner()
# An actor who wants to be seen from the back row, and is glad to be there; set by eye.
LIVELY = Manner(mouth=1.35, brows=2.0, smile=0.12)


@dataclass(frozen=True)
class Moment:
    """What the rules hear: phones, and loudness and pitch every 10 ms (`loudness`, `pitch`)."""

    phones: Sequence[Phone]
    loudness: FloatArray
    pitch: FloatArray
    times: FloatArray


def columns(name: str) -> list[int]:
    """Indices of a blendshape, or of its left and right."""
    wanted = (name, f"{name}Left", f"{name}Right")
    return [index for index, known in enumerate(BLENDSHAPES) if known in wanted]


def presence(
    phones: Iterable[Phone], amounts: Mapping[str, float], times: FloatArray, ramp: float
) -> FloatArray:
    """Presence of the named phones at `times`, (T,): their amount inside, less within `ramp` s."""
    strength = np.zeros(len(times))
    for phone in phones:
        shares = weights(phone.name)
        amount = sum(amount * shares[INDEX[name]] for name, amount in amounts.items())
        if amount > 0:
            outside = np.maximum(np.maximum(phone.start - times, times - phone.end), 0)
            strength = np.maximum(strength, amount * np.clip(1 - outside / ramp, 0, 1))
    return strength


def closure(phones: Iterable[Phone], times: FloatArray) -> FloatArray:
    """How closed the lips are for /p b m/, (T,) in [0, 1]; full from start to release."""
    shut = [
        Phone(p.name, p.start, p.start + max(0.6 * (p.end - p.start), 0.03))
        if weights(p.name)[INDEX["M"]] == 0
        else p
        for p in phones
    ]
    return presence(shut, dict.fromkeys(BILABIAL, 1.0), times, ramp=_LIPS_MEET)


def speaking(phones: Iterable[Phone], times: FloatArray) -> FloatArray:
    """1 while a phone sounds, falling to exactly 0 around speech, (T,)."""
    active = np.zeros(len(times))
    for phone in phones:
        if phone.name != SILENCE:
            before = 1 - np.maximum(phone.start - times, 0) / _BEFORE_SPEECH
            after = 1 - np.maximum(times - phone.end, 0) / _AFTER_SPEECH
            active = np.maximum(active, np.clip(np.minimum(before, after), 0, 1))
    return active


def finish(
    face: NDArray[np.float32], heard: Moment, manner: Manner = NEUTRAL
) -> NDArray[np.float32]:
    """The taught face (T, 52), rest at zero, with the rules added: (T, 52) in [0, 1].

    In pauses every blendshape is exactly zero.
    """
    face = face.copy()
    phones = split_diphthongs([phone for phone in heard.phones if phone.name != SILENCE])
    for name, gain in GAIN.items():
        face[:, columns(name)] *= gain
    for name, amounts in _SHAPES.items():
        added = presence(phones, amounts, heard.times, ramp=0.09)
        face[:, columns(name)] = np.maximum(face[:, columns(name)], added[:, None])
    face *= manner.mouth
    face[:, columns("mouthSmile")] += manner.smile
    _close_lips(face, closure(phones, heard.times))
    biting = presence(phones, dict.fromkeys(LABIODENTAL, 1.0), heard.times, ramp=0.06)
    face[:, columns("jawOpen")] *= (1 - 0.4 * biting)[:, None]
    active = speaking(phones, heard.times)
    _move_brows(face, heard, manner.brows)
    face *= active[:, None]
    return np.clip(face, 0, 1)


def _close_lips(face: NDArray[np.float32], shut: FloatArray) -> None:
    """Bilabials: the lips meet whatever the jaw does, and press a little."""
    (jaw,), (close,) = columns("jawOpen"), columns("mouthClose")
    face[:, jaw] *= 1 - 0.35 * shut
    face[:, close] = np.maximum(face[:, close] * (1 - shut), shut * face[:, jaw])
    for name, kept in (("mouthLowerDown", 0.0), ("mouthUpperUp", 0.0), ("mouthFunnel", 0.3)):
        face[:, columns(name)] *= (1 - (1 - kept) * shut)[:, None]
    for name, amount in (("mouthPress", 0.15), ("mouthRollLower", 0.1), ("mouthRollUpper", 0.08)):
        face[:, columns(name)] = np.maximum(face[:, columns(name)], (amount * shut)[:, None])


def _move_brows(face: NDArray[np.float32], heard: Moment, strength: float) -> None:
    """Brows rise and lids widen with pitch accents; loud effort presses brows and lids."""
    grid = np.arange(len(heard.loudness)) * HOP / RATE
    voiced = np.where(heard.pitch != 0, heard.loudness, 0)
    high = gaussian_filter1d(np.maximum(heard.pitch - 1.0, 0) * voiced, 9) / 5
    effort = gaussian_filter1d(np.maximum(heard.loudness - 0.8, 0), 20)
    high = np.interp(heard.times, grid, np.clip(high, 0, 1), left=0, right=0)
    effort = np.interp(heard.times, grid, np.clip(effort * 3, 0, 1), left=0, right=0)
    moved = {
        "browInnerUp": 0.35 * high, "browOuterUp": 0.25 * high, "eyeWide": 0.15 * high,
        "browDown": 0.12 * effort * (1 - high), "eyeSquint": 0.12 * effort,
        "cheekSquint": 0.1 * effort + 0.3 * face[:, columns("mouthSmile")[0]],
        "noseSneer": 0.06 * effort,
    }  # fmt: skip
    for name, curve in moved.items():
        face[:, columns(name)] = strength * curve[:, None]
