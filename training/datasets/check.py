"""What is wrong with a folder of recordings, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from koemorph.errors import KoemorphError

from ..tracks import LENGTHS_DIFFER, lengths_apart, read_sound
from .recordings import AUDIO_SUFFIXES, Recording, folders, read_recording, uniform_times
from .sync import movement_of, offset_of, with_timecode

FPS = 30  # at which most models are trained
SILENT = 10 ** (-60 / 20)  # of full scale: nothing louder than this is silence
LONGEST_STILL = 0.9  # share of frames in which nothing of a face moves
DRIFT = 0.08  # seconds between the offsets of a recording's halves
HALVES = 20.0  # seconds that a half needs before its offset means anything


@dataclass(frozen=True)
class Problem:
    """Where, what, and what to do."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}"


def check_folder(root: Path) -> Iterator[Problem]:
    """Sounds without a face and faces without a sound, which are no recordings."""
    for folder, names in sorted(folders(root)):
        files = [Path(name) for name in sorted(names)]
        sounds = {file.stem for file in files if file.suffix in AUDIO_SUFFIXES}
        faces = {file.stem for file in files if file.suffix == ".jsonl"}
        if "blendshapes" in faces:
            continue  # a recording, whatever it lacks
        for name in sorted(sounds - faces):
            face = "blendshapes.jsonl" if name == "audio" else f"{name}.jsonl"
            yield Problem(
                str(folder / face),
                "It is missing: there is a sound without a face.",
                "Add it, or remove the sound.",
            )
        for name in sorted(faces - sounds):
            if _holds_face(folder / f"{name}.jsonl"):
                yield Problem(
                    str(folder / f"{name}.wav"),
                    "It is missing: there is a face without a sound.",
                    "Add it, or remove the face.",
                )


def _holds_face(path: Path) -> bool:
    """Whether lines of a JSONL file are frames; others may hold phones or texts."""
    try:
        with path.open("rb") as stream:
            return b'"blendshapes"' in stream.readline(10_000)
    except OSError:
        return False


def check_recording(path: Path) -> Iterator[Problem]:
    """Everything that is wrong with one recording."""
    try:
        recording = with_timecode(read_recording(path))
        audio, rate = read_sound(recording, FPS)
    except KoemorphError as error:
        yield Problem(
            str(path), str(error), "Repair or remove it, or train with skip_bad_recordings."
        )
        return
    where = str(path)
    if np.abs(audio).max() < SILENT:
        yield Problem(where, "The audio is silent.", "Record or export the sound again.")
    yield from _check_metadata(where, recording, len(audio) / rate)
    yield from _check_face(where, recording)
    yield from _check_times(where, recording, len(audio) / rate)
    yield from _check_offset(where, recording, len(audio) / rate)


def _check_metadata(where: str, recording: Recording, seconds: float) -> Iterator[Problem]:
    remedy = "A part of it is lost, or metadata.json is of another take: correct it."
    frames, named = len(recording.capture.times), recording.metadata.get("num_frames")
    if named is not None and named != frames:
        yield Problem(where, f"metadata.json counts {named} frames, there are {frames}.", remedy)
    lasts = recording.metadata.get("duration_seconds")
    if isinstance(lasts, (int, float)) and abs(lasts - seconds) > LENGTHS_DIFFER:
        what = f"metadata.json says {lasts:.2f} s, the audio lasts {seconds:.2f} s."
        yield Problem(where, what, remedy)


def _check_face(where: str, recording: Recording) -> Iterator[Problem]:
    labelled = recording.capture.weights[:, recording.capture.labelled]
    if not labelled.size:
        yield Problem(where, "No blendshape is labelled.", "Remove it: it teaches nothing.")
        return
    still = np.abs(np.diff(labelled, axis=0)).max(axis=1) < 1e-5
    if len(still) and still.mean() > LONGEST_STILL:
        yield Problem(
            where,
            f"The face does not move in {100 * still.mean():.0f} % of its frames.",
            "Check that the capture ran; remove it if it did not.",
        )


def _check_times(where: str, recording: Recording, seconds: float) -> Iterator[Problem]:
    times, fps = recording.capture.times, recording.fps
    steps = np.diff(times)
    apart = lengths_apart(recording, seconds)
    if apart:
        remedy = "Cut the longer one, or give timecode.json the true starts."
        yield Problem(where, apart, remedy)
    gaps = int((steps > 1.5 / fps).sum())
    if gaps:
        yield Problem(
            where,
            f"Frames are missing in {gaps} places (the longest is {1000 * steps.max():.0f} ms).",
            "What is lost for longer teaches nothing; capture again if it is much.",
        )
    named = recording.metadata.get("source_fps")
    if named is not None and len(times) > 1 and not gaps:
        expected = uniform_times(len(times), float(named))
        drift = float(times[-1] - times[0] - expected[-1])
        if abs(drift) > 1 / fps:
            yield Problem(
                where,
                f"The timestamps drift from source_fps {named:g} by {1000 * drift:.0f} ms.",
                "Correct source_fps, or the timestamps: one of them is wrong.",
            )


def _check_offset(where: str, recording: Recording, seconds: float) -> Iterator[Problem]:
    movement = movement_of(recording) if seconds >= HALVES else None
    if movement is None:
        return
    whole = offset_of([movement])
    if whole.matters and abs(whole.seconds) > 2 / recording.fps:
        yield Problem(
            where,
            f"The face comes {1000 * whole.seconds:.0f} ms after its sound.",
            "Train with data.verify_sync=true, which corrects it.",
        )
    if seconds < 2 * HALVES:
        return
    count = len(movement.jaw)
    halves = [offset_of([movement.part(first, first + count // 2)]) for first in (0, count // 2)]
    apart = halves[1].seconds - halves[0].seconds
    if all(half.clear for half in halves) and abs(apart) > DRIFT:
        yield Problem(
            where,
            f"Sound and face drift apart, by {1000 * apart:.0f} ms from half to half.",
            "Sound and face were recorded at rates that differ: resample one of them.",
        )
