"""SMPTE timecodes, and timecode.json, which synchronizes audio and face of a recording."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from koemorph.errors import DataError

from .captures import Capture, exact_fps
from .recordings import Recording


def timecode_seconds(text: str, fps: float) -> float:
    """Convert an SMPTE timecode to seconds.

    Args:
        text: HH:MM:SS:FF or HH:MM:SS:FF.fff; a `;` instead of a `:` marks drop-frame, which counts
            29.97 (59.94) frames per second, also where `fps` is 30 (60).
        fps: frames per second of the frame numbers.

    Returns:
        Seconds since 00:00:00:00.

    Raises:
        ValueError: the text is not a timecode of this rate.
    """
    hours, minutes, seconds, frames = (float(part) for part in text.replace(";", ":").split(":"))
    nominal = round(fps)
    valid = hours <= 24 and minutes < 60 and seconds < 60 and frames < nominal
    if not valid or "-" in text:
        raise ValueError(f"{text} is not a timecode at {fps:g} fps")
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    rate = exact_fps(fps)
    if ";" in text:
        if nominal % 30:
            raise ValueError(f"{text} is drop-frame, which does not exist at {fps:g} fps")
        # Two (at 60 fps four) numbers are skipped each minute except the tenth.
        total_minutes = hours * 60 + minutes
        count -= (nominal // 15) * (total_minutes - total_minutes // 10)
        rate = Fraction(nominal * 1000, 1001)
    return count * rate.denominator / rate.numerator


def timecode_difference(first: str, later: str, fps: float) -> float:
    """Compute the seconds from one timecode to another, across midnight if need be.

    Args:
        first: the earlier timecode.
        later: the later timecode.
        fps: frames per second of the frame numbers.

    Returns:
        Seconds, at most half a day; negative if `later` is earlier.

    Raises:
        ValueError: a text is not a timecode of this rate.
    """
    difference = timecode_seconds(later, fps) - timecode_seconds(first, fps)
    day = timecode_seconds("24:00:00;00" if ";" in later else "24:00:00:00", fps)
    return difference - day * round(difference / day)


def timecode_offset(path: Path) -> float:
    """Read how long after the first audio sample the first face frame was captured.

    Args:
        path: a timecode.json with `fps`, `audio_start` and `blendshapes_start`.

    Returns:
        Seconds.

    Raises:
        DataError: the file is not such a JSON object (invalid_timecode).
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
        fps = float(stored["fps"])
        return timecode_difference(stored["audio_start"], stored["blendshapes_start"], fps)
    except (
        ArithmeticError, AttributeError, KeyError, OSError, TypeError, ValueError
    ) as error:  # fmt: skip
        raise DataError(
            f"{path}: expected fps, audio_start and blendshapes_start, HH:MM:SS:FF ({error}).",
            code="invalid_timecode",
        ) from error


def apply_timecode(recording: Recording) -> Recording:
    """Move the face of a recording to where its timecode.json puts it.

    Args:
        recording: the recording.

    Returns:
        The moved recording; the same object where there is no timecode.json.

    Raises:
        DataError: timecode.json is broken (invalid_timecode).
    """
    path = recording.audio.parent / "timecode.json"
    if recording.audio.stem != "audio" or not path.is_file():
        return recording
    return advance_face(recording, -timecode_offset(path))


def advance_face(recording: Recording, seconds: float) -> Recording:
    """Move the face of a recording to an earlier time.

    Args:
        recording: the recording.
        seconds: by how much; negative to delay.

    Returns:
        The moved recording.
    """
    capture = recording.capture
    moved = Capture(capture.weights, capture.times - seconds, capture.labelled)
    return replace(recording, capture=moved)
