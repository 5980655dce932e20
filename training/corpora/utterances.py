"""Voice with phones, on disk: a folder of FLAC files beside `phones.jsonl`, one line an utterance.

Every source of the corpus is brought to this one layout (the one of the kathleen set), so that all
that follows reads one format. Lines are appended as utterances are finished: an interrupted source
goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from koemorph.errors import DataError

from .phones import Phone

SAMPLE_RATE = 16000
LABELS = "phones.jsonl"


@dataclass(frozen=True)
class Utterance:
    """One sentence of one voice; `phones` are in seconds from the start of the file at `audio`."""

    name: str
    voice: str
    language: str
    text: str
    phones: tuple[Phone, ...]
    audio: Path

    def load(self) -> NDArray[np.float32]:
        """The sound, mono, (n,) at 16 kHz."""
        samples, rate = soundfile.read(self.audio, dtype="float32", always_2d=True)
        return to_16k(samples.mean(1), rate)


def to_16k(samples: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """(n,) at `rate` Hz to 16 kHz."""
    if rate != SAMPLE_RATE:
        common = int(np.gcd(rate, SAMPLE_RATE))
        samples = resample_poly(samples, SAMPLE_RATE // common, rate // common)
    return samples.astype(np.float32)


def read(folder: Path, voice: str = "", language: str = "en") -> list[Utterance]:
    """The utterances of `folder`; `voice` and `language` are for sets whose lines do not say.

    A folder without voice, and a line whose sound is missing, raise DataError.
    """
    if not (folder / "audio").is_dir() or not (folder / LABELS).is_file():
        raise DataError(
            f"{folder} holds no voice (audio/ and {LABELS}): put a recorded one there, or have a "
            "synthetic one made with --voices."
        )
    return list(_lines(folder, voice, language))


def _lines(folder: Path, voice: str, language: str) -> Iterator[Utterance]:
    sounds = {path.stem: path for path in (folder / "audio").iterdir()}
    with (folder / LABELS).open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["name"] not in sounds:
                raise DataError(
                    f"{folder / 'audio'} has no sound named {row['name']}, which {LABELS} lists; "
                    "restore it, or take its line out."
                )
            yield Utterance(
                name=row["name"],
                voice=row.get("voice", voice or folder.name),
                language=row.get("language", language),
                text=row.get("text", ""),
                phones=tuple(Phone(*phone) for phone in row["phones"]),
                audio=sounds[row["name"]],
            )


class Writer:
    """Appends utterances to a folder; `done` are the names that are already there."""

    def __init__(self, folder: Path) -> None:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._labels = folder / LABELS
        self.done: set[str] = set()
        if self._labels.exists():
            self.done = {json.loads(line)["name"] for line in self._labels.open(encoding="utf-8")}

    def add(
        self,
        name: str,
        phones: Sequence[Phone],
        samples: NDArray[np.floating],
        rate: int,
        **said: str,
    ) -> None:
        """Write the sound (n,) at `rate` Hz first and its line last: a line always has its sound.

        `said`: voice, language and text.
        """
        path = self._folder / "audio" / f"{name}.flac"
        soundfile.write(path, np.clip(to_16k(samples, rate), -1, 1), SAMPLE_RATE)
        row = {
            "name": name,
            **said,
            "phones": [[p.name, round(p.start, 4), round(p.end, 4)] for p in phones],
        }
        with self._labels.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.done.add(name)
