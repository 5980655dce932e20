"""Phones as what the mouth does: the teacher's view of speech, the same for every language.

A few numbers a moment instead of a phone's name: phones that are rare or absent in the captures
(/ʃ ŋ ʊ/ in GRID) inherit from those that share their articulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...phones import INDEX, PHONES, Phone, sample

_FEATURES = """
silence vowel open front round bilabial labiodental dental alveolar palatal velar glottal
stop fricative nasal lateral rhotic glide voiced
"""
FEATURES = tuple(_FEATURES.split())
# What a mouth does at times (...,) in seconds: (..., len(FEATURES)), each in [0, 1].
Mouth = Callable[[NDArray[np.floating]], NDArray[np.float32]]
# Vowels: how open, how far front, how round, each 0 to 1 (after the IPA chart).
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
# Diphthongs are two vowels in a row; the first takes this share of the time.
_DIPHTHONGS = {
    "AW": ("AA", "UH"), "AY": ("AA", "IH"), "EY": ("EH", "IY"), "OW": ("AO", "UW"),
    "OY": ("AO", "IH"),
}  # fmt: skip
_FIRST_SHARE = 0.6


def _table() -> NDArray[np.float32]:
    table = np.zeros((len(PHONES), len(FEATURES)), np.float32)

    def put(phone: str, feature: str, value: float = 1.0) -> None:
        table[INDEX[phone], FEATURES.index(feature)] = value

    put("SIL", "silence")
    for phone, shape in _VOWELS.items():
        for feature, value in zip(("open", "front", "round"), shape, strict=True):
            put(phone, feature, value)
        put(phone, "vowel")
        put(phone, "voiced")
    for phone, features in _CONSONANTS.items():
        for feature in features.split():
            put(phone, feature)
    for phone, (first, second) in _DIPHTHONGS.items():
        table[INDEX[phone]] = (table[INDEX[first]] + table[INDEX[second]]) / 2
    return table


_TABLE = _table()


def split_diphthongs(phones: Sequence[Phone]) -> list[Phone]:
    """Every diphthong as its two vowels."""
    parts: list[Phone] = []
    for phone in phones:
        pair = _DIPHTHONGS.get(phone.name)
        if pair is None:
            parts.append(phone)
            continue
        middle = phone.start + _FIRST_SHARE * (phone.end - phone.start)
        parts.append(Phone(pair[0], phone.start, middle))
        parts.append(Phone(pair[1], middle, phone.end))
    return parts


def articulate(phones: Sequence[Phone], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the mouth does at `times` (...,) seconds: (..., len(FEATURES)), each in [0, 1]."""
    described: NDArray[np.float32] = sample(split_diphthongs(phones), times) @ _TABLE
    return described


def mouth_of(phones: Sequence[Phone]) -> Mouth:
    """`articulate` of these phones."""
    return partial(articulate, phones)
