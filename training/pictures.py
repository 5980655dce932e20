"""Pictures of what a network does: curves beside their sound, stream weights, attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from koemorph.coefficients import COEFFICIENTS, INDEX

from .cache import TrackFeatures
from .data import LabelledTrack
from .network import SILENCE, Network
from .predict import animate

SECONDS = 10.0
DRAWN = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "browInnerUp")


def curves_picture(network: Network, track: LabelledTrack) -> Figure:
    """The mel above some curves of the network (solid) and of the capture (dotted)."""
    frames = min(len(track), round(SECONDS * network.settings.fps))
    output = animate(network, track.features)[:frames]
    return curves_figure(
        np.asarray(track.features.mel[:frames]),
        output,
        np.where(track.labelled, track.weights[:frames], np.nan),
        network.settings.fps,
    )


def curves_figure(
    mel: NDArray[np.float32],
    output: NDArray[np.float32],
    capture: NDArray[np.float32] | None,
    fps: float,
    names: Sequence[str] = DRAWN,
) -> Figure:
    """mel (T, bands), output and capture (T, 52); NaN in the capture is not drawn."""
    figure = Figure(figsize=(10, 2 + 1.1 * len(names)), layout="constrained")
    axes = figure.subplots(len(names) + 1, 1, sharex=True)
    seconds = len(output) / fps
    axes[0].imshow(mel.T, origin="lower", aspect="auto", extent=(0, seconds, 0, mel.shape[1]))
    axes[0].set_ylabel("mel")
    times = np.arange(len(output)) / fps
    for axis, name in zip(axes[1:], names, strict=True):
        axis.plot(times, output[:, INDEX[name]], linewidth=1)
        if capture is not None:
            axis.plot(times, capture[:, INDEX[name]], linewidth=1, linestyle=":")
        axis.set_ylabel(name, rotation=0, ha="right", fontsize=8)
        axis.set_ylim(0, 1)
    axes[-1].set_xlabel("seconds")
    return figure


def stream_picture(network: Network) -> Figure:
    """How much of each coefficient comes from the mel stream; the rest is emotion."""
    shares = network.stream_weights.detach().cpu().numpy()[:, 0]
    figure = Figure(figsize=(6, 9), layout="constrained")
    axis = figure.subplots()
    axis.barh(range(len(COEFFICIENTS)), shares)
    axis.set_yticks(range(len(COEFFICIENTS)), COEFFICIENTS, fontsize=6)
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of the mel stream")
    return figure


@torch.no_grad()
def attention_picture(
    network: Network, features: TrackFeatures, frame: int | None = None
) -> Figure:
    """Where each coefficient listens at one frame (the loudest by default), mean over heads."""
    network.eval()
    if frame is None:
        frame = int(np.asarray(features.mel).mean(axis=1).argmax())
    count = network.settings.context_frames
    mel = np.full((count, features.mel.shape[1]), SILENCE, np.float32)
    heard = np.asarray(features.mel[max(0, frame + 1 - count) : frame + 1])
    mel[count - len(heard) :] = heard
    device = network.alpha_logit.device
    inputs = [torch.from_numpy(mel), torch.from_numpy(np.array(features.detail[frame]))]
    if network.settings.emotion_features:
        inputs.append(torch.from_numpy(features.emotion[features.emotion_index[frame]]))
    _, maps = network.hear(*(each[None].to(device) for each in inputs))
    figure = Figure(figsize=(11, 8), layout="constrained")
    widths = [each.shape[-1] for each in maps]
    axes = np.atleast_1d(figure.subplots(1, len(maps), width_ratios=[max(w, 8) for w in widths]))
    for axis, weights, name in zip(axes, maps, ("mel", "emotion"), strict=False):
        axis.imshow(weights[0].mean(dim=0).cpu().numpy(), aspect="auto", vmin=0)
        axis.set_title(f"{name}, frame {frame}")
        axis.set_xlabel("token, oldest first")
    axes[0].set_yticks(range(len(COEFFICIENTS)), COEFFICIENTS, fontsize=6)
    return figure
