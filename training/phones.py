"""A phone inventory for all languages: ARPAbet, and weighted sums of it for sounds English lacks.

Captured faces speak English. A sound of another language is therefore represented by the English
phones whose *visible* articulation is nearest: /ɸ/ looks half like F and half like W, Japanese /ɯ/
is a less rounded UW.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Phone(NamedTuple):
    """A spoken phone: its name in IPA or ARPAbet, start and end in seconds of the audio."""

    name: str
    start: float
    end: float


# IPA symbols that look like a phone of ARPAbet. Diphthongs are written in ARPAbet.
_EQUIVALENTS = {
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
_MIXTURES: dict[str, dict[str, float]] = {
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
    **_MIXTURES,
    **{ipa: {name: 1.0} for name, ipas in _EQUIVALENTS.items() for ipa in ipas.split()},
}


def is_known(name: str) -> bool:
    """Check whether a phone is in the inventory.

    Args:
        name: in ARPAbet or IPA.
    """
    return name in _TABLE


@cache
def phone_weights(name: str) -> NDArray[np.float32]:
    """Express a phone as weights of PHONES. The array is shared: do not modify it.

    Args:
        name: in ARPAbet or IPA.

    Returns:
        (len(PHONES),), summing to 1.

    Raises:
        KeyError: the phone is not in the inventory.
    """
    row = np.zeros(len(PHONES), np.float32)
    for phone, weight in _TABLE[name].items():
        row[INDEX[phone]] = weight
    return row


def sample_phones(phones: Sequence[Phone], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """Express the phones at given times as weights; silence where there is no phone.

    Args:
        phones: in order of time.
        times: (...) seconds.

    Returns:
        (..., len(PHONES)).
    """
    if not phones:
        return np.tile(phone_weights(SILENCE), (*times.shape, 1))
    starts = np.array([phone.start for phone in phones])
    ends = np.array([phone.end for phone in phones])
    table = np.stack([phone_weights(phone.name) for phone in phones])
    index = np.searchsorted(starts, times, side="right") - 1
    inside = (index >= 0) & (times < ends[index])
    weights: NDArray[np.float32] = np.where(inside[..., None], table[index], phone_weights(SILENCE))
    return weights
