"""Checks of a data set: problems of its recordings and their remedies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from koemorph.errors import KoemorphError

from .captures import frame_times
from .durations import MAX_LENGTH_DIFFERENCE, length_mismatch, read_matching_audio
from .recordings import AUDIO_SUFFIXES, Recording, read_recording, walk_folders
from .sync import estimate_offset, sync_signals
from .timecode import apply_timecode

FPS = 30  # of most models
SILENCE_LEVEL = 10 ** (-60 / 20)  # of full scale
MAX_STATIC_RATIO = 0.9  # of frames in which no blend shape moves
MAX_DRIFT = 0.08  # seconds between the offsets of a recording's halves
MIN_OFFSET_DURATION = 20.0  # seconds of audio that an offset needs


@dataclass(frozen=True)
class Problem:
    """A problem of a recording.

    Attributes:
        where: the recording or file.
        code: a short name of the kind of problem.
        what: a sentence about the problem.
        remedy: a sentence about the solution.
    """

    where: str
    code: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}"


def check_folder(root: Path) -> Iterator[Problem]:
    """Find audio files without a face and faces without an audio file.

    Args:
        root: the data folder.

    Yields:
        The problems.
    """
    for folder, names in sorted(walk_folders(root)):
        files = [Path(name) for name in sorted(names)]
        sounds = {file.stem for file in files if file.suffix in AUDIO_SUFFIXES}
        faces = {file.stem for file in files if file.suffix == ".jsonl"}
        if "blendshapes" in faces:
            continue  # a v2.0 recording, which check_recording reads
        for name in sorted(sounds - faces):
            face = "blendshapes.jsonl" if name == "audio" else f"{name}.jsonl"
            yield Problem(
                str(folder / face),
                "face_missing",
                "The file is missing: there is audio without a face.",
                "Add it, or remove the audio.",
            )
        for name in sorted(faces - sounds):
            if _has_frames(folder / f"{name}.jsonl"):
                yield Problem(
                    str(folder / f"{name}.wav"),
                    "audio_missing",
                    "The file is missing: there is a face without audio.",
                    "Add it, or remove the face.",
                )


def _has_frames(path: Path) -> bool:
    """Whether a JSONL file contains frames; others may contain phones or texts."""
    try:
        with path.open("rb") as stream:
            return b'"blendshapes"' in stream.readline(10_000)
    except OSError:
        return False


def check_recording(path: Path) -> Iterator[Problem]:
    """Find the problems of one recording.

    Args:
        path: a v2.0 folder or the .jsonl file of a v1.0 pair.

    Yields:
        The problems.
    """
    where = str(path)
    try:
        recording = apply_timecode(read_recording(path))
        audio, sample_rate = read_matching_audio(recording, FPS)
    except KoemorphError as error:
        # A message that begins with a file of this recording is more exact.
        file, separator, text = str(error).partition(": ")
        exact = separator and file.startswith(where)
        yield Problem(
            file if exact else where,
            "unreadable",
            text if exact else str(error),
            "Repair or remove it, or train with skip_bad_recordings.",
        )
        return
    seconds = len(audio) / sample_rate
    if np.abs(audio).max() < SILENCE_LEVEL:
        yield Problem(where, "silent", "The audio is silent.", "Record or export the audio again.")
    yield from _check_metadata(where, recording, seconds)
    yield from _check_face(where, recording)
    yield from _check_times(where, recording, seconds)
    yield from _check_offset(where, recording, seconds)


def _check_metadata(where: str, recording: Recording, seconds: float) -> Iterator[Problem]:
    remedy = "Correct metadata.json, or restore the missing part of the recording."
    frames, stated = len(recording.capture.times), recording.metadata.get("num_frames")
    if stated is not None and stated != frames:
        what = f"metadata.json has num_frames {stated}, blendshapes.jsonl has {frames} frames."
        yield Problem(where, "frame_count", what, remedy)
    duration = recording.metadata.get("duration_seconds")
    if isinstance(duration, (int, float)) and abs(duration - seconds) > MAX_LENGTH_DIFFERENCE:
        what = f"metadata.json has duration_seconds {duration:.2f}, the audio has {seconds:.2f} s."
        yield Problem(where, "duration", what, remedy)


def _check_face(where: str, recording: Recording) -> Iterator[Problem]:
    labelled = recording.capture.weights[:, recording.capture.labelled]
    if not labelled.size:
        yield Problem(
            where, "unlabelled", "No blend shape is labelled.", "Remove it: training ignores it."
        )
        return
    static = np.abs(np.diff(labelled, axis=0)).max(axis=1) < 1e-5
    if len(static) and static.mean() > MAX_STATIC_RATIO:
        yield Problem(
            where,
            "static",
            f"The face does not move in {100 * static.mean():.0f} % of its frames.",
            "Check that the capture ran; remove it if it did not.",
        )


def _check_times(where: str, recording: Recording, seconds: float) -> Iterator[Problem]:
    times, fps = recording.capture.times, recording.fps
    steps = np.diff(times)
    mismatch = length_mismatch(recording, seconds)
    if mismatch:
        remedy = "Cut the longer one, or correct the start times in timecode.json."
        yield Problem(where, "length_mismatch", mismatch, remedy)
    gaps = int((steps > 1.5 / fps).sum())
    if gaps:
        count = "1 place" if gaps == 1 else f"{gaps} places"
        yield Problem(
            where,
            "missing_frames",
            f"Frames are missing in {count} (the longest gap is {1000 * steps.max():.0f} ms).",
            "Training ignores longer gaps; capture again if much is lost.",
        )
    stated = recording.metadata.get("source_fps")
    if stated is not None and len(times) > 1 and not gaps:
        expected = frame_times(len(times), float(stated))
        drift = float(times[-1] - times[0] - expected[-1])
        if abs(drift) > 1 / fps:
            yield Problem(
                where,
                "fps_mismatch",
                f"The timestamps drift from source_fps {stated:g} by {1000 * drift:.0f} ms.",
                "Correct source_fps or the timestamps.",
            )


def _check_offset(where: str, recording: Recording, seconds: float) -> Iterator[Problem]:
    signals = sync_signals(recording) if seconds >= MIN_OFFSET_DURATION else None
    if signals is None:
        return
    offset = estimate_offset([signals])
    if offset.needs_correction and abs(offset.seconds) > 2 / recording.fps:
        yield Problem(
            where,
            "offset",
            f"The face is {1000 * offset.seconds:.0f} ms later than the audio.",
            "Train with data.verify_sync=true, which corrects it.",
        )
    if seconds < 2 * MIN_OFFSET_DURATION:
        return
    half = len(signals.jaw) // 2
    offsets = [estimate_offset([signals.segment(first, first + half)]) for first in (0, half)]
    drift = offsets[1].seconds - offsets[0].seconds
    if all(each.significant for each in offsets) and abs(drift) > MAX_DRIFT:
        yield Problem(
            where,
            "drift",
            f"Audio and face drift apart by {1000 * drift:.0f} ms between the halves.",
            "They were recorded at different clock rates: resample one of them.",
        )
