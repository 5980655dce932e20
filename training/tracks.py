"""Tracks: recordings strung together with pauses, as voices come in a game.

Captured clips are short and play is long. Stringing the clips of one source together fills the long
windows; the start of each track, and of the recordings in it, is where a face begins from nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from koemorph.errors import DataError

from .datasets.recordings import (
    Capture,
    Recording,
    read_audio,
    resample_capture,
    seen_at,
    uniform_times,
)

FloatArray = NDArray[np.float32]
LOG = logging.getLogger(__name__)
LENGTHS_DIFFER = 0.25  # seconds by which a face may end before or after its sound


@dataclass(frozen=True)
class Track:
    """Audio (n,) at sample_rate Hz, and the face at the target rate.

    weights: (T, 52); labelled: (52,); seen: (T,), False where the face was not captured; starts:
    frames at which recordings begin; source: the name its data folder goes by in the settings.
    """

    source: str
    audio: FloatArray
    sample_rate: int
    weights: FloatArray
    labelled: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    starts: NDArray[np.int64]

    @property
    def frames(self) -> int:
        return len(self.weights)


def string_together(
    recordings: Iterable[tuple[str, Recording]],
    fps: int,
    seconds: float,
    pauses: tuple[float, float],
    seed: int,
) -> Iterator[Track]:
    """Tracks of at least `seconds` (the last of a group may be shorter) from (source, recording).

    Only recordings of one source, subject, sample rate and set of labels share a track. Pauses are
    drawn from `pauses` (seconds) and hold the recordings' own room tone; the face moves from one
    clip's last frame to the next one's first in a straight line. The same seed gives the same
    tracks. Sounds are read as tracks are drawn: all of a corpus need not fit into memory.
    """
    groups: dict[tuple[str, str, int, bytes], list[tuple[Recording, FloatArray]]] = defaultdict(
        list
    )
    rng = np.random.default_rng(seed)

    def finish(key: tuple[str, str, int, bytes]) -> Track:
        return _join(key[0], groups.pop(key), key[2], fps=fps, pauses=pauses, rng=rng)

    for source, recording in recordings:
        audio, rate = read_audio(recording.audio)
        key = (source, recording.subject, rate, recording.capture.labelled.tobytes())
        groups[key].append((recording, audio))
        if sum(len(samples) for _, samples in groups[key]) >= seconds * rate:
            yield finish(key)
    for key in list(groups):
        yield finish(key)


def _join(
    source: str,
    members: Sequence[tuple[Recording, FloatArray]],
    rate: int,
    *,
    fps: int,
    pauses: tuple[float, float],
    rng: np.random.Generator,
) -> Track:
    pieces: list[FloatArray] = []
    times, weights, starts = [], [], []
    length = 0
    for number, (recording, audio) in enumerate(members):
        if number:
            pause = round(float(rng.uniform(*pauses)) * rate)
            pieces.append(_room_tone(audio, pause, rng))
            length += pause
        starts.append(length)
        face = _while_heard(recording, len(audio) / rate)
        times.append(face.times + length / rate)
        weights.append(face.weights)
        pieces.append(audio)
        length += len(audio)
    labelled = members[0][0].capture.labelled
    joined = Capture(np.concatenate(weights), np.concatenate(times), labelled)
    frames = round(length / rate * fps)
    return Track(
        source,
        np.concatenate(pieces),
        rate,
        resample_capture(joined, fps, frames),
        labelled,
        _seen(members, starts, rate, uniform_times(frames, fps)),
        np.round(np.array(starts) / rate * fps).astype(np.int64),
    )


def _seen(
    members: Sequence[tuple[Recording, FloatArray]],
    starts: Sequence[int],
    rate: int,
    wanted: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """At which times (T,) a face is known: where it was captured, and in the pauses between."""
    seen = np.ones(len(wanted), np.bool_)
    for (recording, audio), start in zip(members, starts, strict=True):
        since = wanted - start / rate
        here = (since >= 0) & (since < len(audio) / rate)
        seen[here] = seen_at(recording, since[here])
    return seen


def read_sound(recording: Recording, fps: int) -> tuple[FloatArray, int]:
    """A recording's audio (n,) and its rate in Hz.

    Raises AudioError where it cannot be read; DataError where it is too short for one frame, or
    nothing of the face is in its time.
    """
    audio, rate = read_audio(recording.audio)
    if len(audio) / rate * fps < 0.5:
        raise DataError(f"{recording.audio} is too short for one frame at {fps} a second.")
    check_overlap(recording, len(audio) / rate)
    return audio, rate


def lengths_apart(recording: Recording, seconds: float) -> str:
    """A sentence where a face and its sound of so many seconds do not end together, else ""."""
    end = float(recording.capture.times[-1]) + 1 / recording.fps
    if abs(end - seconds) <= LENGTHS_DIFFER:
        return ""
    return f"The face lasts until {end:.2f} s, the audio {seconds:.2f} s."


def tell_lengths_apart(path: Path, recording: Recording, seconds: float) -> None:
    """Says where the face of the recording at a path and its sound of so many seconds do not end
    together."""
    apart = lengths_apart(recording, seconds)
    if apart:
        LOG.warning("%s: %s", path, apart)


def check_overlap(recording: Recording, seconds: float) -> None:
    """DataError where nothing of a face is in the time of its sound of so many seconds."""
    times = recording.capture.times
    if times[-1] < 0 or times[0] >= seconds:
        raise DataError(
            f"{recording.audio}: its face lasts from {times[0]:.2f} s to {times[-1]:.2f} s, its "
            f"sound from 0 to {seconds:.2f} s; correct its timecode.json or its timestamps."
        )


def _while_heard(recording: Recording, seconds: float) -> Capture:
    """The face while its sound of so many seconds lasts, from 0 on.

    A face that begins before its sound (timecodes and offsets move it there) begins where it is at
    0; one that begins later holds still until then.
    """
    check_overlap(recording, seconds)
    capture = recording.capture
    inside = (capture.times >= 0) & (capture.times < seconds)
    times, weights = capture.times[inside], capture.weights[inside]
    if not len(times) or times[0] > 0:
        times = np.concatenate([[0.0], times])
        weights = np.concatenate([resample_capture(capture, 1.0, 1), weights])
    return Capture(weights, times, capture.labelled)


def _room_tone(audio: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Low noise, as loud as the quietest tenth of the audio (at most -50 dBFS), (count,)."""
    blocks = audio[: len(audio) // 400 * 400].reshape(-1, 400)
    quiet = float(np.quantile(blocks.std(axis=1), 0.1)) if len(blocks) else 0.0
    level = min(quiet, 10 ** (-50 / 20))
    white = rng.standard_normal(count)
    dull = lfilter([0.25], [1.0, -0.75], white) / 0.378  # of standard deviation 1
    tone: FloatArray = (level * dull).astype(np.float32)
    return tone
