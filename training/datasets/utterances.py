"""Voice with phones, on disk: a folder of FLAC files beside `phones.jsonl`, one line an utterance.

Every source of the corpus is brought to this one layout (the one of the kathleen set), so that all
that follows reads one format. Lines are appended as utterances are finished: an interrupted source
goes on where it stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from koemorph.errors import DataError, OutputError

from ..phones import Phone, known
from .recordings import read_audio, write_audio

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
        return to_16k(*read_audio(self.audio))


def to_16k(samples: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """(n,) at `rate` Hz to 16 kHz."""
    if rate != SAMPLE_RATE:
        common = int(np.gcd(rate, SAMPLE_RATE))
        samples = resample_poly(samples, SAMPLE_RATE // common, rate // common)
    return samples.astype(np.float32)


def read(
    folder: Path,
    voice: str = "",
    language: str = "en",
    remedy: str = "put a recorded one there, in this layout",
) -> list[Utterance]:
    """The utterances of `folder`; `voice` and `language` are for sets whose lines do not say.

    A folder without voice (DataError says `remedy`), a line that is broken and one whose sound is
    missing raise DataError.
    """
    if not (folder / "audio").is_dir() or not (folder / LABELS).is_file():
        raise DataError(f"{folder} holds no voice (audio/ and {LABELS}): {remedy}.")
    return list(_lines(folder, voice, language))


def _lines(folder: Path, voice: str, language: str) -> Iterator[Utterance]:
    sounds = {path.stem: path for path in (folder / "audio").iterdir()}
    for where, row in _rows(folder / LABELS):
        if row["name"] not in sounds:
            raise DataError(
                f"{folder / 'audio'} has no sound named {row['name']}, which {LABELS} lists; "
                "restore it, or take its line out."
            )
        try:
            phones = tuple(
                Phone(str(p), float(start), float(end)) for p, start, end in row["phones"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where}: phones must be [[phone, start, end], ...].") from error
        unknown = sorted({phone.name for phone in phones if not known(phone.name)})
        if unknown:
            raise DataError(f"{where}: {unknown[0]} is no phone of ARPAbet or IPA that is known.")
        yield Utterance(
            name=row["name"],
            voice=row.get("voice", voice or folder.name),
            language=row.get("language", language),
            text=row.get("text", ""),
            phones=phones,
            audio=sounds[row["name"]],
        )


def _rows(labels: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of a file of labels, each with where it stands; DataError for one of no name."""
    with labels.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{labels}, line {number}"
            try:
                row = json.loads(line)
                named = isinstance(row["name"], str)
            except (TypeError, KeyError, ValueError) as error:
                raise DataError(
                    f"{where} is not JSON with a name ({error}); take it out."
                ) from error
            if not named:
                raise DataError(f"{where}: its name is no text; take it out.")
            yield where, row


def _drop_half_a_line(labels: Path) -> None:
    """Takes away what a process that was killed had written of its last line."""
    written = labels.read_bytes()
    whole = written.rfind(b"\n") + 1
    if whole < len(written):
        os.truncate(labels, whole)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Says in a sentence why a file cannot be written."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise OutputError(f"Cannot write {path}: {why}; choose another place.") from error


class Labels:
    """Appends lines to a `phones.jsonl`; `done` are the names that are already there.

    Raises OutputError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.done: set[str] = set()
        if path.exists():
            with _told(path):
                _drop_half_a_line(path)
                self.done = {row["name"] for _, row in _rows(path)}

    def add(self, name: str, phones: Sequence[Phone], **said: str) -> None:
        """`said`: voice, language and text, where they are known."""
        row = {
            "name": name,
            **said,
            "phones": [[p.name, round(p.start, 4), round(p.end, 4)] for p in phones],
        }
        with _told(self._path), self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.done.add(name)


class Writer:
    """Appends utterances to a folder; `done` are the names that are already there."""

    def __init__(self, folder: Path) -> None:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._labels = Labels(folder / LABELS)

    @property
    def done(self) -> set[str]:
        return self._labels.done

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
        sound = np.clip(to_16k(samples, rate), -1, 1)
        write_audio(self._folder / "audio" / f"{name}.flac", sound, SAMPLE_RATE, "FLAC")
        self._labels.add(name, phones, **said)
