"""From data folders to the tracks of a training run: read, split, concatenated, with features."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import INDEX
from koemorph.errors import DataError, KoemorphError

from .cache import FeatureCache
from .data import LabelledTrack, load_tracks
from .datasets.durations import read_matching_audio, warn_length_mismatch
from .datasets.recordings import Recording, find_recordings, read_recording
from .datasets.sync import measure_offset
from .datasets.timecode import advance_face, apply_timecode
from .settings import Settings
from .tracks import Track, concatenate_recordings

# Pairs (source, recording).
Sourced = list[tuple[str, Recording]]
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingData:
    """The data of a training run.

    Attributes:
        train: tracks of several recordings.
        validation: one track per recording.
        fingerprint: a digest of all recordings and their split.
        skipped: how many recordings could not be read.
    """

    train: list[LabelledTrack]
    validation: list[LabelledTrack]
    fingerprint: str
    skipped: int


def load_training_data(settings: Settings) -> TrainingData:
    """Read all recordings of a run and compute their features.

    Args:
        settings: of the run.

    Returns:
        The data.

    Raises:
        DataError: nothing is labelled in a split (unlabelled), or a recording cannot be read and
            data.skip_bad_recordings is false.
        AudioError: likewise.
    """
    train, validation, skipped = _read_splits(settings)
    _require_labels(train, "training")
    _require_labels(validation, "validation")
    cache = FeatureCache(Path(settings.data.cache_dir), settings.features, settings.expression)
    return TrainingData(
        load_tracks(_train_tracks(train, settings), cache, settings.data.rest_in_pauses),
        load_tracks(_validation_tracks(validation, settings), cache),
        _fingerprint(train, validation),
        skipped,
    )


def iterate_tracks(settings: Settings) -> Iterator[Track]:
    """Read all tracks whose features a run needs.

    Args:
        settings: of the run.

    Yields:
        The tracks of training, then of validation.

    Raises:
        DataError, AudioError: a recording cannot be read and data.skip_bad_recordings is false.
    """
    train, validation, _ = _read_splits(settings)
    yield from _train_tracks(train, settings)
    yield from _validation_tracks(validation, settings)


def _require_labels(recordings: Sourced, split: str) -> None:
    if not any(recording.capture.labelled.any() for _, recording in recordings):
        raise DataError(
            f"no labelled blend shape in the {split} recordings. Name fewer in data.unlabelled and "
            "in unlabelled of their metadata.json.",
            code="unlabelled",
        )


def _read_splits(settings: Settings) -> tuple[Sourced, Sourced, int]:
    data = settings.data
    train, skipped = _read(settings.train, settings)
    validation, more = _read(settings.validation, settings) if settings.validation else ([], 0)
    if data.verify_sync:
        # Together: a few validation recordings may be too short to show the subject's offset.
        corrected = _correct_offsets(train + validation)
        train, validation = corrected[: len(train)], corrected[len(train) :]
    if not settings.validation:
        train, validation = _split(train, data.validation_ratio)
    return train, validation, skipped + more


def _train_tracks(recordings: Sourced, settings: Settings) -> Iterator[Track]:
    data, fps = settings.data, settings.features.fps
    moved = [
        (name, advance_face(each, data.lead_seconds.get(name, 0.0))) for name, each in recordings
    ]
    pauses = (data.pause_seconds[0], data.pause_seconds[1])
    return concatenate_recordings(moved, fps, data.track_seconds, pauses, settings.seed)


def _validation_tracks(recordings: Sourced, settings: Settings) -> Iterator[Track]:
    """One track per recording: validation starts each without history."""
    fps = settings.features.fps
    return concatenate_recordings(recordings, fps, 0.0, (0.0, 0.0), settings.seed)


def _read(folders: Mapping[str, Path], settings: Settings) -> tuple[Sourced, int]:
    found: Sourced = []
    skipped = 0
    for name, folder in folders.items():
        unlabelled = settings.unlabelled.get(name, ())
        for path in find_recordings(folder)[: settings.data.max_files]:
            try:
                recording = _read_checked(path, settings)
            except KoemorphError as error:
                if not settings.data.skip_bad_recordings:
                    raise
                LOG.warning("recording skipped: %s", error)
                skipped += 1
                continue
            found.append((name, _mask(recording, unlabelled)))
    if not found:
        names = ", ".join(map(str, folders.values()))
        raise DataError(
            f"no usable recording in {names}: {skipped} could not be read.", code="no_recordings"
        )
    return found, skipped


def _read_checked(path: Path, settings: Settings) -> Recording:
    """A recording whose audio can be read and overlaps with its face."""
    recording = read_recording(path, auto_detect_fps=settings.data.auto_detect_fps)
    if settings.data.use_timecode:
        recording = apply_timecode(recording)
    audio, sample_rate = read_matching_audio(recording, settings.features.fps)
    warn_length_mismatch(path, recording, len(audio) / sample_rate)
    return recording


def _correct_offsets(recordings: Sourced) -> Sourced:
    """Measure, log and remove the offset between audio and face of each subject."""
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for source, recording in recordings:
        groups[source, recording.subject].append(recording)
    delays = {}
    for (source, subject), members in groups.items():
        offset = measure_offset(members)
        LOG.info(
            "%s %s: face %.0f ms later than the audio (r %.2f)%s",
            source,
            subject,
            1000 * offset.seconds,
            offset.correlation,
            ", corrected" if offset.needs_correction else "",
        )
        delays[source, subject] = offset.seconds if offset.needs_correction else 0.0
    return [
        (source, advance_face(each, delays[source, each.subject])) for source, each in recordings
    ]


def _mask(recording: Recording, unlabelled: Sequence[str]) -> Recording:
    if not unlabelled:
        return recording
    labelled: NDArray[np.bool_] = recording.capture.labelled.copy()
    labelled[[INDEX[name] for name in unlabelled]] = False
    return replace(recording, capture=replace(recording.capture, labelled=labelled))


def _split(recordings: Sourced, ratio: float) -> tuple[Sourced, Sourced]:
    """Every n-th recording is for validation; a single recording is for both."""
    if len(recordings) < 2 or ratio <= 0:
        return recordings, recordings[:1]
    interval = max(2, round(1 / ratio))
    validation = recordings[interval - 1 :: interval] or recordings[-1:]
    chosen = {id(recording) for _, recording in validation}
    return [pair for pair in recordings if id(pair[1]) not in chosen], validation


def _fingerprint(*splits: Sourced) -> str:
    """A digest of names, audio sizes, weights and times of the recordings of each split."""
    digest = hashlib.sha256()
    for recordings in splits:
        digest.update(f"{len(recordings)} recordings".encode())
        for source, recording in recordings:
            size = recording.audio.stat().st_size
            digest.update(f"{source}/{recording.name}/{size}".encode())
            digest.update(recording.capture.weights.tobytes())
            digest.update(recording.capture.times.tobytes())
            digest.update(recording.capture.labelled.tobytes())
    return digest.hexdigest()[:16]
