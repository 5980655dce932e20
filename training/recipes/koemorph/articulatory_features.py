"""Articulatory features of phones: the input of the teacher, the same for all languages.

Features instead of phone names let phones that are rare or absent in the captures (/ʃ ŋ ʊ/ in GRID)
share what is learned from others with the same articulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...phones import INDEX, PHONES, Phone, sample_phones

_FEATURES = """
silence vowel open front round bilabial labiodental dental alveolar palatal velar glottal
stop fricative nasal lateral rhotic glide voiced
"""
FEATURES = tuple(_FEATURES.split())
# From times (...) in seconds to features (..., len(FEATURES)), each in [0, 1].
Articulation = Callable[[NDArray[np.floating]], NDArray[np.float32]]
# Vowels: openness, frontness and roundness, each 0 to 1, after the IPA chart.
_VOWELS = {
    "AA": (1.0, 0.2, 0.0), "AE": (0.9, 0.9, 0.0), "AH": (0.6, 0.4, 0.0), "AO": (0.7, 0.0, 0.6),
    "EH": (0.6, 0.9, 0.0), "ER": (0.45, 0.4, 0.3), "IH": (0.25, 0.85, 0.0), "IY": (0.1, 1.0, 0.0),
    "UH": (0.25, 0.2, 0.7), "UW": (0.1, 0.1, 1.0),
}  # fmt: skip
_CONSONANTS = {
    "B": "bilabial stop voiced", "P": "bilabial stop", "M": "bilabial nasal voiced",
    "F": "labiodental fricative", "V": "labiodental fricative voiced",
    "TH": "dental fricative", "DH": "dental fricative voiced",
    "T": "alveolar stop", "D": "alveolar stop voiced", "N": "alveolar nasal voiced",
    "S": "alveolar fricative", "Z": "alveolar fricative voiced", "L": "alveolar lateral voiced",
    "SH": "palatal fricative", "ZH": "palatal fricative voiced",
    "CH": "palatal stop fricative", "JH": "palatal stop fricative voiced",
    "K": "velar stop", "G": "velar stop voiced", "NG": "velar nasal voiced",
    "HH": "glottal fricative", "R": "rhotic voiced", "W": "glide round voiced",
    "Y": "glide front voiced",
}  # fmt: skip
# Diphthongs are two vowels in sequence.
_DIPHTHONGS = {
    "AW": ("AA", "UH"), "AY": ("AA", "IH"), "EY": ("EH", "IY"), "OW": ("AO", "UW"),
    "OY": ("AO", "IH"),
}  # fmt: skip
_FIRST_VOWEL_RATIO = 0.6  # of the duration


def _table() -> NDArray[np.float32]:
    table = np.zeros((len(PHONES), len(FEATURES)), np.float32)

    def assign(phone: str, feature: str, value: float = 1.0) -> None:
        table[INDEX[phone], FEATURES.index(feature)] = value

    assign("SIL", "silence")
    for phone, shape in _VOWELS.items():
        for feature, value in zip(("open", "front", "round"), shape, strict=True):
            assign(phone, feature, value)
        assign(phone, "vowel")
        assign(phone, "voiced")
    for phone, features in _CONSONANTS.items():
        for feature in features.split():
            assign(phone, feature)
    for phone, (first, second) in _DIPHTHONGS.items():
        table[INDEX[phone]] = (table[INDEX[first]] + table[INDEX[second]]) / 2
    return table


_TABLE = _table()


def split_diphthongs(phones: Sequence[Phone]) -> list[Phone]:
    """Replace each diphthong by its two vowels.

    Args:
        phones: in order of time.

    Returns:
        The phones without diphthongs.
    """
    parts: list[Phone] = []
    for phone in phones:
        vowels = _DIPHTHONGS.get(phone.name)
        if vowels is None:
            parts.append(phone)
            continue
        middle = phone.start + _FIRST_VOWEL_RATIO * (phone.end - phone.start)
        parts.append(Phone(vowels[0], phone.start, middle))
        parts.append(Phone(vowels[1], middle, phone.end))
    return parts


def sample_features(phones: Sequence[Phone], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """Compute the articulatory features at given times.

    Args:
        phones: in order of time.
        times: (...) seconds.

    Returns:
        (..., len(FEATURES)), each in [0, 1].
    """
    features: NDArray[np.float32] = sample_phones(split_diphthongs(phones), times) @ _TABLE
    return features


def articulation_of(phones: Sequence[Phone]) -> Articulation:
    """Make a function of time of phones, see `sample_features`.

    Args:
        phones: in order of time.
    """
    return partial(sample_features, phones)
