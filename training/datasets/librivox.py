"""Five clips of a LibriVox reader, with phones in soundswallower's format (NAME.phone.json).

For tests only, not for training. Public domain; the alignments are BSD.
"""

from __future__ import annotations

import json
from pathlib import Path

from koemorph.errors import DataError

from ..phones import SILENCE, Phone, is_known
from .utterances import Utterance


def read_librivox(folder: Path) -> list[Utterance]:
    """Read the clips.

    Args:
        folder: the folder of NAME.wav and NAME.phone.json.

    Returns:
        The utterances, sorted by name.

    Raises:
        DataError: there are none (no_utterances).
    """
    utterances = []
    for path in sorted(folder.glob("*.phone.json")):
        alignment = json.loads(path.read_text(encoding="utf-8"))
        name = path.name.removesuffix(".phone.json")
        # The phones are one level below the words.
        phones = tuple(
            Phone(p["t"] if is_known(p["t"]) else SILENCE, p["b"], p["b"] + p["d"])
            for word in alignment["w"]
            for p in word["w"]
        )
        audio = path.with_name(f"{name}.wav")
        utterances.append(Utterance(name, "librivox", "en", alignment["t"], phones, audio))
    if not utterances:
        raise DataError(
            f"{folder}: no clips (NAME.wav with NAME.phone.json). Add them, or choose other "
            "sources with --source.",
            code="no_utterances",
        )
    return utterances
