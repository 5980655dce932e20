"""The loss's terms: each counts what it is for and nothing else."""

from __future__ import annotations

import torch

from koemorph.coefficients import INDEX
from koemorph.training.losses import FaceLoss, LossSettings


def test_the_jaws_jerk_is_its_tremor_not_its_way_and_not_the_lips() -> None:
    loss = FaceLoss(
        LossSettings(mse_weight=0, temporal_weight=0, jaw_jerk_weight=1.0), torch.ones(52)
    )
    target = torch.zeros(1, 1, 8, 52)
    known, total = torch.ones_like(target), torch.tensor(8.0 * 52)

    def jerk(name: str, curve: torch.Tensor) -> float:
        output = target.clone()
        output[..., INDEX[name]] = curve
        return float(loss(output, target, known, total)["jaw_jerk"])

    time = torch.arange(8) / 30
    tremor, way = 0.1 * torch.cos(2 * torch.pi * 12 * time), 0.1 * torch.cos(2 * torch.pi * time)
    assert jerk("jawOpen", tremor) > 1000 * jerk("jawOpen", way) > 0
    assert jerk("jawOpen", torch.tensor(0.1)) == 0
    assert jerk("mouthClose", tremor) == 0
    moved = tremor.reshape(1, 1, 8, 1).expand_as(target)
    assert float(loss(moved, moved, known, total)["jaw_jerk"]) == 0
