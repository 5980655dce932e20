"""Phones of English recordings with transcripts, by forced alignment with pocketsphinx.

The recognizer is given the words and finds their times, then those of their phones. Words that its
dictionary lacks cannot be aligned. pocketsphinx is on PyPI and includes its acoustic model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import AudioError, DataError, MissingExtraError, install_command

from ..phones import SILENCE, Phone, is_known
from .recordings import AUDIO_SUFFIXES, read_audio
from .utterances import SAMPLE_RATE, LabelFile, resample_to_16k

_ALIGNMENT_RATE = 100  # alignment frames per second
# Seconds of silence before and after: a word that starts at once has no context to start in.
_PADDING = 0.1
# GRID's sentences have six words, for each of which the clip's name has a letter or digit.
_GRID_SENTENCE: tuple[Mapping[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: f"{letter}." for letter in "abcdefghijklmnopqrstuvxyz"},
    {
        "z": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six",
        "7": "seven", "8": "eight", "9": "nine",
    },
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)  # fmt: skip


def split_words(text: str) -> list[str]:
    """Split an English text into words as a dictionary has them, without punctuation.

    Args:
        text: the text.

    Returns:
        The words in lower case.
    """
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'"))


def grid_words(name: str) -> list[str]:
    """Decode the sentence in the name of a GRID clip: bbaf2n is "bin blue at f two now".

    Args:
        name: of the clip.

    Returns:
        The words, letters with a period as the dictionary has them.

    Raises:
        DataError: the name is not one of GRID (not_grid).
    """
    try:
        return [word[letter] for letter, word in zip(name, _GRID_SENTENCE, strict=True)]
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{name} is not the name of a GRID clip, such as bbaf2n.", code="not_grid"
        ) from error


def read_transcripts(path: Path) -> dict[str, str]:
    """Read a file of transcripts.

    Args:
        path: lines NAME|TEXT, or NAME|TEXT|NORMALIZED TEXT as in LJ Speech.

    Returns:
        The (normalized) text of each recording.

    Raises:
        DataError: a line has no text (invalid_transcript), or the file cannot be read
            (not_readable).
    """
    transcripts = {}
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        name, *texts = (part.strip() for part in line.split("|"))
        if name and not texts:
            raise DataError(
                f"{path}, line {number}: expected NAME|TEXT.", code="invalid_transcript"
            )
        if name:
            transcripts[name] = texts[-1]
    return transcripts


class Aligner:
    """A forced aligner for English.

    Raises:
        MissingExtraError: pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise MissingExtraError(
                "pocketsphinx is not installed. "
                f'Install the extra "align": {install_command("align")}',
                code="missing_extra",
            ) from error
        self._decoder = Decoder(lm=None, samprate=SAMPLE_RATE, loglevel="FATAL")

    def align(
        self, words: Sequence[str], samples: NDArray[np.floating], sample_rate: int
    ) -> list[Phone]:
        """Find the phones of spoken words.

        Args:
            words: as `split_words` returns them.
            samples: (n,) mono.
            sample_rate: in Hz.

        Returns:
            The phones, in seconds.

        Raises:
            DataError: there are no words (no_words), one is not in the dictionary (unknown_word),
                or the audio has other words (alignment_failed).
        """
        if not words:
            raise DataError("the transcript has no words.", code="no_words")
        unknown = [word for word in words if self._decoder.lookup_word(word) is None]
        if unknown:
            raise DataError(
                f'"{unknown[0]}" is not in the dictionary of pocketsphinx.', code="unknown_word"
            )
        padding = np.zeros(round(_PADDING * SAMPLE_RATE), np.float32)
        audio = np.concatenate([padding, resample_to_16k(samples, sample_rate), padding])
        self._decoder.set_align_text(" ".join(words))
        try:
            self._decode(audio)
            self._decoder.set_alignment()
            self._decode(audio)
            segments = list(self._decoder.get_alignment().phones())
        except (RuntimeError, AttributeError) as error:  # other words have no alignment
            raise DataError(
                "alignment failed: the audio does not match the transcript.",
                code="alignment_failed",
            ) from error
        end = len(samples) / sample_rate
        phones = []
        for segment in segments:
            first = max(segment.start / _ALIGNMENT_RATE - _PADDING, 0.0)
            last = min((segment.start + segment.duration) / _ALIGNMENT_RATE - _PADDING, end)
            if last > first:
                # Breaths and noises have names of their own.
                name = segment.name if is_known(segment.name) else SILENCE
                phones.append(Phone(name, first, last))
        return phones

    def _decode(self, samples: NDArray[np.floating]) -> None:
        self._decoder.start_utt()
        pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()


def align_folder(
    folder: Path, labels: Path, transcripts: Mapping[str, str] | None, *, grid: bool = False
) -> Iterator[tuple[str, str]]:
    """Append the phones of all recordings of a folder to a label file.

    Recordings that the file already has are skipped.

    Args:
        folder: of audio files.
        labels: the label file (phones.jsonl).
        transcripts: the text of each recording by name; None: in NAME.txt beside the audio.
        grid: decode the text from the name of the recording, see `grid_words`.

    Yields:
        The name of each recording when it is finished, with the error message, or "".

    Raises:
        DataError: the folder has no audio (no_audio).
        MissingExtraError: pocketsphinx is not installed.
        OutputError: the label file cannot be written.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise DataError(f"{folder}: no audio files ({', '.join(AUDIO_SUFFIXES)}).", code="no_audio")
    aligner, file = Aligner(), LabelFile(labels)
    for path in paths:
        problem = ""
        if path.stem not in file.names:
            try:
                text, words = _transcript(path, transcripts, grid)
                file.append(path.stem, aligner.align(words, *read_audio(path)), text=text)
            except (AudioError, DataError) as error:
                problem = str(error)
        yield path.stem, problem


def _transcript(
    path: Path, transcripts: Mapping[str, str] | None, grid: bool
) -> tuple[str, list[str]]:
    """The text of a recording, and its words."""
    if grid:
        words = grid_words(path.stem)
        return " ".join(words).replace(".", ""), words
    text_file = path.with_suffix(".txt")
    if transcripts is None and text_file.is_file():
        text = _read_text(text_file)
    elif transcripts is not None and path.stem in transcripts:
        text = transcripts[path.stem]
    else:
        raise DataError("no transcript.", code="no_transcript")
    return text, split_words(text)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read {path} as UTF-8 text ({error}).", code="not_readable"
        ) from error
