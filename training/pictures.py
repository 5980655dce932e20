"""Figures of a network: curves with the mel spectrum, stream weights, attention."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import DataError
from koemorph.outputs.atomic import atomic_path

from .cache import TrackFeatures
from .data import LabelledTrack
from .layers import TRUNK_FRAMES
from .network import Network
from .network_settings import RECENT_TOKENS, TOKEN_FPS
from .predict import animate
from .streaming import with_history

SECONDS = 10.0
HEIGHTS = (0.1, 0.25, 0.5, 1.0)  # of an axis: the smallest that the curve fits in
DRAWN = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "browInnerUp")


def curves_picture(network: Network, track: LabelledTrack) -> Figure:
    """Draw the mel spectrum and some curves of the network (solid) and the capture (dotted)."""
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
    """Draw mel (T, bands), output and capture (T, 52); NaN in the capture is not drawn."""
    figure = Figure(figsize=(10, 2 + 1.1 * len(names)), layout="constrained")
    axes = figure.subplots(len(names) + 1, 1, sharex=True)
    seconds = len(output) / fps
    axes[0].imshow(mel.T, origin="lower", aspect="auto", extent=(0, seconds, 0, mel.shape[1]))
    axes[0].set_ylabel("mel band", fontsize=8)
    times = np.arange(len(output)) / fps
    for axis, name in zip(axes[1:], names, strict=True):
        shown = [("model", output[:, INDEX[name]], "-")]
        if capture is not None:
            shown.append(("capture", capture[:, INDEX[name]], ":"))
        for label, curve, style in shown:
            axis.plot(times, curve, style, linewidth=1.3, label=label)
        highest = max(float(np.nanmax(curve, initial=0.0)) for _, curve, _ in shown)
        axis.set_ylim(0, next(top for top in HEIGHTS if highest <= top or top == HEIGHTS[-1]))
        axis.grid(alpha=0.3)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    axes[1].legend(loc="upper right", fontsize=8, ncols=2)
    axes[-1].set_xlabel("seconds")
    return figure


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the file suffix; DataError for an unknown suffix."""
    kinds = figure.canvas.get_supported_filetypes().keys() - {"pgf"}  # which needs TeX
    kind = path.suffix.removeprefix(".").lower()
    if kind not in kinds:
        raise DataError(
            f"{path}: unknown image format, expected .{', .'.join(sorted(kinds))}.",
            code="unknown_format",
        )
    with atomic_path(path) as beside:
        figure.savefig(beside, format=kind)


def stream_picture(network: Network) -> Figure:
    """Draw the stream weights: the ratio of the mel stream for each blend shape."""
    ratios = network.stream_weights.detach().cpu().numpy()[:, 0]
    figure = Figure(figsize=(6, 9), layout="constrained")
    axis = figure.subplots()
    rows = np.arange(len(BLENDSHAPES))
    axis.barh(rows, ratios, label="mel")
    axis.barh(rows, 1 - ratios, left=ratios, color="lightgrey", label="expression")
    axis.axvline(0.5, color="black", linewidth=0.5)
    axis.set_yticks(rows, BLENDSHAPES, fontsize=6)
    axis.set_ylim(len(BLENDSHAPES) - 0.5, -0.5)
    axis.set_xlim(0, 1)
    axis.set_xlabel("stream weight")
    figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    return figure


@torch.no_grad()
def attention_picture(
    network: Network, features: TrackFeatures, frame: int | None = None
) -> Figure:
    """Draw the attention of each blend shape at a frame (by default the loudest), mean over heads.

    DataError where the frame does not exist.
    """
    network.eval()
    if frame is None:
        frame = int(np.asarray(features.mel).mean(axis=1).argmax())
    if not 0 <= frame < len(features):
        raise DataError(
            f"frame {frame} does not exist: expected 0 to {len(features) - 1}.",
            code="frame_out_of_range",
        )
    mel = with_history(features.mel, frame + 1 - network.settings.context_frames, frame + 1)
    detail = with_history(features.detail, frame - network.settings.trunk_history, frame + 1)
    device = network.alpha_logit.device
    expression = None
    if network.settings.expression_features:
        functionals = torch.from_numpy(features.expression[features.expression_index[frame]])
        expression = functionals[None, None].to(device)
    _, maps = network.forward_with_attention(
        torch.from_numpy(mel)[None].to(device),
        torch.from_numpy(detail)[None].to(device),
        torch.zeros(1, dtype=torch.int64, device=device),
        expression,
    )
    figure = Figure(figsize=(11, 8), layout="constrained")
    figure.suptitle(f"attention at {frame / network.settings.fps:.2f} s (frame {frame})")
    widths = [each.shape[1] for each in maps]  # each (1, tokens, heads, 52)
    axes = np.atleast_1d(figure.subplots(1, len(maps), width_ratios=[max(w, 8) for w in widths]))
    for axis, weights, name in zip(axes, maps, ("mel", "expression"), strict=False):
        image = axis.imshow(weights[0].mean(dim=1).T.cpu().numpy(), aspect="auto", vmin=0)
        figure.colorbar(image, ax=axis, location="bottom", shrink=0.6, pad=0.01)
        axis.set_title(name, fontsize=10)
        axis.set_yticks([])
    axes[0].set_yticks(range(len(BLENDSHAPES)), BLENDSHAPES, fontsize=6)
    _name_tokens(axes[0], network)
    if len(maps) > 1:
        axes[1].set_xticks(range(widths[1]))
        axes[1].set_xlabel("token")
    return figure


def _name_tokens(axis: Any, network: Network) -> None:
    """Label the tokens of the mel stream: preceding seconds, newest frames, detail."""
    settings = network.settings
    groups = (settings.pooled_rows, RECENT_TOKENS, settings.detail_frames)
    seconds = TRUNK_FRAMES / TOKEN_FPS
    names = ("preceding seconds", f"newest {seconds:.2f} s", "detail")
    ends = np.cumsum(groups)
    for end in ends[:-1]:
        axis.axvline(end - 0.5, color="white", linewidth=0.8)
    middles = [end - (size + 1) / 2 for end, size in zip(ends, groups, strict=True)]
    shown = [(at, name) for at, name, size in zip(middles, names, groups, strict=True) if size]
    axis.set_xticks([at for at, _ in shown], [name for _, name in shown])
