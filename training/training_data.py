"""From data folders to the tracks of a run: read, split, strung together, features cached."""

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
from .datasets.recordings import Recording, find_recordings, read_recording
from .datasets.sync import measure_offset, shifted, with_timecode
from .settings import Settings
from .tracks import Track, read_sound, string_together, tell_lengths_apart

Named = list[tuple[str, Recording]]
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Tracks to train on; recordings, one a track, to validate on; what was read, and left out."""

    train: list[LabelledTrack]
    validation: list[LabelledTrack]
    fingerprint: str
    skipped: int


def prepare(settings: Settings) -> PreparedData:
    """Reads all recordings of a run; DataError for the first that cannot be read and may not be
    skipped, and where nothing is labelled to train or to validate on."""
    train, validation, bad = _both(settings)
    _check_labels(train, "train")
    _check_labels(validation, "validate")
    cache = FeatureCache(settings.data.cache, settings.features, settings.expression)
    return PreparedData(
        load_tracks(_strung(train, settings), cache, settings.data.rest_in_pauses),
        load_tracks(_alone(validation, settings), cache),
        _fingerprint(train, validation),
        bad,
    )


def all_tracks(settings: Settings) -> Iterator[Track]:
    """Every track that a run with these settings needs features of."""
    train, validation, _ = _both(settings)
    yield from _strung(train, settings)
    yield from _alone(validation, settings)


def _check_labels(recordings: Named, purpose: str) -> None:
    if not any(recording.capture.labelled.any() for _, recording in recordings):
        raise DataError(
            f"the recordings to {purpose} on have no labelled blendshape; name fewer in "
            "data.unlabelled and in unlabelled of their metadata.json."
        )


def _both(settings: Settings) -> tuple[Named, Named, int]:
    data = settings.data
    train, bad = _read(data.train, settings)
    validation, more = _read(data.validation, settings) if data.validation else ([], 0)
    if data.verify_sync:
        # Of both at once: a small share of a subject's recordings may not show its offset.
        moved = _in_step(train + validation)
        train, validation = moved[: len(train)], moved[len(train) :]
    if not data.validation:
        train, validation = _split(train, data.validation_ratio)
    return train, validation, bad + more


def _strung(recordings: Named, settings: Settings) -> Iterator[Track]:
    data, fps = settings.data, settings.features.fps
    early = [(name, shifted(one, data.lead_seconds.get(name, 0.0))) for name, one in recordings]
    return string_together(early, fps, data.track_seconds, data.pause_seconds, settings.seed)


def _alone(recordings: Named, settings: Settings) -> Iterator[Track]:
    """One track a recording: validation begins each from nothing."""
    return string_together(recordings, settings.features.fps, 0.0, (0.0, 0.0), settings.seed)


def _read(folders: Mapping[str, Path], settings: Settings) -> tuple[Named, int]:
    found: Named = []
    bad = 0
    for name, folder in folders.items():
        unlabelled = settings.data.unlabelled.get(name, ())
        for path in find_recordings(folder)[: settings.data.max_files]:
            try:
                recording = _read_whole(path, settings)
            except KoemorphError as error:
                if not settings.data.skip_bad:
                    raise
                LOG.warning("left out: %s", error)
                bad += 1
                continue
            found.append((name, _mask(recording, unlabelled)))
    if not found:
        places = ", ".join(map(str, folders.values()))
        raise DataError(f"none of the recordings in {places} is usable.")
    return found, bad


def _read_whole(path: Path, settings: Settings) -> Recording:
    """A recording whose sound, too, can be read, and lasts while there is a face.

    Says where one of them goes on without the other.
    """
    recording = read_recording(path, auto_detect_fps=settings.data.auto_detect_fps)
    if settings.data.use_timecode:
        recording = with_timecode(recording)
    audio, rate = read_sound(recording, settings.features.fps)
    tell_lengths_apart(path, recording, len(audio) / rate)
    return recording


def _in_step(recordings: Named) -> Named:
    """Measures each subject's offset between sound and face, says it, and takes it away."""
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for source, recording in recordings:
        groups[source, recording.subject].append(recording)
    late = {}
    for (source, subject), members in groups.items():
        offset = measure_offset(members)
        LOG.info(
            "%s %s: the face comes %.0f ms after its sound (r %.2f)%s",
            source,
            subject,
            1000 * offset.seconds,
            offset.strength,
            "; corrected" if offset.matters else "",
        )
        late[source, subject] = offset.seconds if offset.matters else 0.0
    return [(source, shifted(one, late[source, one.subject])) for source, one in recordings]


def _mask(recording: Recording, unlabelled: Sequence[str]) -> Recording:
    if not unlabelled:
        return recording
    labelled: NDArray[np.bool_] = recording.capture.labelled.copy()
    labelled[[INDEX[name] for name in unlabelled]] = False
    return replace(recording, capture=replace(recording.capture, labelled=labelled))


def _split(recordings: Named, share: float) -> tuple[Named, Named]:
    """Every n-th recording validates; a single recording does both."""
    if len(recordings) < 2 or share <= 0:
        return recordings, recordings[:1]
    every = max(2, round(1 / share))
    validation = recordings[every - 1 :: every] or recordings[-1:]
    chosen = {id(recording) for _, recording in validation}
    return [pair for pair in recordings if id(pair[1]) not in chosen], validation


def _fingerprint(*parts: Named) -> str:
    """A digest of names, lengths, blendshapes and their times: another corpus has another one, and
    so has one that is divided otherwise into what teaches and what validates."""
    digest = hashlib.sha256()
    for recordings in parts:
        digest.update(f"{len(recordings)} recordings".encode())
        for source, recording in recordings:
            size = recording.audio.stat().st_size
            digest.update(f"{source}/{recording.name}/{size}".encode())
            digest.update(recording.capture.weights.tobytes())
            digest.update(recording.capture.times.tobytes())
            digest.update(recording.capture.labelled.tobytes())
    return digest.hexdigest()[:16]
