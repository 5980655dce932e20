"""Sound and face in step: what timecodes say about it, and what the signals themselves say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.coefficients import INDEX
from koemorph.errors import DataError

from .recordings import Capture, Recording, exact_fps, read_audio, resample_capture

RATE = 100  # Hz, at which sound and jaw are compared
REACH = 0.4  # seconds to either side
TRUSTED = 0.3  # a weaker correlation of loudness and jaw says nothing about their offset
SMALLEST = 0.02  # seconds; less than this is not worth correcting


@dataclass(frozen=True)
class Offset:
    """How many seconds the face comes after its sound, and how clearly (a correlation)."""

    seconds: float
    strength: float

    @property
    def matters(self) -> bool:
        """Whether it is clear and large enough to be corrected."""
        return self.strength >= TRUSTED and abs(self.seconds) >= SMALLEST


def timecode_seconds(text: str, fps: float) -> float:
    """Seconds of an SMPTE timecode HH:MM:SS:FF or HH:MM:SS:FF.fff; a `;` marks drop-frame.

    Raises ValueError when it is none.
    """
    drop = ";" in text
    hours, minutes, seconds, frames = (float(part) for part in text.replace(";", ":").split(":"))
    nominal = round(fps)
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if drop:
        # Two (at 60 fps four) numbers are left out each minute but the tenth.
        whole = hours * 60 + minutes
        count -= (nominal // 15) * (whole - whole // 10)
    rate = exact_fps(fps)
    return count * rate.denominator / rate.numerator


def timecode_offset(path: Path) -> float:
    """Seconds between the sound's first sample and the face's first frame, by timecode.json.

    The file holds `fps`, `audio_start` and `blendshapes_start`. Raises DataError, with the file.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        fps = float(stored["fps"])
        face = timecode_seconds(stored["blendshapes_start"], fps)
        return face - timecode_seconds(stored["audio_start"], fps)
    except (OSError, KeyError, TypeError, ValueError) as error:
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
    """How late the face comes, over recordings that were made alike: loudness against jawOpen."""
    shifts = np.arange(-round(REACH * RATE), round(REACH * RATE) + 1)
    total = np.zeros(len(shifts))
    weight = 0.0
    for recording in recordings:
        if not recording.capture.labelled[INDEX["jawOpen"]]:
            continue
        pair = _signals(recording)
        if pair is None:
            continue
        loud, jaw = pair
        most = len(shifts) // 2
        curve = np.correlate(np.pad(jaw, most), loud, mode="valid") / len(loud)
        total += curve * len(loud)
        weight += len(loud)
    if weight == 0.0:
        return Offset(0.0, 0.0)
    total /= weight
    best = int(total.argmax())
    return Offset(float(shifts[best]) / RATE, float(total[best]))


def _signals(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Loudness in dB and jawOpen at RATE Hz, both normalised; None where either is constant."""
    audio, rate = read_audio(recording.audio)
    count = len(audio) * RATE // rate
    if count < RATE:
        return None
    edges = np.arange(count + 1) * rate // RATE
    energy = np.add.reduceat(audio.astype(np.float64) ** 2, edges[:-1])
    loud = 10 * np.log10(np.convolve(energy, np.hanning(9), mode="same") + 1e-7)
    jaw = resample_capture(recording.capture, RATE, count)[:, INDEX["jawOpen"]].astype(np.float64)
    if loud.std() < 1e-6 or jaw.std() < 1e-6:
        return None
    return (loud - loud.mean()) / loud.std(), (jaw - jaw.mean()) / jaw.std()
