"""Running the network over whole recordings, frame by frame in effect, all at once in fact."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cache import TrackFeatures
from .layers import OUTPUTS, QUIET_ROOM, SILENCE
from .network import Network

CHUNK = 512  # frames computed at a time


@torch.no_grad()
def animate(
    network: Network, features: TrackFeatures, style: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """All T frames of a recording that begins from nothing, smoothed: (T, 52).

    style: (styles - 1,), shares of the styles after the first; by default what `forward` speaks.
    """
    network.eval()
    device = network.alpha_logit.device
    past, trunk_past = network.settings.context_frames - 1, network.settings.trunk_past
    previous = torch.zeros(1, OUTPUTS, device=device)
    output = []
    for first in range(0, len(features), CHUNK):
        last = min(first + CHUNK, len(features))
        emotion = None
        if network.settings.emotion_features:
            emotion = _batched(features.emotion[features.emotion_index[first:last]], device)
        raw = network.sequence(
            _batched(padded(features.mel, first - past, last), device),
            _batched(padded(features.detail, first - trunk_past, last), device),
            torch.arange(last - first, device=device),
            emotion,
            None if style is None else _batched(style, device),
        )
        smoothed = smooth_runs(network, raw[:, None], previous[:, None])[:, 0]
        previous = smoothed[:, -1]
        output.append(smoothed[0].cpu().numpy())
    return np.concatenate(output) if output else np.zeros((0, OUTPUTS), np.float32)


def padded(
    table: NDArray[np.float32], first: int, last: int, heard_from: int = 0
) -> NDArray[np.float32]:
    """Rows first <= i < last of a table of features: silence after its end, and before heard_from
    the room that the first row heard begins in, see `room`."""
    rows = np.full((last - first, *table.shape[1:]), SILENCE, np.float32)
    begin, end = max(first, heard_from), min(last, len(table))
    if end > begin:
        rows[begin - first : end - first] = table[begin:end]
        rows[: begin - first] = room(table[begin])
    return rows


def room(first: NDArray[np.float32]) -> NDArray[np.float32]:
    """What counts as having been there before the first frame of a stream: its bands, as far as
    they are no louder than a quiet room.

    After silence a room would begin to sound, and move the mouth; after a word that had always
    been there, the word would be a sound of the room.
    """
    quiet: NDArray[np.float32] = np.minimum(first, np.float32(QUIET_ROOM))
    return quiet


def smooth_runs(network: Network, raw: Tensor, previous: Tensor) -> Tensor:
    """Smooths runs of frames: raw (S, R, run, 52); previous (S, R, 52), the frame before each."""
    smoothed = []
    for frame in raw.unbind(dim=2):
        previous = network.smooth(frame, previous)
        smoothed.append(previous)
    return torch.stack(smoothed, dim=2)


def _batched(table: NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(table, np.float32))[None].to(device)
