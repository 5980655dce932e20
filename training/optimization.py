"""Optimizer, learning rate and averaged weights."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .config import TrainingConfig
from .network import Network

LOG = logging.getLogger(__name__)
OPTIMIZER_STATE = ("exp_avg", "exp_avg_sq", "step")  # of AdamW, per parameter


def build_optimizer(network: Network, training: TrainingConfig) -> torch.optim.AdamW:
    """Build AdamW, with weight decay on matrices alone.

    Args:
        network: Its parameters are optimized.
        training: The settings of the optimizer.

    Returns:
        The optimizer.
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in network.parameters():
        # Decay would also change frozen parts of a parameter.
        decays = parameter.ndim > 1 and not training.freeze_except
        (decayed if decays else plain).append(parameter)
    optimizer = training.optimizer
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": optimizer.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=optimizer.lr,
        betas=(optimizer.betas[0], optimizer.betas[1]),
    )


def learning_rate(training: TrainingConfig, step: int, steps: int) -> float:
    """Compute the learning rate: a linear warm-up, then the scheduler's curve.

    Args:
        training: lr and scheduler.
        step: The optimizer step.
        steps: Optimizer steps of the run.

    Returns:
        The learning rate.
    """
    lr, scheduler = training.optimizer.lr, training.scheduler
    if step < scheduler.warmup_steps:
        return lr * (step + 1) / scheduler.warmup_steps
    if scheduler.name == "constant":
        return lr
    done = min(1.0, (step - scheduler.warmup_steps) / max(1, steps - scheduler.warmup_steps))
    curve = 1 - done if scheduler.name == "linear" else 0.5 + 0.5 * math.cos(math.pi * done)
    return lr * (scheduler.final_ratio + (1 - scheduler.final_ratio) * curve)


@torch.no_grad()
def update_average(average: Network, network: Network, decay: float, step: int) -> None:
    """Move the averaged weights towards the trained ones.

    Args:
        average: Is changed.
        network: The trained network.
        decay: training.ema_decay.
        step: Optimizer steps done.
    """
    # At first the average decays faster, to discard the random initial weights.
    decay = min(decay, (1 + step) / (10 + step))
    for kept, new in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)


def warn_of_short_run(training: TrainingConfig, steps: int) -> None:
    """Log a warning where a run is too short for its averaging or its warm-up.

    Args:
        training: ema_decay and scheduler.
        steps: Optimizer steps that remain.
    """
    decay, warmup = training.ema_decay, training.scheduler.warmup_steps
    window = 1 / (1 - decay) if decay < 1 else math.inf
    if steps < window / 2 or steps < warmup:
        LOG.warning(
            "short run: %d optimizer steps, training.ema_decay=%g averages over about %.0f and "
            "training.scheduler.warmup_steps is %d. The exported average may hardly change. Use "
            "training.ema_decay=%.3g training.scheduler.warmup_steps=%d, or more epochs.",
            steps, decay, window, warmup, max(0.0, 1 - 10 / max(steps, 1)), steps // 10,
        )  # fmt: skip


def optimizer_tensors(network: Network, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Collect the optimizer's state by "STATE/PARAMETER", for a checkpoint."""
    return {
        f"{state}/{name}": value
        for name, parameter in network.named_parameters()
        for state, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(
    network: Network,
    optimizer: torch.optim.Optimizer,
    tensors: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    device: torch.device,
) -> None:
    """Restore the state that optimizer_tensors collected.

    Args:
        network: Names the parameters.
        optimizer: Is changed.
        tensors: The state.
        masks: The trained part of each parameter, see Network.freeze_except.
        device: The run's: Fabric moves the network, but not the optimizer's state.
    """
    for name, parameter in network.named_parameters():
        if f"step/{name}" not in tensors:
            continue
        state = {
            each: tensors[f"{each}/{name}"].to("cpu" if each == "step" else device, copy=True)
            for each in OPTIMIZER_STATE
        }
        if name in masks:  # momentum would change the frozen part
            state["exp_avg"] *= masks[name].to(state["exp_avg"].device)
        optimizer.state[parameter] = state
