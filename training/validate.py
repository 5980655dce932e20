"""Validation of a network between epochs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import ModelError

from .data import LabelledTrack
from .metrics import (
    correlation,
    masked_mean,
    mean_absolute_error,
    mismatch_controls,
    per_blendshape,
    speech_frames,
)
from .network import IS_MOUTH, Network
from .predict import animate
from .styles import style_ratios

FloatArray = NDArray[np.float32]
REPORTED = ("jawOpen", "mouthClose", "mouthPucker", "mouthLowerDownLeft")


def validate(
    network: Network, tracks: Sequence[LabelledTrack], styles: Mapping[str, str]
) -> dict[str, float]:
    """Compute metrics over all validation recordings.

    Args:
        network: the network.
        tracks: one per recording.
        styles: the style of each source; others have the first style of the network.

    Returns:
        error: mean absolute error of the labelled blend shapes, by which the best checkpoint is
        chosen; r/NAME: correlation in all frames, r_speech/NAME in speech, control/NAME with the
        captures of other recordings; r/mean over the labelled blend shapes; alpha, mel_weight:
        means of these parameters of the network; real_time_factor of the network.

    Raises:
        ModelError: the error is not finite (diverged).
    """
    outputs, targets, speech = [], [], []
    labelled = np.zeros(len(BLENDSHAPES), np.bool_)
    begin = time.perf_counter()
    for track in tracks:
        style = style_ratios(track.source, network.settings, styles)
        outputs.append(animate(network, track.features, style)[: len(track)])
    seconds = time.perf_counter() - begin
    for track in tracks:
        has_label = track.captured[: len(track), None] & track.labelled
        face = np.where(has_label, track.weights[: len(track)], np.float32(np.nan))
        targets.append(face)
        speech.append(speech_frames(track.features)[: len(track)])
        labelled |= np.isfinite(face).any(axis=0)
    output, target = np.concatenate(outputs), np.concatenate(targets)
    control = np.concatenate(mismatch_controls(targets))
    is_speech = np.concatenate(speech)
    error = per_blendshape(mean_absolute_error, output, target)
    if not np.isfinite(error[labelled]).all():
        raise ModelError(
            "training diverged: the validation error is not a finite number. Lower "
            "training.optimizer.lr.",
            code="diverged",
        )
    all_frames = per_blendshape(correlation, output, target)
    in_speech = per_blendshape(correlation, output[is_speech], target[is_speech])
    with_control = per_blendshape(correlation, output, control)
    measures = {"error": float(error[labelled].mean())}
    for name in REPORTED:
        index = INDEX[name]
        if labelled[index]:
            measures[f"r/{name}"] = float(all_frames[index])
            measures[f"r_speech/{name}"] = float(in_speech[index])
            measures[f"control/{name}"] = float(with_control[index])
    measures["r/mean"] = masked_mean(all_frames[labelled])
    measures["alpha"] = float(network.alpha.detach().mean())
    measures |= _streams(network)
    measures |= _strides(output, target)
    measures["consistency"] = _consistency(outputs, targets)
    length = len(output) / network.settings.fps
    measures["real_time_factor"] = seconds / max(length, 1e-9)
    return measures


def _streams(network: Network) -> dict[str, float]:
    ratios = network.stream_weights.detach().cpu().numpy()[:, 0]
    mouth = np.array(IS_MOUTH)
    measures = {
        "mel_weight/mouth": float(ratios[mouth].mean()),
        "mel_weight/expression": float(ratios[~mouth].mean()),
    }
    if network.settings.expression_features:
        measures["information_balance"] = network.information_balance
    return measures


def _strides(output: FloatArray, target: FloatArray) -> dict[str, float]:
    distance = np.abs(output - target)
    return {f"error_stride/{stride}": masked_mean(distance[::stride]) for stride in (1, 4, 16)}


def _consistency(outputs: Sequence[FloatArray], targets: Sequence[FloatArray]) -> float:
    ratios = []
    for output, target in zip(outputs, targets, strict=True):
        moves = np.abs(np.diff(target, axis=0))
        finite = np.isfinite(moves)
        moved = moves[finite].sum()
        if moved > 0:
            ratios.append(np.abs(np.diff(output, axis=0))[finite].sum() / moved)
    return masked_mean(np.array(ratios))
