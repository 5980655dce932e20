"""Phones of recorded English whose words are known, by pocketsphinx (PyPI; its model is inside).

Its recogniser is told the words and finds when they are said (forced alignment), then once more
when their phones are. Words that its dictionary lacks cannot be aligned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import AudioError, DataError, MissingExtraError

from ..phones import SILENCE, Phone, known
from .recordings import AUDIO_SUFFIXES, read_audio
from .utterances import SAMPLE_RATE, Labels, to_16k

_FRAMES = 100  # of an alignment, a second
# Seconds of nothing before and after: a word that begins at once has nothing to begin in.
_AROUND = 0.1
# GRID's sentences have six words, each of which a letter or digit of the clip's name stands for.
_SENTENCE: tuple[Mapping[str, str], ...] = (
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


def words(text: str) -> list[str]:
    """The words of an English text as dictionaries spell them, without its punctuation."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'"))


def grid_words(name: str) -> list[str]:
    """The sentence that a GRID clip's name spells: bbaf2n is "bin blue at f two now"."""
    try:
        return [word[letter] for letter, word in zip(name, _SENTENCE, strict=True)]
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{name} spells no sentence of GRID, whose clips are called as bbaf2n."
        ) from error


def read_texts(path: Path) -> dict[str, str]:
    """Of lines NAME|TEXT, or NAME|TEXT|TEXT IN FULL (as LJ Speech's): what each recording says."""
    texts = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        name, *said = (part.strip() for part in line.split("|"))
        if name and not said:
            raise DataError(f"{path}, line {number}: expected NAME|TEXT.")
        if name:
            texts[name] = said[-1]
    return texts


class Aligner:
    """Finds phones in sound; MissingExtraError without pocketsphinx."""

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise MissingExtraError(
                'Finding phones needs pocketsphinx: pip install "koemorph[align]".'
            ) from error
        self._decoder = Decoder(lm=None, samprate=SAMPLE_RATE, loglevel="FATAL")

    def __call__(
        self, said: Sequence[str], samples: NDArray[np.floating], rate: int
    ) -> list[Phone]:
        """The phones, in seconds, of mono sound (n,) at `rate` Hz; DataError says what hinders."""
        if not said:
            raise DataError("its text has no word")
        strange = [word for word in said if self._decoder.lookup_word(word) is None]
        if strange:
            raise DataError(f'"{strange[0]}" is not in the dictionary of pocketsphinx')
        around = np.zeros(round(_AROUND * SAMPLE_RATE), np.float32)
        sound = np.concatenate([around, to_16k(samples, rate), around])
        self._decoder.set_align_text(" ".join(said))
        try:
            self._listen(sound)
            self._decoder.set_alignment()
            self._listen(sound)
            found = list(self._decoder.get_alignment().phones())
        except (RuntimeError, AttributeError) as error:  # it returns no alignment for other words
            raise DataError("its words are not what is heard") from error
        end = len(samples) / rate
        phones = []
        for segment in found:
            first = max(segment.start / _FRAMES - _AROUND, 0.0)
            last = min((segment.start + segment.duration) / _FRAMES - _AROUND, end)
            if last > first:
                name = segment.name if known(segment.name) else SILENCE  # breaths and noises
                phones.append(Phone(name, first, last))
        return phones

    def _listen(self, sound: NDArray[np.floating]) -> None:
        self._decoder.start_utt()
        pcm = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()


def align(
    sounds: Path, labels: Path, texts: Mapping[str, str] | None, *, grid: bool = False
) -> Iterator[tuple[str, str]]:
    """Adds the phones of every recording in `sounds` to `labels`; those that are there are kept.

    What is said: in `texts` by the recording's name, spelt by that name (`grid`), or in NAME.txt
    beside it. Yields each name with what hindered it ("": nothing), as it gets on.
    """
    paths = sorted(path for path in sounds.glob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise DataError(f"{sounds} holds no sound ({', '.join(AUDIO_SUFFIXES)}).")
    aligner, written = Aligner(), Labels(labels)
    for path in paths:
        trouble = ""
        if path.stem not in written.done:
            try:
                text, said = _said(path, texts, grid)
                written.add(path.stem, aligner(said, *read_audio(path)), text=text)
            except (AudioError, DataError) as error:
                trouble = str(error)
        yield path.stem, trouble


def _said(path: Path, texts: Mapping[str, str] | None, grid: bool) -> tuple[str, list[str]]:
    """What a recording says: its text, and the words of that."""
    if grid:
        said = grid_words(path.stem)
        return " ".join(said).replace(".", ""), said
    beside = path.with_suffix(".txt")
    if texts is None and beside.is_file():
        text = _read(beside)
    elif texts is not None and path.stem in texts:
        text = texts[path.stem]
    else:
        raise DataError("no text says what it says")
    return text, words(text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a text ({error}).") from error
