"""How well a teacher does on captures it has not seen: the dev parts of GRID and FACEGOOD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr

from koemorph.errors import DataError

from ...datasets.grid import TRAIN_CLIPS
from .build import TEACHER, Advance, Plan, facegood_clips, grid_clips
from .teacher import LEARNED, Clip, Teacher, targets


def evaluate_teacher(plan: Plan, listened: Advance = lambda loss: None) -> dict[str, Any]:
    """Pearson r of what the teacher learned on the captures' dev parts, with mismatch controls.

    `listened` hears of the steps of the listener, which learns if it has not. Raises DataError
    where there is no teacher in WORK, or nothing to judge it by.
    """
    if not (plan.work / TEACHER).is_file():
        raise DataError(
            f"there is no teacher in {plan.work}: `koemorph dataset corpus` has it learn first."
        )
    teacher = Teacher.load(plan.work / TEACHER)
    grid = grid_clips(plan.data)[TRAIN_CLIPS:]
    if not grid:
        raise DataError(
            f"{plan.data / 'grid_s1'} has no clips after the first {TRAIN_CLIPS}, which teach: "
            "there is nothing to judge by."
        )
    return {
        "grid": _agreement(teacher, grid),
        "facegood": _agreement(teacher, facegood_clips(plan, listened)[-1:]),
    }


def _agreement(teacher: Teacher, dev: list[Clip]) -> dict[str, dict[str, float | None]]:
    """r, mismatch and amplitude of each blendshape; None where a face does not move, as where no
    capture taught it."""
    taught = [targets(teacher.label(c.mouth, c.samples, c.times())) for c in dev]
    shown = [targets(c.face) for c in dev]
    others = shown[1:] + shown[:1] if len(shown) > 1 else [np.roll(shown[0], len(shown[0]) // 2, 0)]

    def correlate(k: int, faces: list[NDArray[np.float32]]) -> float | None:
        pairs = [np.stack([t[:n, k], f[:n, k]]) for t, f, n in _lengths(taught, faces)]
        given, truth = np.concatenate(pairs, 1)
        if min(np.ptp(given), np.ptp(truth)) == 0:
            return None
        return round(float(pearsonr(given, truth).statistic), 3)

    def amplitude(k: int) -> float | None:
        given, truth = (
            float(np.concatenate([face[:, k] for face in faces]).std()) for faces in (taught, shown)
        )
        return round(given / truth, 2) if truth > 0 else None

    return {
        name: {
            "r": correlate(k, shown),
            "mismatch": correlate(k, others),
            "amplitude": amplitude(k),
        }
        for k, name in enumerate(LEARNED)
        if all(clip.known()[k] for clip in dev)
    }


def _lengths(
    first: list[NDArray[np.float32]], second: list[NDArray[np.float32]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], int]]:
    for one, other in zip(first, second, strict=True):
        yield one, other, min(len(one), len(other))
