"""The loss: errors of curves, of their changes, and of lips on a mesh."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koemorph.blendshapes import BLENDSHAPES, INDEX

from .config import LossConfig
from .network import IS_MOUTH

JAW = [INDEX[name] for name in BLENDSHAPES if name.startswith("jaw")]
# Gaps between the lips, relative to that of a half open mouth: touching lips, a clearly open mouth,
# and the smallest gap allowed for it.
CLOSED_GAP, OPEN_GAP, MIN_OPEN_GAP = 0.01, 0.2, 0.1
FALSE_CLOSURE_WEIGHT = 0.15  # of lips that wrongly touch, relative to lips that wrongly do not


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
        # 0.02: the movement of nearly constant blend shapes is noise.
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
            labelled: 1 where the target has a label, likewise.
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
            has_label = labelled[..., JAW]
            earlier = has_label[:, :, 2:-1] * has_label[:, :, 1:-2] * has_label[:, :, :-3]
            counted = weights[:, :, 3:][..., JAW] * earlier
            terms["jaw_jerk"] = settings.jaw_jerk_weight * (counted * jerk**2).sum()
        if settings.amplitude_weight:
            difference = _deviation(output, labelled) - _deviation(target, labelled)
            terms["amplitude"] = (
                settings.amplitude_weight * (weights.sum((1, 2)) * difference**2).sum()
            )
        if settings.closure_weight and self.gap is not None:
            gap = self.gap.to(output.device)
            # Lips close against the jaw, which continues with its vowels: the term moves the lips,
            # not the jaw.
            lips = output.clone()
            lips[..., JAW] = output[..., JAW].detach()
            wanted, shown = (target * labelled) @ gap, (lips * labelled) @ gap
            # Not squared, so that half closed lips cost as much as open ones. Only touching counts:
            # with the error of every gap the curves would become medians.
            unclosed = (wanted < CLOSED_GAP) * shown.clamp(min=0.0)
            closed = (wanted > OPEN_GAP) * (MIN_OPEN_GAP - shown).clamp(min=0.0)
            distance = labelled.amax(-1) * (unclosed + FALSE_CLOSURE_WEIGHT * closed)
            terms["closure"] = settings.closure_weight * len(BLENDSHAPES) * distance.sum() / total
        terms["loss"] = torch.stack(list(terms.values())).sum()
        return terms


def _deviation(curves: Tensor, labelled: Tensor) -> Tensor:
    """Standard deviation of each sequence's labelled frames: (S, R, run, 52) to (S, 52)."""
    count = labelled.sum((1, 2)).clamp(min=1.0)
    mean = (curves * labelled).sum((1, 2)) / count
    difference = (curves - mean[:, None, None]) * labelled
    # 1e-8: the root has no gradient at 0, the deviation of a face at rest.
    return ((difference**2).sum((1, 2)) / count + 1e-8).sqrt()
