"""Evaluation of the teacher on the dev captures of GRID and FACEGOOD."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr

from koemorph.errors import DataError

from ...datasets.grid import TRAIN_CLIPS
from ...metrics import mismatch_controls
from .build import TEACHER
from .config import BuildConfig, OnProgress
from .teacher import SHAPES, Teacher, TeacherClip, select_shapes
from .teacher_data import facegood_clips, grid_clips


def evaluate_teacher(
    config: BuildConfig, on_estimator_step: OnProgress = lambda loss: None
) -> dict[str, Any]:
    """Measure a teacher on the dev parts of the captures.

    Args:
        config: where the data and the teacher are.
        on_estimator_step: called with the loss of each step, if the articulation estimator has yet
            to be trained.

    Returns:
        For each data set and shape: r (Pearson), control (r with another clip's capture) and
        amplitude (ratio of standard deviations); None where a face does not move.

    Raises:
        DataError: there is no teacher (no_teacher) or no dev clip of GRID (no_dev_clips).
    """
    if not (config.work / TEACHER).is_file():
        raise DataError(
            f"{config.work}: no {TEACHER}. Run `koemorph dataset build` before.", code="no_teacher"
        )
    teacher = Teacher.load(config.work / TEACHER)
    grid = grid_clips(config.data)[TRAIN_CLIPS:]
    if not grid:
        raise DataError(
            f"{config.data / 'grid_s1'}: no dev clips: the first {TRAIN_CLIPS} are for training.",
            code="no_dev_clips",
        )
    return {
        "grid": _measure(teacher, grid),
        "facegood": _measure(teacher, facegood_clips(config, on_estimator_step)[-1:]),
    }


def _measure(teacher: Teacher, clips: list[TeacherClip]) -> dict[str, dict[str, float | None]]:
    outputs = [select_shapes(teacher.predict(c.articulation, c.samples, c.times())) for c in clips]
    targets = [select_shapes(clip.face) for clip in clips]
    output, target = np.concatenate(outputs), np.concatenate(targets)
    control = np.concatenate(mismatch_controls(targets))
    return {
        name: {
            "r": _correlation(output[:, k], target[:, k]),
            "control": _correlation(output[:, k], control[:, k]),
            "amplitude": _amplitude(output[:, k], target[:, k]),
        }
        for k, name in enumerate(SHAPES)
        if all(clip.label_mask()[k] for clip in clips)
    }


def _correlation(output: NDArray[np.float32], target: NDArray[np.float32]) -> float | None:
    if min(np.ptp(output), np.ptp(target)) == 0:
        return None
    return round(float(pearsonr(output, target).statistic), 3)


def _amplitude(output: NDArray[np.float32], target: NDArray[np.float32]) -> float | None:
    deviation = float(target.std())
    return round(float(output.std()) / deviation, 2) if deviation > 0 else None
