"""Five clips of a LibriVox reader, with phones as soundswallower writes them (NAME.phone.json).

Test material: nothing is learned from it. Public domain; the alignments are BSD.
"""

from __future__ import annotations

import json
from pathlib import Path

from .phones import SILENCE, Phone, known
from .utterances import Utterance


def read(folder: Path) -> list[Utterance]:
    """The clips in order of name; the words' phones lie one level below the words."""
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
    return found
