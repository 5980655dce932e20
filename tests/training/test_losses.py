"""The loss's terms: each counts what it is for and nothing else."""

from __future__ import annotations

import torch

from koemorph.blendshapes import INDEX
from koemorph.training.config import LossConfig
from koemorph.training.losses import FaceLoss


def test_the_jaws_jerk_is_its_tremor_not_its_way_and_not_the_lips() -> None:
    loss = FaceLoss(
        LossConfig(mse_weight=0, temporal_weight=0, jaw_jerk_weight=1.0), torch.ones(52)
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
    known[:, :, 3] = 0  # the jaw of a frame that was not captured jumps
    moved = target.clone()
    moved[:, :, 3] = 1
    assert float(loss(target, moved, known, total)["jaw_jerk"]) == 0


def test_amplitude_is_how_far_a_curve_moves_wherever_it_is() -> None:
    loss = FaceLoss(
        LossConfig(mse_weight=0, temporal_weight=0, amplitude_weight=1.0), torch.ones(52)
    )
    torch.manual_seed(0)
    target = torch.rand(2, 3, 8, 52)
    known, total = torch.ones_like(target), torch.tensor(float(target.numel()))

    def miss(output: torch.Tensor, labelled: torch.Tensor = known) -> float:
        return float(loss(output, target, labelled, total)["amplitude"])

    assert miss(target + 0.2) < 1e-10
    assert miss(0.5 * target) > 1000 * miss(0.99 * target) > 0
    half = known.clone()
    half[..., 26:] = 0
    other = target.clone()
    other[..., 26:] = 0
    assert miss(other) > 0
    assert miss(other, half) < 1e-10
    still = torch.zeros_like(target, requires_grad=True)
    loss(still, target, known, total)["loss"].backward()
    assert still.grad is not None
    assert still.grad.isfinite().all()
