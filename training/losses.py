"""The loss: errors of curves, of their changes, and of lips on a mesh."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koemorph.blendshapes import BLENDSHAPES, INDEX

from .config import LossConfig
from .network import IS_MOUTH

JAW = [INDEX[name] for name in BLENDSHAPES if name.startswith("jaw")]
# Gaps between the lips, relative to a half open mouth's: touching lips, a clearly open mouth, and
# the lowest gap allowed for it.
CLOSED, OPEN, AJAR = 0.01, 0.2, 0.1
FALSELY = 0.15  # weight of lips that wrongly touch, relative to lips that wrongly do not


class FaceLoss(nn.Module):
    """Weighted sum of the terms over labelled blend shapes, see LossConfig.

    A squared error alone makes the amplitude too small by the correlation; the amplitude term
    counteracts that (as global variance in speech synthesis, Toda and Tokuda 2007).

    Args:
        settings: The weights of the terms.
        deviation: Standard deviation of each blend shape in the training data, (52,).
        gap: How far each blend shape opens the lips of a mesh, in any unit, (52,); None: no closure
            term.
    """

    def __init__(self, settings: LossConfig, deviation: Tensor, gap: Tensor | None = None) -> None:
        super().__init__()
        self.settings = settings
        # Relative to a mouth whose jaw is half open.
        self.gap = None if gap is None else gap / (0.5 * gap[INDEX["jawOpen"]])
        part = torch.tensor(
            [settings.mouth_weight if m else settings.expression_weight for m in IS_MOUTH]
        )
        # 0.02: blendshapes that hardly move are noise, not detail.
        spread = (deviation.clamp(min=0.0) ** 2 + 0.02**2) ** (-settings.balance)
        moving = deviation > 0
        spread = spread / spread[moving].mean() if moving.any() else spread
        self.weights: Tensor
        self.register_buffer("weights", part * spread)

    def forward(
        self, output: Tensor, target: Tensor, labelled: Tensor, total: Tensor
    ) -> dict[str, Tensor]:
        """Compute the terms.

        Args:
            output: Smoothed weights, (S, R, run, 52).
            target: The capture, likewise.
            labelled: 1 where it is known, likewise.
            total: Labels of the whole batch, by which the sums are divided.

        Returns:
            The terms by name, and their sum `loss`.
        """
        settings = self.settings
        weights = labelled * self.weights / total
        error = output - target
        terms = {}
        if settings.mse_weight:
            terms["mse"] = settings.mse_weight * (weights * error**2).sum()
        if settings.l1_weight:
            terms["l1"] = settings.l1_weight * (weights * error.abs()).sum()
        if settings.temporal_weight and error.shape[2] > 1:
            pairs = weights[:, :, 1:] * labelled[:, :, :-1]
            change = error.diff(dim=2)
            terms["temporal"] = settings.temporal_weight * (pairs * change**2).sum()
        if settings.jaw_jerk_weight and error.shape[2] > 3:
            jerk = error[..., JAW].diff(n=3, dim=2)
            known = labelled[..., JAW]
            earlier = known[:, :, 2:-1] * known[:, :, 1:-2] * known[:, :, :-3]
            counted = weights[:, :, 3:][..., JAW] * earlier
            terms["jaw_jerk"] = settings.jaw_jerk_weight * (counted * jerk**2).sum()
        if settings.amplitude_weight:
            miss = _deviation(output, labelled) - _deviation(target, labelled)
            terms["amplitude"] = settings.amplitude_weight * (weights.sum((1, 2)) * miss**2).sum()
        if settings.closure_weight and self.gap is not None:
            gap = self.gap.to(output.device)
            # Lips close against the jaw, which continues with its vowels: the term moves the lips,
            # not the jaw.
            lips = output.clone()
            lips[..., JAW] = output[..., JAW].detach()
            wanted, shown = (target * labelled) @ gap, (lips * labelled) @ gap
            # Not squared: half closed is as wrong as open. Only touching is judged: the error of
            # every gap, in addition to that of the curves, would make medians of these.
            unclosed = (wanted < CLOSED) * shown.clamp(min=0.0)
            closed = (wanted > OPEN) * (AJAR - shown).clamp(min=0.0)
            miss = labelled.amax(-1) * (unclosed + FALSELY * closed)
            terms["closure"] = settings.closure_weight * len(BLENDSHAPES) * miss.sum() / total
        terms["loss"] = torch.stack(list(terms.values())).sum()
        return terms


def _deviation(curves: Tensor, labelled: Tensor) -> Tensor:
    """Standard deviation of each sequence's labelled frames: (S, R, run, 52) to (S, 52)."""
    count = labelled.sum((1, 2)).clamp(min=1.0)
    middle = (curves * labelled).sum((1, 2)) / count
    away = (curves - middle[:, None, None]) * labelled
    # 1e-8: a face at rest has a deviation of 0, where a root has no slope.
    return ((away**2).sum((1, 2)) / count + 1e-8).sqrt()
