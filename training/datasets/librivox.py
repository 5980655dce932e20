"""Five clips of a LibriVox reader, with phones as soundswallower writes them (NAME.phone.json).

Test material: nothing is learned from it. Public domain; the alignments are BSD.
"""

from __future__ import annotations

import json
from pathlib import Path

from koemorph.errors import DataError

from ..phones import SILENCE, Phone, known
from .utterances import Utterance


def read(folder: Path) -> list[Utterance]:
    """The clips in order of name; the words' phones lie one level below the words.

    Raises DataError where there are none.
    """
    found = []
    for path in sorted(folder.glob("*.phone.json")):
        aligned = json.loads(path.read_text(encoding="utf-8"))
        name = path.name.removesuffix(".phone.json")
        phones = tuple(
            Phone(p["t"] if known(p["t"]) else SILENCE, p["b"], p["b"] + p["d"])
            for word in aligned["w"]
            for p in word["w"]
        )
        audio = path.with_name(f"{name}.wav")
        found.append(Utterance(name, "librivox", "en", aligned["t"], phones, audio))
    if not found:
        raise DataError(
            f"{folder} holds no clips (NAME.wav with NAME.phone.json): put them there, or name the "
            "other sources with --source."
        )
    return found
