"""Tracks: recordings concatenated with pauses, so that they fill long context windows.

The start of a track, and of each recording in it, is where inference starts without history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from .datasets.captures import Capture, frame_times, resample_capture
from .datasets.durations import require_overlap
from .datasets.recordings import Recording, captured_at, read_audio

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Track:
    """Audio, and the face at the frame rate of the model.

    Attributes:
        source: name of its data folder in the settings.
        audio: (n,) mono samples.
        sample_rate: in Hz.
        weights: (T, 52).
        labelled: (52,) bool.
        captured: (T,) bool, False for frames in which the face was not captured.
        starts: frames at which recordings begin.
    """

    source: str
    audio: FloatArray
    sample_rate: int
    weights: FloatArray
    labelled: NDArray[np.bool_]
    captured: NDArray[np.bool_]
    starts: NDArray[np.int64]

    @property
    def frames(self) -> int:
        return len(self.weights)


def concatenate_recordings(
    recordings: Iterable[tuple[str, Recording]],
    fps: int,
    seconds: float,
    pauses: tuple[float, float],
    seed: int,
) -> Iterator[Track]:
    """Concatenate recordings to tracks.

    Only recordings of one source, subject, sample rate and set of labels share a track. Pauses hold
    room tone of the recording before; the face moves linearly from its last frame to the next one's
    first. Audio is read when a track is requested, so a data set need not fit into memory.

    Args:
        recordings: pairs (source, recording).
        fps: frames per second of the tracks.
        seconds: minimum duration of a track; the last one of a group may be shorter.
        pauses: shortest and longest pause between recordings, in seconds.
        seed: of the pauses and the room tone.

    Yields:
        The tracks; the same ones for the same seed.

    Raises:
        AudioError: audio cannot be read.
        DataError: a face lies outside of its audio (no_overlap).
    """
    groups: dict[tuple[str, str, int, bytes], list[tuple[Recording, FloatArray]]] = defaultdict(
        list
    )
    rng = np.random.default_rng(seed)

    def finish(key: tuple[str, str, int, bytes]) -> Track:
        return _concatenate(key[0], groups.pop(key), key[2], fps=fps, pauses=pauses, rng=rng)

    for source, recording in recordings:
        audio, sample_rate = read_audio(recording.audio)
        key = (source, recording.subject, sample_rate, recording.capture.labelled.tobytes())
        groups[key].append((recording, audio))
        if sum(len(samples) for _, samples in groups[key]) >= seconds * sample_rate:
            yield finish(key)
    for key in list(groups):
        yield finish(key)


def _concatenate(
    source: str,
    members: Sequence[tuple[Recording, FloatArray]],
    sample_rate: int,
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
            pause = round(float(rng.uniform(*pauses)) * sample_rate)
            pieces.append(_room_tone(audio, pause, rng))
            length += pause
        starts.append(length)
        face = _trim_to_audio(recording, len(audio) / sample_rate)
        times.append(face.times + length / sample_rate)
        weights.append(face.weights)
        pieces.append(audio)
        length += len(audio)
    labelled = members[0][0].capture.labelled
    joined = Capture(np.concatenate(weights), np.concatenate(times), labelled)
    frames = round(length / sample_rate * fps)
    return Track(
        source,
        np.concatenate(pieces),
        sample_rate,
        resample_capture(joined, fps, frames),
        labelled,
        _captured(members, starts, sample_rate, frame_times(frames, fps)),
        np.round(np.array(starts) / sample_rate * fps).astype(np.int64),
    )


def _captured(
    members: Sequence[tuple[Recording, FloatArray]],
    starts: Sequence[int],
    sample_rate: int,
    times: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether the face was captured, at times (T,); True in pauses between clips."""
    captured = np.ones(len(times), np.bool_)
    for (recording, audio), start in zip(members, starts, strict=True):
        local = times - start / sample_rate
        inside = (local >= 0) & (local < len(audio) / sample_rate)
        captured[inside] = captured_at(recording, local[inside])
    return captured


def _trim_to_audio(recording: Recording, seconds: float) -> Capture:
    """The face within its audio, with a frame at 0.

    A face that begins before its audio (timecodes and offsets can move it) is interpolated at 0; of
    one that begins later, the first frame is held.
    """
    require_overlap(recording, seconds)
    capture = recording.capture
    inside = (capture.times >= 0) & (capture.times < seconds)
    times, weights = capture.times[inside], capture.weights[inside]
    if not len(times) or times[0] > 0:
        times = np.concatenate([[0.0], times])
        weights = np.concatenate([resample_capture(capture, 1.0, 1), weights])
    return Capture(weights, times, capture.labelled)


def _room_tone(audio: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Low-passed noise (count,), as loud as the quietest tenth of the audio, at most -50 dBFS."""
    blocks = audio[: len(audio) // 400 * 400].reshape(-1, 400)
    quiet = float(np.quantile(blocks.std(axis=1), 0.1)) if len(blocks) else 0.0
    level = min(quiet, 10 ** (-50 / 20))
    white = rng.standard_normal(count)
    filtered = lfilter([0.25], [1.0, -0.75], white) / 0.378  # of standard deviation 1
    tone: FloatArray = (level * filtered).astype(np.float32)
    return tone
