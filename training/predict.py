"""Run the network on whole recordings, many frames at once, with the results of a stream."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cache import TrackFeatures
from .layers import OUTPUTS
from .network import Network
from .streaming import with_history

CHUNK = 512  # frames computed at a time


@torch.no_grad()
def animate(
    network: Network, features: TrackFeatures, style: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Compute all T frames of a recording, as a stream that begins with it.

    Args:
        network: Is set to evaluation mode.
        features: Of the recording.
        style: Ratios of the styles after the first, (styles - 1,); by default the network's own.

    Returns:
        Smoothed weights, (T, 52).
    """
    network.eval()
    device = network.alpha_logit.device
    history = network.settings.context_frames - 1
    trunk_history = network.settings.trunk_history
    previous = torch.zeros(1, OUTPUTS, device=device)
    output = []
    for first in range(0, len(features), CHUNK):
        last = min(first + CHUNK, len(features))
        expression = None
        if network.settings.expression_features:
            expression = _batched(
                features.expression[features.expression_index[first:last]], device
            )
        raw = network.forward_sequence(
            _batched(with_history(features.mel, first - history, last), device),
            _batched(with_history(features.detail, first - trunk_history, last), device),
            torch.arange(last - first, device=device),
            expression,
            None if style is None else _batched(style, device),
        )
        smoothed = smooth_runs(network, raw[:, None], previous[:, None])[:, 0]
        previous = smoothed[:, -1]
        output.append(smoothed[0].cpu().numpy())
    return np.concatenate(output) if output else np.zeros((0, OUTPUTS), np.float32)


def smooth_runs(network: Network, raw: Tensor, previous: Tensor) -> Tensor:
    """Smooth runs of frames.

    Args:
        network: Holds alpha.
        raw: (S, R, run, 52).
        previous: The frame before each run, (S, R, 52).

    Returns:
        (S, R, run, 52).
    """
    smoothed = []
    for frame in raw.unbind(dim=2):
        previous = network.smooth(frame, previous)
        smoothed.append(previous)
    return torch.stack(smoothed, dim=2)


def _batched(table: NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(table, np.float32))[None].to(device)
