"""One phone inventory for every language: ARPAbet, and blends of it for sounds English lacks.

The teacher knows a face from its English captures only. A sound of another language is therefore
written as a weighted blend of the English phones whose *visible* articulation is nearest, which is
all a face needs: /ɸ/ looks half like F and half like W, Japanese /ɯ/ is a less rounded UW.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SILENCE = "SIL"
_ARPABET = """
AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH
UH UW V W Y Z ZH
"""
PHONES: tuple[str, ...] = (SILENCE, *_ARPABET.split())
INDEX: dict[str, int] = {name: k for k, name in enumerate(PHONES)}

BILABIAL = frozenset(["P", "B", "M"])
LABIODENTAL = frozenset(["F", "V"])
ROUNDED = frozenset(["W", "UW", "UH", "OW", "OY", "AO"])
SPREAD = frozenset(["IY", "IH", "EH", "EY"])
OPEN_VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY"])
VOWELS = OPEN_VOWELS | SPREAD | ROUNDED - {"W"} | {"ER"}
DENTAL = frozenset(["TH", "DH"])
PALATAL = frozenset(["SH", "ZH", "CH", "JH"])


class Phone(NamedTuple):
    """One sounded phone: its name in IPA or ARPAbet, and where it lies in the audio, seconds."""

    name: str
    start: float
    end: float


# Sounds of IPA that look like one of ARPAbet's. Diphthongs are written in ARPAbet.
_SAME = {
    "AA": "ɑ ɒ a",
    "AE": "æ",
    "AH": "ə ʌ ɐ ɤ ᵊ",
    "AO": "ɔ",
    "B": "b",
    "CH": "ʧ ʨ ꭧ",
    "D": "d ɖ ɾ",
    "DH": "ð",
    "EH": "ɛ e",
    "ER": "ɜ ɚ",
    "F": "f",
    "G": "ɡ ɣ",
    "HH": "h x ɦ χ ʔ",
    "IH": "ɪ ᵻ",
    "IY": "i",
    "JH": "ʤ ʥ",
    "K": "k q c",
    "L": "l ɭ ʎ",
    "M": "m",
    "N": "n ɲ ɳ",
    "NG": "ŋ ɴ",
    "P": "p",
    "R": "ɹ ɻ r ʁ ɽ",
    "S": "s",
    "SH": "ʃ ɕ ʂ ç",
    "T": "t ʈ",
    "TH": "θ",
    "UH": "ʊ",
    "UW": "u",
    "V": "v ʋ",
    "W": "w ɰ β",
    "Y": "j",
    "Z": "z",
    "ZH": "ʒ ʝ",
}
_BLENDS: dict[str, dict[str, float]] = {
    "o": {"OW": 0.5, "AO": 0.5},
    "ɯ": {"UW": 0.5, "IH": 0.5},
    "ɨ": {"IH": 0.5, "S": 0.5},
    "y": {"UW": 0.7, "IY": 0.3},
    "ɥ": {"W": 0.7, "IY": 0.3},
    "ø": {"UW": 0.4, "EH": 0.6},
    "œ": {"UW": 0.3, "EH": 0.7},
    "ɸ": {"F": 0.5, "W": 0.5},
    "ʦ": {"T": 0.5, "S": 0.5},
    "ʣ": {"D": 0.5, "Z": 0.5},
}
_TABLE: dict[str, dict[str, float]] = {
    **{name: {name: 1.0} for name in PHONES},
    **_BLENDS,
    **{ipa: {name: 1.0} for name, ipas in _SAME.items() for ipa in ipas.split()},
}


def known(name: str) -> bool:
    """Whether `name` (ARPAbet or IPA) is in the inventory."""
    return name in _TABLE


@cache
def weights(name: str) -> NDArray[np.float32]:
    """`name` as a row of weights over PHONES, summing to 1; not to be written to.

    Raises KeyError for an unknown name.
    """
    row = np.zeros(len(PHONES), np.float32)
    for phone, weight in _TABLE[name].items():
        row[INDEX[phone]] = weight
    return row


def share(phones: NDArray[np.floating], group: Iterable[str]) -> NDArray[np.floating]:
    """How much of each row of phone weights (..., P) belongs to `group`: (...)."""
    picked: NDArray[np.floating] = phones[..., [INDEX[name] for name in sorted(group)]].sum(-1)
    return picked


def sample(phones: Sequence[Phone], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """Phone weights at `times` (..., ) seconds: (..., P). Where no phone lies, it is silence."""
    if not phones:
        return np.tile(weights(SILENCE), (*times.shape, 1))
    starts = np.array([phone.start for phone in phones])
    ends = np.array([phone.end for phone in phones])
    table = np.stack([weights(phone.name) for phone in phones])
    index = np.searchsorted(starts, times, side="right") - 1
    inside = (index >= 0) & (times < ends[index])
    found: NDArray[np.float32] = np.where(inside[..., None], table[index], weights(SILENCE))
    return found
