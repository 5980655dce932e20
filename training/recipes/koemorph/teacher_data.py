"""Training data of the teacher: captures with known or estimated articulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.outputs.atomic import atomic_path

from ...datasets.recordings import read_audio
from ...datasets.registry import CapturedClip, read_dataset
from ...datasets.utterances import (
    LABEL_FILE,
    SAMPLE_RATE,
    Utterance,
    read_utterances,
    resample_to_16k,
)
from .articulation_estimator import ArticulationEstimator, train_estimator
from .articulatory_features import articulation_of
from .config import BuildConfig, OnProgress
from .jaw_targets import jaw_clip
from .prosody import align_pauses
from .teacher import Teacher, TeacherClip
from .voices import draw_utterances

# Measured: predictions of a teacher that was trained on GRID match FACEGOOD best with this delay.
FACEGOOD_DELAY = 0.025  # seconds
JAW_MINUTES = 15  # of kathleen, with rule-based jaw targets
# Training data of the articulation estimator; no voice dominates it.
ESTIMATOR_MINUTES = {"kathleen": 45, "kokoro": 38, "flite": 20}
ESTIMATOR = "articulation_estimator.pt"


def grid_clips(data: Path) -> list[TeacherClip]:
    """Read GRID's captures with their phones.

    Args:
        data: folder with grid_s1.

    Returns:
        The clips, sorted by name; the first TRAIN_CLIPS are for training.

    Raises:
        DataError: a capture has no phones (missing_phones), or the data is broken.
    """
    utterances = {u.name: u for u in read_utterances(data / "grid_s1", voice="grid_s1")}
    clips = []
    for captured in read_dataset("grid", data / "grid_s1"):
        face, unlabelled = _face(captured)
        utterance = utterances.get(captured.name)
        if utterance is None:
            raise DataError(
                f"{data / 'grid_s1' / LABEL_FILE}: no phones of {captured.name}, which has a face "
                "in coef. Add them, or remove the face.",
                code="missing_phones",
            )
        samples = utterance.load()
        articulation = articulation_of(align_pauses(utterance.phones, samples))
        clips.append(
            TeacherClip(
                captured.name, "grid", articulation, samples, face, captured.fps, unlabelled
            )
        )
    return clips


def facegood_clips(
    config: BuildConfig, on_estimator_step: OnProgress = lambda loss: None
) -> list[TeacherClip]:
    """Read FACEGOOD's captures, with estimated articulation.

    Args:
        config: of the build.
        on_estimator_step: called with the loss of each step, if the estimator is trained.

    Returns:
        The clips; the last one is for dev.

    Raises:
        DataError: the data is missing or broken.
    """
    estimator = load_estimator(config, on_estimator_step)
    clips = []
    for captured in read_dataset("facegood", config.data / "facegood"):
        samples = resample_to_16k(*read_audio(captured.audio))
        face, unlabelled = _face(captured)
        face = face[: int(len(samples) / SAMPLE_RATE * captured.fps)]
        clips.append(
            TeacherClip(
                captured.name, "facegood", estimator.estimate(samples), samples, face, captured.fps,
                unlabelled, delay=FACEGOOD_DELAY,
            )
        )  # fmt: skip
    return clips


def jaw_clips(config: BuildConfig) -> list[TeacherClip]:
    """Make clips of kathleen with rule-based jaw motion.

    Args:
        config: of the build.

    Returns:
        The clips.

    Raises:
        DataError: there are no utterances (no_utterances).
    """
    drawn: list[Utterance] = draw_utterances(
        config, "kathleen", JAW_MINUTES, np.random.default_rng(0)
    )
    return [jaw_clip(utterance) for utterance in drawn]


def load_estimator(
    config: BuildConfig, on_step: OnProgress = lambda loss: None
) -> ArticulationEstimator:
    """Load the articulation estimator from WORK, and train it before if need be.

    Args:
        config: of the build.
        on_step: called with the loss of each step.

    Returns:
        The estimator.

    Raises:
        DataError: there is not enough audio to train it.
    """
    path = config.work / ESTIMATOR
    if not path.exists():
        rng = np.random.default_rng(0)
        utterances: list[Utterance] = []
        for source, minutes in ESTIMATOR_MINUTES.items():
            utterances += draw_utterances(config, source, minutes, rng)
        save_atomically(train_estimator(utterances, on_step=on_step), path)
    return ArticulationEstimator.load(path)


def save_atomically(model: ArticulationEstimator | Teacher, path: Path) -> None:
    """Write a model to a file that is never incomplete.

    Args:
        model: the model.
        path: the file; its folder is created if it does not exist.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        model.save(temporary)


def _face(captured: CapturedClip) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """The face (T, 52), and the blend shapes that are not labelled."""
    face, labelled = captured.arkit_weights()
    names = zip(BLENDSHAPES, labelled, strict=True)
    return face, tuple(name for name, has_label in names if not has_label)
