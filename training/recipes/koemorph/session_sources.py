"""The sessions of each source: their folders, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample

from koemorph.blendshapes import BLENDSHAPES

from ... import synthetic_sounds
from ...datasets.captures import Capture, frame_times, resample_capture
from ...datasets.recordings import read_audio
from ...datasets.registry import CapturedClip, read_dataset
from ...datasets.utterances import SAMPLE_RATE, Utterance, resample_to_16k
from . import audio_augmentation, face_rules, sessions
from .config import LIVELY_SOURCES, SOURCES, BuildConfig
from .teacher import Teacher
from .teacher_data import grid_clips
from .voices import group_by_duration, read_splits

# Utterances of a session last so long; pauses fill the rest.
_SPEECH_SECONDS = 0.7 * sessions.SECONDS
# Folder of a session, and a function that makes it, with its labels (None: all).
Jobs = Iterator[tuple[Path, Callable[[], tuple[sessions.Session, NDArray[np.bool_] | None]]]]


def speech_sessions(config: BuildConfig, source: str, teacher: Teacher) -> Jobs:
    """List the sessions of a source whose phones are known.

    Args:
        config: of the build.
        source: one of ALL_SOURCES.
        teacher: makes the faces.

    Yields:
        The sessions, see Jobs.
    """
    origin, style, takes = source, face_rules.NEUTRAL, config.takes
    if source in LIVELY_SOURCES:
        origin, style, takes = LIVELY_SOURCES[source], face_rules.LIVELY, 1
    train, dev = read_splits(config, origin)
    captured = _grid_faces(config) if origin == "grid" else sessions.no_capture
    jobs = [("train", take, train) for take in range(takes)] + [("dev", 0, dev)]
    for split, take, utterances in jobs:
        key = [config.seed, SOURCES.index(origin), take]
        order_rng = np.random.default_rng([*key, split == "dev"])
        ordered = sessions.shuffle_by_voice(utterances, order_rng)
        for number, group in enumerate(group_by_duration(ordered, _SPEECH_SECONDS)):

            def make(
                group: list[Utterance] = group,
                key: tuple[int, ...] = (*key, number, split == "dev"),
                dev: bool = split == "dev",
            ) -> tuple[sessions.Session, None]:
                rng = np.random.default_rng(key)
                session = sessions.assemble_session(
                    iter(group), teacher, rng, captured, clean=dev, style=style
                )
                return session, None

            yield config.out / source / split / f"{source}_{take}_{number:04d}", make


def _grid_faces(config: BuildConfig) -> sessions.CapturedFace:
    captures: dict[str, Capture] = {}
    for clip in grid_clips(config.data):
        labelled = np.array([name not in clip.unlabelled for name in BLENDSHAPES])
        face = np.where(labelled, clip.face, np.float32(np.nan))
        captures[clip.name] = Capture(face, frame_times(len(face), clip.fps), labelled)

    def face_at(utterance: Utterance, times: NDArray[np.floating]) -> NDArray[np.float32]:
        capture = captures[utterance.name]
        return np.stack(
            [np.interp(times, capture.times, curve) for curve in capture.weights.T], 1
        ).astype(np.float32)

    return face_at


def facegood_sessions(config: BuildConfig) -> Jobs:
    """List the captured train clips of FACEGOOD, augmented; only the mouth is labelled.

    Args:
        config: of the build.

    Yields:
        The sessions, see Jobs.
    """
    for clip in read_dataset("facegood", config.data / "facegood"):
        if clip.split != "train":
            continue
        for take in range(config.facegood_takes):
            key = [config.seed, SOURCES.index("facegood"), take, int(clip.name[-1])]

            def make(
                clip: CapturedClip = clip, key: list[int] = key
            ) -> tuple[sessions.Session, NDArray[np.bool_]]:
                return _augmented_clip(clip, np.random.default_rng(key))

            yield config.out / "facegood" / "train" / f"{clip.name}_{take}", make


def _augmented_clip(
    clip: CapturedClip, rng: np.random.Generator
) -> tuple[sessions.Session, NDArray[np.bool_]]:
    """The clip with another speaking rate, vocal tract and room."""
    rate = float(rng.uniform(*sessions.SPEAKING_RATES))
    audio = resample_to_16k(*read_audio(clip.audio))
    audio = resample(audio, int(len(audio) / rate)).astype(np.float32)
    audio = audio_augmentation.shift_formants(audio, float(rng.uniform(*sessions.FORMANT_FACTORS)))
    background = synthetic_sounds.background(len(audio), rng)
    audio = audio_augmentation.simulate_recording(audio, background, rng)
    face, labelled = clip.arkit_weights()
    capture = Capture(face, frame_times(len(face), clip.fps) / rate, labelled)
    frames = round(len(audio) / SAMPLE_RATE * sessions.FPS)
    face = resample_capture(capture, sessions.FPS, frames)
    return sessions.Session(audio, face, [], [clip.name]), labelled


def non_speech_sessions(config: BuildConfig) -> Jobs:
    """List the sessions without speech.

    Args:
        config: of the build.

    Yields:
        The sessions, see Jobs; every tenth is dev.
    """
    for number in range(config.non_speech_sessions):
        key = [config.seed, SOURCES.index("non_speech"), number]

        def make(key: list[int] = key) -> tuple[sessions.Session, None]:
            return sessions.non_speech_session(np.random.default_rng(key)), None

        split = "dev" if number % 10 == 9 else "train"
        yield config.out / "non_speech" / split / f"non_speech_{number:04d}", make
