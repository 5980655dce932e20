"""What phonetics knows of the jaw, as one more capture for the teacher.

Two captured talkers are few: their phones are not all there, and what is theirs alone (a camera's
smoothing, a grammar of six words) is learned along. Beside them stands a talker who moves the jaw
as the literature orders sounds: vowels by their height (IPA chart), consonants by how high they
hold the jaw: /s/ highest, then /t d/, then /n l/, /k h/ hardly at all (Keating, Lindblom, Lubker &
Kreiman 1994, "Variability in jaw height for segments in English and Swedish VCVs"). Only the jaw
is taught so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from koemorph.blendshapes import BLENDSHAPES

from ...datasets.utterances import Utterance
from ...phones import PHONES, Phone, sample
from .articulatory_features import mouth_of, split_diphthongs
from .face_rules import columns
from .prosody import HOP, RATE, loudness, settle_pauses
from .teacher import LEARNED, Clip

SOURCE = "phonetics"
FPS = 30
# How far the jaw opens, of the most open vowel.
_OPEN = {
    "AA": 1.0, "AE": 0.95, "AO": 0.75, "EH": 0.7, "AH": 0.65, "IH": 0.45, "ER": 0.4, "UH": 0.35,
    "IY": 0.3, "UW": 0.25, "HH": 0.45, "L": 0.35, "K": 0.3, "G": 0.3, "NG": 0.3, "TH": 0.25,
    "DH": 0.25, "N": 0.25, "R": 0.25, "T": 0.2, "D": 0.2, "Y": 0.2, "SH": 0.12, "ZH": 0.12,
    "CH": 0.12, "JH": 0.12, "S": 0.1, "Z": 0.1, "W": 0.1, "F": 0.08, "V": 0.08,
    "P": 0.0, "B": 0.0, "M": 0.0,
}  # fmt: skip
_HELD = np.array([_OPEN.get(name, 0.0) for name in PHONES])
_MOST = 0.35  # jawOpen of the most open vowel, spoken loud
_GRID = 0.01  # seconds
_GLIDE = 0.06  # seconds: neighbouring sounds blend (a Gaussian's sigma)
_BY_LOUDNESS = 0.5  # share of the opening that a quiet voice does without


def jaw(
    phones: Sequence[Phone], samples: NDArray[np.floating], times: NDArray[np.floating]
) -> NDArray[np.float32]:
    """jawOpen at `times` (T,) of a voice at 16 kHz whose phones are known, (T,)."""
    grid = np.arange(0, len(samples) / RATE + _GRID, _GRID)
    held = sample(split_diphthongs(phones), grid) @ _HELD
    level = loudness(samples)
    loud = gaussian_filter1d(np.interp(grid, np.arange(len(level)) * HOP / RATE, level), 3)
    moved = gaussian_filter1d(held, _GLIDE / _GRID) * (1 - _BY_LOUDNESS + _BY_LOUDNESS * loud)
    opened: NDArray[np.float32] = (_MOST * np.interp(times, grid, moved)).astype(np.float32)
    return opened


def clip(utterance: Utterance) -> Clip:
    """An utterance as if it had been captured; it knows nothing but the jaw."""
    samples = utterance.load()
    phones = settle_pauses(utterance.phones, samples)
    face = np.zeros((int(len(samples) / RATE * FPS), len(BLENDSHAPES)), np.float32)
    times = np.arange(len(face)) / FPS
    face[:, columns("jawOpen")] = jaw(phones, samples, times)[:, None]
    others = tuple(name for name in LEARNED if name != "jawOpen")
    return Clip(utterance.name, SOURCE, mouth_of(phones), samples, face, FPS, others)
