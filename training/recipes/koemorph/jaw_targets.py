"""Rule-based jaw motion of real voices, as one more training set of the teacher.

Two captured speakers do not have all phones, and a network also learns what is specific to them
(the smoothing of a camera, a grammar of six words). This set adds a speaker whose jaw follows the
order of sounds in the literature: vowels by their height (IPA chart), consonants by the height of
the jaw, /s/ highest, then /t d/, /n l/, and /k h/ with little effect. Only the jaw is labelled.

Source:
    Keating, Lindblom, Lubker & Kreiman 1994, "Variability in jaw height for segments in English and
    Swedish VCVs".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from koemorph.blendshapes import BLENDSHAPES

from ...datasets.utterances import SAMPLE_RATE, Utterance
from ...phones import PHONES, Phone, sample_phones
from .articulatory_features import articulation_of, split_diphthongs
from .face_rules import columns
from .prosody import HOP, align_pauses, loudness
from .teacher import SHAPES, TeacherClip

SOURCE = "phonetics"
FPS = 30
# Jaw opening of each phone, relative to the most open vowel.
_OPENING = {
    "AA": 1.0, "AE": 0.95, "AO": 0.75, "EH": 0.7, "AH": 0.65, "IH": 0.45, "ER": 0.4, "UH": 0.35,
    "IY": 0.3, "UW": 0.25, "HH": 0.45, "L": 0.35, "K": 0.3, "G": 0.3, "NG": 0.3, "TH": 0.25,
    "DH": 0.25, "N": 0.25, "R": 0.25, "T": 0.2, "D": 0.2, "Y": 0.2, "SH": 0.12, "ZH": 0.12,
    "CH": 0.12, "JH": 0.12, "S": 0.1, "Z": 0.1, "W": 0.1, "F": 0.08, "V": 0.08,
    "P": 0.0, "B": 0.0, "M": 0.0,
}  # fmt: skip
_PHONE_OPENING = np.array([_OPENING.get(name, 0.0) for name in PHONES])
_MAX_JAW_OPEN = 0.35  # jawOpen of the most open vowel in loud speech
_STEP = 0.01  # seconds
_COARTICULATION = 0.06  # seconds, sigma of a Gaussian
_LOUDNESS_DEPTH = 0.5  # by how much of the opening a quiet voice is reduced


def jaw_opening(
    phones: Sequence[Phone], samples: NDArray[np.floating], times: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Compute jawOpen of a voice by rule.

    Args:
        phones: of the voice, in order of time.
        samples: (n,) at 16 kHz.
        times: (T,) seconds.

    Returns:
        (T,).
    """
    grid = np.arange(0, len(samples) / SAMPLE_RATE + _STEP, _STEP)
    opening = sample_phones(split_diphthongs(phones), grid) @ _PHONE_OPENING
    level = loudness(samples)
    level = gaussian_filter1d(np.interp(grid, np.arange(len(level)) * HOP / SAMPLE_RATE, level), 3)
    gain = 1 - _LOUDNESS_DEPTH + _LOUDNESS_DEPTH * level
    smoothed = gaussian_filter1d(opening, _COARTICULATION / _STEP) * gain
    jaw: NDArray[np.float32] = (_MAX_JAW_OPEN * np.interp(times, grid, smoothed)).astype(np.float32)
    return jaw


def jaw_clip(utterance: Utterance) -> TeacherClip:
    """Make a training clip of an utterance; only the jaw is labelled.

    Args:
        utterance: with phones.

    Returns:
        The clip.
    """
    samples = utterance.load()
    phones = align_pauses(utterance.phones, samples)
    face = np.zeros((int(len(samples) / SAMPLE_RATE * FPS), len(BLENDSHAPES)), np.float32)
    times = np.arange(len(face)) / FPS
    face[:, columns("jawOpen")] = jaw_opening(phones, samples, times)[:, None]
    others = tuple(name for name in SHAPES if name != "jawOpen")
    return TeacherClip(utterance.name, SOURCE, articulation_of(phones), samples, face, FPS, others)
