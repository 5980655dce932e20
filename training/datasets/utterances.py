"""Utterances with phone labels: a folder of audio files beside `phones.jsonl`, a line for each.

All voices of a recipe are brought to this format. Lines are appended as utterances are finished, so
an interrupted synthesis or alignment can continue.
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

from ..phones import Phone, is_known
from .recordings import read_audio, write_audio

SAMPLE_RATE = 16000
LABEL_FILE = "phones.jsonl"


@dataclass(frozen=True)
class Utterance:
    """A sentence of one voice.

    Attributes:
        name: of its audio file.
        voice: who speaks.
        language: such as en.
        text: the transcript; "" if unknown.
        phones: in seconds from the start of the audio.
        audio: path of the audio file.
    """

    name: str
    voice: str
    language: str
    text: str
    phones: tuple[Phone, ...]
    audio: Path

    def load(self) -> NDArray[np.float32]:
        """Read the audio as mono, (n,) at 16 kHz."""
        return resample_to_16k(*read_audio(self.audio))


def resample_to_16k(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    """Resample mono audio to 16 kHz.

    Args:
        samples: (n,).
        sample_rate: in Hz.

    Returns:
        (m,) at SAMPLE_RATE.
    """
    if sample_rate != SAMPLE_RATE:
        common = int(np.gcd(sample_rate, SAMPLE_RATE))
        samples = resample_poly(samples, SAMPLE_RATE // common, sample_rate // common)
    return samples.astype(np.float32)


def read_utterances(
    folder: Path,
    voice: str = "",
    language: str = "en",
    remedy: str = "Add recordings in this layout.",
) -> list[Utterance]:
    """Read the utterances of a folder.

    Args:
        folder: the folder, with audio/ and phones.jsonl.
        voice: for lines that do not name one; by default the name of the folder.
        language: for lines that do not name one.
        remedy: what to do if the folder has no utterances, for the message.

    Returns:
        The utterances, in the order of the lines.

    Raises:
        DataError: the folder has another layout (no_utterances), a line is broken (invalid_label)
            or its audio is missing (audio_missing).
    """
    if not (folder / "audio").is_dir() or not (folder / LABEL_FILE).is_file():
        raise DataError(
            f"{folder}: no utterances: expected audio/ and {LABEL_FILE}. {remedy}",
            code="no_utterances",
        )
    return list(_read_lines(folder, voice, language))


def _read_lines(folder: Path, voice: str, language: str) -> Iterator[Utterance]:
    audio = {path.stem: path for path in (folder / "audio").iterdir()}
    for where, row in _read_rows(folder / LABEL_FILE):
        if row["name"] not in audio:
            raise DataError(
                f"{folder / 'audio'}: audio file {row['name']} of {LABEL_FILE} is missing. Restore "
                "it, or remove the line.",
                code="audio_missing",
            )
        try:
            phones = tuple(
                Phone(str(p), float(start), float(end)) for p, start, end in row["phones"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{where}: phones must be [[phone, start, end], ...].", code="invalid_label"
            ) from error
        unknown = sorted({phone.name for phone in phones if not is_known(phone.name)})
        if unknown:
            raise DataError(
                f"{where}: unknown phone {unknown[0]}, expected ARPAbet or IPA.",
                code="invalid_label",
            )
        yield Utterance(
            name=row["name"],
            voice=row.get("voice", voice or folder.name),
            language=row.get("language", language),
            text=row.get("text", ""),
            phones=phones,
            audio=audio[row["name"]],
        )


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of a label file, each with its position for messages."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            try:
                row = json.loads(line)
                named = isinstance(row["name"], str)
            except (TypeError, KeyError, ValueError) as error:
                raise DataError(
                    f"{where}: not a JSON object with a name ({error}). Remove the line.",
                    code="invalid_label",
                ) from error
            if not named:
                raise DataError(
                    f"{where}: name is not a string. Remove the line.", code="invalid_label"
                )
            yield where, row


def _remove_incomplete_line(path: Path) -> None:
    """Remove what a killed process wrote of its last line."""
    written = path.read_bytes()
    complete = written.rfind(b"\n") + 1
    if complete < len(written):
        os.truncate(path, complete)


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """Translate an OSError to OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}.", code="not_writable"
        ) from error


class LabelFile:
    """A phones.jsonl to append to.

    Args:
        path: the file; it need not exist.

    Raises:
        OutputError: the file cannot be written (not_writable).
        DataError: a line is broken (invalid_label).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names: set[str] = set()
        if path.exists():
            with _output_errors(path):
                _remove_incomplete_line(path)
                self.names = {row["name"] for _, row in _read_rows(path)}

    def append(self, name: str, phones: Sequence[Phone], **description: str) -> None:
        """Append a line.

        Args:
            name: of the audio file.
            phones: of the utterance.
            description: voice, language and text, as far as known.

        Raises:
            OutputError: the file cannot be written (not_writable).
        """
        row = {
            "name": name,
            **description,
            "phones": [[p.name, round(p.start, 4), round(p.end, 4)] for p in phones],
        }
        with _output_errors(self._path), self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.names.add(name)


class UtteranceWriter:
    """A folder of utterances to append to; `names` are those that are already there.

    Args:
        folder: the folder, created if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._labels = LabelFile(folder / LABEL_FILE)

    @property
    def names(self) -> set[str]:
        return self._labels.names

    def append(
        self,
        name: str,
        phones: Sequence[Phone],
        samples: NDArray[np.floating],
        sample_rate: int,
        **description: str,
    ) -> None:
        """Write an utterance: its audio first, so that a line always has its audio.

        Args:
            name: of the audio file.
            phones: in seconds.
            samples: (n,) mono.
            sample_rate: in Hz.
            description: voice, language and text.

        Raises:
            OutputError: a file cannot be written.
        """
        audio = np.clip(resample_to_16k(samples, sample_rate), -1, 1)
        write_audio(self._folder / "audio" / f"{name}.flac", audio, SAMPLE_RATE, "FLAC")
        self._labels.append(name, phones, **description)
