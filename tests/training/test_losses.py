"""The terms of the loss: each depends on its own error only."""

from __future__ import annotations

import torch

from koemorph.blendshapes import INDEX
from koemorph.training.config import LossConfig
from koemorph.training.losses import FaceLoss


def test_the_jerk_term_depends_on_fast_jaw_movement_only() -> None:
    loss = FaceLoss(
        LossConfig(mse_weight=0, temporal_weight=0, jaw_jerk_weight=1.0), torch.ones(52)
    )
    target = torch.zeros(1, 1, 8, 52)
    labelled, total = torch.ones_like(target), torch.tensor(8.0 * 52)

    def jerk(name: str, curve: torch.Tensor) -> float:
        output = target.clone()
        output[..., INDEX[name]] = curve
        return float(loss(output, target, labelled, total)["jaw_jerk"])

    time = torch.arange(8) / 30
    tremor, slow = 0.1 * torch.cos(2 * torch.pi * 12 * time), 0.1 * torch.cos(2 * torch.pi * time)
    assert jerk("jawOpen", tremor) > 1000 * jerk("jawOpen", slow) > 0
    assert jerk("jawOpen", torch.tensor(0.1)) == 0
    assert jerk("mouthClose", tremor) == 0
    moved = tremor.reshape(1, 1, 8, 1).expand_as(target)
    assert float(loss(moved, moved, labelled, total)["jaw_jerk"]) == 0
    labelled[:, :, 3] = 0  # a jump in a frame without label
    moved = target.clone()
    moved[:, :, 3] = 1
    assert float(loss(target, moved, labelled, total)["jaw_jerk"]) == 0


def test_the_amplitude_term_depends_on_the_deviation_and_not_on_the_mean() -> None:
    loss = FaceLoss(
        LossConfig(mse_weight=0, temporal_weight=0, amplitude_weight=1.0), torch.ones(52)
    )
    torch.manual_seed(0)
    target = torch.rand(2, 3, 8, 52)
    labelled, total = torch.ones_like(target), torch.tensor(float(target.numel()))

    def amplitude_error(output: torch.Tensor, labelled: torch.Tensor = labelled) -> float:
        return float(loss(output, target, labelled, total)["amplitude"])

    assert amplitude_error(target + 0.2) < 1e-10
    assert amplitude_error(0.5 * target) > 1000 * amplitude_error(0.99 * target) > 0
    half = labelled.clone()
    half[..., 26:] = 0
    other = target.clone()
    other[..., 26:] = 0
    assert amplitude_error(other) > 0
    assert amplitude_error(other, half) < 1e-10
    constant = torch.zeros_like(target, requires_grad=True)
    loss(constant, target, labelled, total)["loss"].backward()
    assert constant.grad is not None
    assert constant.grad.isfinite().all()
