"""Sound and face in step: what timecodes say about it, and what the signals themselves say."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import INDEX
from koemorph.errors import DataError
from koemorph.model import Model

from .recordings import Capture, Recording, exact_fps, read_audio, resample_capture

RATE = 100  # Hz, at which voice and jaw are compared
REACH = 0.4  # seconds to either side
ENOUGH = 600.0  # seconds of sound after which more of the same teach nothing about the offset
SMALLEST = 0.015  # seconds; less than this is not worth correcting
# A correlation of unrelated signals is off zero by 1 / sqrt(SYLLABLES * seconds): speech has about
# so many independent movements a second. An offset is trusted from DEVIATIONS times that.
SYLLABLES, DEVIATIONS = 5.0, 5.0


@dataclass(frozen=True)
class Offset:
    """How many seconds the face comes after its sound.

    strength: the correlation of voice and jaw there; heard: seconds of sound that it rests on.
    """

    seconds: float
    strength: float
    heard: float

    @property
    def clear(self) -> bool:
        """Whether so strong a correlation, over so much sound, is no chance."""
        return self.strength * math.sqrt(SYLLABLES * self.heard) >= DEVIATIONS

    @property
    def matters(self) -> bool:
        """Whether it is clear and large enough to be corrected."""
        return self.clear and abs(self.seconds) >= SMALLEST


@dataclass(frozen=True)
class Movement:
    """How a voice and a jaw move, at RATE Hz.

    voice: (2, n), two guesses from the sound at how fast the jaw opens; jaw: (n,), what it does.
    """

    voice: NDArray[np.float64]
    jaw: NDArray[np.float64]

    def part(self, first: int, last: int) -> Movement:
        """Samples first <= n < last."""
        return Movement(self.voice[:, first:last], self.jaw[first:last])


def timecode_seconds(text: str, fps: float) -> float:
    """Seconds of an SMPTE timecode HH:MM:SS:FF or HH:MM:SS:FF.fff; a `;` marks drop-frame.

    Drop-frame counts 29.97 (59.94) frames a second, also where `fps` says 30 (60). Raises
    ValueError when it is none.
    """
    hours, minutes, seconds, frames = (float(part) for part in text.replace(";", ":").split(":"))
    nominal = round(fps)
    within = hours <= 24 and minutes < 60 and seconds < 60 and frames < nominal
    if not within or "-" in text:
        raise ValueError(f"{text} is none at {fps:g} frames a second")
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    rate = exact_fps(fps)
    if ";" in text:
        if nominal % 30:
            raise ValueError(f"{text} is drop-frame, which {fps:g} frames a second do not have")
        # Two (at 60 fps four) numbers are left out each minute but the tenth.
        whole = hours * 60 + minutes
        count -= (nominal // 15) * (whole - whole // 10)
        rate = Fraction(nominal * 1000, 1001)
    return count * rate.denominator / rate.numerator


def seconds_between(first: str, later: str, fps: float) -> float:
    """Seconds from one timecode to another, less than half a day: midnight may lie in between."""
    between = timecode_seconds(later, fps) - timecode_seconds(first, fps)
    day = timecode_seconds("24:00:00;00" if ";" in later else "24:00:00:00", fps)
    return between - day * round(between / day)


def timecode_offset(path: Path) -> float:
    """Seconds between the sound's first sample and the face's first frame, by timecode.json.

    The file holds `fps`, `audio_start` and `blendshapes_start`. Raises DataError, with the file.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
        fps = float(stored["fps"])
        return seconds_between(stored["audio_start"], stored["blendshapes_start"], fps)
    except (
        ArithmeticError, AttributeError, KeyError, OSError, TypeError, ValueError
    ) as error:  # fmt: skip
        raise DataError(
            f"{path}: expected fps, audio_start and blendshapes_start as HH:MM:SS:FF ({error})."
        ) from error


def with_timecode(recording: Recording) -> Recording:
    """The recording with its face moved to where timecode.json puts it, if there is one."""
    path = recording.audio.parent / "timecode.json"
    if recording.audio.stem != "audio" or not path.is_file():
        return recording
    return shifted(recording, -timecode_offset(path))


def shifted(recording: Recording, seconds: float) -> Recording:
    """The recording with a face that comes `seconds` earlier."""
    capture = recording.capture
    moved = Capture(capture.weights, capture.times - seconds, capture.labelled)
    return replace(recording, capture=moved)


def measure_offset(recordings: Iterable[Recording]) -> Offset:
    """How late the face comes, over recordings that were made alike; see `offset_of`."""

    def enough() -> Iterator[Movement]:
        heard = 0.0
        for recording in recordings:
            movement = movement_of(recording)
            if movement is not None:
                yield movement
                heard += len(movement.jaw) / RATE
            if heard >= ENOUGH:
                return

    return offset_of(enough())


def offset_of(movements: Iterable[Movement]) -> Offset:
    """Where the jaw's speed correlates best with what the voice says of it.

    Speeds rather than openings, since those swell slowly and have a blunt peak. The model's guess
    counts where it is clear; loudness, whose offset is less exact, where the model hears no speech.
    """
    most = round(REACH * RATE)
    total = np.zeros((2, 2 * most + 1))
    count = 0
    for movement in movements:
        size = len(movement.jaw)
        curves = [_correlations(each, movement.jaw, most) for each in movement.voice]
        total += size * np.stack(curves)
        count += size
    if count == 0:
        return Offset(0.0, 0.0, 0.0)
    by_model, by_loudness = (_peak(curve / count, count / RATE) for curve in total)
    return by_loudness if by_loudness.clear and not by_model.clear else by_model


def _peak(curve: NDArray[np.float64], heard: float) -> Offset:
    """The highest point of correlations at -REACH ... REACH, refined with a parabola."""
    best = int(np.clip(curve.argmax(), 1, len(curve) - 2))
    before, peak, after = curve[best - 1 : best + 2]
    bend = before - 2 * peak + after
    between = 0.5 * (before - after) / bend if bend < 0 else 0.0
    place = best - len(curve) // 2 + float(np.clip(between, -1, 1))
    return Offset(place / RATE, float(peak), heard)


def movement_of(recording: Recording) -> Movement | None:
    """The bundled model's jawOpen and the loudness in dB, beside the captured jawOpen, as speeds.

    None where jawOpen is not labelled or does not move, and for less than a second of sound.
    """
    if not recording.capture.labelled[INDEX["jawOpen"]]:
        return None
    audio, rate = read_audio(recording.audio)
    count = len(audio) * RATE // rate
    if count < RATE:
        return None
    jaw = resample_capture(recording.capture, RATE, count)[:, INDEX["jawOpen"]].astype(np.float64)
    if jaw.std() < 1e-6:
        return None
    heard = _listener().animate(audio, sample_rate=rate, preset="raw")
    opening = heard.weights[:, INDEX["jawOpen"]].astype(np.float64)
    expected = np.interp(np.arange(count) / RATE, heard.times, opening)
    # Around each moment, half of a step to either side.
    edges = np.maximum((2 * np.arange(count + 1) - 1) * rate // (2 * RATE), 0)
    energy = np.add.reduceat(audio[: edges[-1]].astype(np.float64) ** 2, edges[:-1])
    loud = 10 * np.log10(np.convolve(energy, np.hanning(9), mode="same") + 1e-7)
    return Movement(np.gradient(np.stack([expected, loud]), axis=1), np.gradient(jaw))


@cache
def _listener() -> Model:
    return Model()


def _correlations(
    voice: NDArray[np.float64], jaw: NDArray[np.float64], most: int
) -> NDArray[np.float64]:
    """Pearson r of the two where they overlap, the jaw -most ... most samples late."""
    found = np.zeros(2 * most + 1)
    for late in range(-most, most + 1):
        first, last = max(0, -late), len(jaw) - max(0, late)
        a, b = voice[first:last], jaw[first + late : last + late]
        a, b = a - a.mean(), b - b.mean()
        scale = math.sqrt(float(a @ a) * float(b @ b))
        found[late + most] = a @ b / scale if scale > 1e-9 else 0.0
    return found
