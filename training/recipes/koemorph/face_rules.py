"""Rules on phones and prosody, for what the available captures cannot teach; applied to the face of
the teacher.

GRID's camera hardly captures funnel, shrugs, dimples, upper lip and tongue, nor whether lips touch.
A rule is the presence of a phone over time, with a ramp before and after, times a weight that was
set by eye.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from koemorph.blendshapes import BLENDSHAPES

from ...datasets.utterances import SAMPLE_RATE
from ...phones import BILABIAL, INDEX, LABIODENTAL, SILENCE, Phone, phone_weights
from .articulatory_features import split_diphthongs
from .prosody import HOP

FloatArray = NDArray[np.floating]
# Webcam trackers underestimate these.
GAIN = {"mouthLowerDown": 1.5, "mouthStretch": 3.0, "mouthSmile": 1.0, "mouthRollLower": 1.5}
# Seconds of closing and opening: short enough for a short vowel beside /p b m/ to be visible.
_LIP_RAMP = 0.04
_SPEECH_RELEASE = 0.1  # seconds after speech
_SPEECH_ATTACK = 0.12  # seconds before speech
# Weight of each blend shape at full presence of a phone.
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
class SpeakingStyle:
    """A style of speaking.

    Attributes:
        mouth: factor of mouth motion.
        brows: factor of brow and lid motion.
        smile: weight of a constant smile while speaking.
    """

    mouth: float = 1.0
    brows: float = 1.0
    smile: float = 0.0


NEUTRAL = SpeakingStyle()
# Exaggerated and smiling; set by eye.
LIVELY = SpeakingStyle(mouth=1.35, brows=2.0, smile=0.12)


@dataclass(frozen=True)
class SpeechContext:
    """What the rules depend on.

    Attributes:
        phones: in order of time.
        loudness: every 10 ms, see `prosody.loudness`.
        pitch: every 10 ms, see `prosody.pitch`.
        times: (T,) seconds of the frames.
    """

    phones: Sequence[Phone]
    loudness: FloatArray
    pitch: FloatArray
    times: FloatArray


def columns(name: str) -> list[int]:
    """Find the columns of a blend shape, or of its left and right.

    Args:
        name: such as jawOpen, or mouthSmile for both sides.

    Returns:
        Indices in BLENDSHAPES.
    """
    names = (name, f"{name}Left", f"{name}Right")
    return [index for index, known in enumerate(BLENDSHAPES) if known in names]


def presence(
    phones: Iterable[Phone], amounts: Mapping[str, float], times: FloatArray, ramp: float
) -> FloatArray:
    """Compute the presence of some phones over time.

    Args:
        phones: of the voice.
        amounts: presence inside of each phone that counts.
        times: (T,) seconds.
        ramp: seconds before and after a phone in which its presence rises and falls.

    Returns:
        (T,), the maximum over phones.
    """
    result = np.zeros(len(times))
    for phone in phones:
        weights = phone_weights(phone.name)
        amount = sum(amount * weights[INDEX[name]] for name, amount in amounts.items())
        if amount > 0:
            distance = np.maximum(np.maximum(phone.start - times, times - phone.end), 0)
            result = np.maximum(result, amount * np.clip(1 - distance / ramp, 0, 1))
    return result


def lip_closure(phones: Iterable[Phone], times: FloatArray) -> FloatArray:
    """Compute how closed the lips are for /p b m/: fully from the start of a phone to its release.

    Args:
        phones: of the voice.
        times: (T,) seconds.

    Returns:
        (T,) in [0, 1].
    """
    closed = [
        Phone(p.name, p.start, p.start + max(0.6 * (p.end - p.start), 0.03))
        if phone_weights(p.name)[INDEX["M"]] == 0
        else p
        for p in phones
    ]
    return presence(closed, dict.fromkeys(BILABIAL, 1.0), times, ramp=_LIP_RAMP)


def speech_envelope(phones: Iterable[Phone], times: FloatArray) -> FloatArray:
    """Compute an envelope of speech: 1 during phones, falling to exactly 0 around them.

    Args:
        phones: of the voice.
        times: (T,) seconds.

    Returns:
        (T,) in [0, 1].
    """
    envelope = np.zeros(len(times))
    for phone in phones:
        if phone.name != SILENCE:
            attack = 1 - np.maximum(phone.start - times, 0) / _SPEECH_ATTACK
            release = 1 - np.maximum(times - phone.end, 0) / _SPEECH_RELEASE
            envelope = np.maximum(envelope, np.clip(np.minimum(attack, release), 0, 1))
    return envelope


def apply_rules(
    face: NDArray[np.float32], context: SpeechContext, style: SpeakingStyle = NEUTRAL
) -> NDArray[np.float32]:
    """Apply the rules to a face.

    Args:
        face: (T, 52), of the teacher, relative to the rest pose.
        context: of the speech.
        style: of speaking.

    Returns:
        (T, 52) in [0, 1]; exactly 0 in pauses.
    """
    face = face.copy()
    phones = split_diphthongs([phone for phone in context.phones if phone.name != SILENCE])
    for name, gain in GAIN.items():
        face[:, columns(name)] *= gain
    for name, amounts in _SHAPES.items():
        added = presence(phones, amounts, context.times, ramp=0.09)
        face[:, columns(name)] = np.maximum(face[:, columns(name)], added[:, None])
    face *= style.mouth
    face[:, columns("mouthSmile")] += style.smile
    _close_lips(face, lip_closure(phones, context.times))
    labiodental = presence(phones, dict.fromkeys(LABIODENTAL, 1.0), context.times, ramp=0.06)
    face[:, columns("jawOpen")] *= (1 - 0.4 * labiodental)[:, None]
    envelope = speech_envelope(phones, context.times)
    _move_brows(face, context, style.brows)
    face *= envelope[:, None]
    return np.clip(face, 0, 1)


def _close_lips(face: NDArray[np.float32], closure: FloatArray) -> None:
    """Make the lips meet at any jaw opening, and press a little."""
    (jaw,), (close,) = columns("jawOpen"), columns("mouthClose")
    face[:, jaw] *= 1 - 0.35 * closure
    face[:, close] = np.maximum(face[:, close] * (1 - closure), closure * face[:, jaw])
    for name, kept in (("mouthLowerDown", 0.0), ("mouthUpperUp", 0.0), ("mouthFunnel", 0.3)):
        face[:, columns(name)] *= (1 - (1 - kept) * closure)[:, None]
    for name, amount in (("mouthPress", 0.15), ("mouthRollLower", 0.1), ("mouthRollUpper", 0.08)):
        face[:, columns(name)] = np.maximum(face[:, columns(name)], (amount * closure)[:, None])


def _move_brows(face: NDArray[np.float32], context: SpeechContext, strength: float) -> None:
    """Raise brows and lids on pitch accents; lower brows and narrow lids in loud speech."""
    grid = np.arange(len(context.loudness)) * HOP / SAMPLE_RATE
    voiced = np.where(context.pitch != 0, context.loudness, 0)
    accent = gaussian_filter1d(np.maximum(context.pitch - 1.0, 0) * voiced, 9) / 5
    effort = gaussian_filter1d(np.maximum(context.loudness - 0.8, 0), 20)
    accent = np.interp(context.times, grid, np.clip(accent, 0, 1), left=0, right=0)
    effort = np.interp(context.times, grid, np.clip(effort * 3, 0, 1), left=0, right=0)
    curves = {
        "browInnerUp": 0.35 * accent, "browOuterUp": 0.25 * accent, "eyeWide": 0.15 * accent,
        "browDown": 0.12 * effort * (1 - accent), "eyeSquint": 0.12 * effort,
        "cheekSquint": 0.1 * effort + 0.3 * face[:, columns("mouthSmile")[0]],
        "noseSneer": 0.06 * effort,
    }  # fmt: skip
    for name, curve in curves.items():
        face[:, columns(name)] = strength * curve[:, None]
