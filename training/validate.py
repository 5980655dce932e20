"""Validation between epochs: the few measures that say whether a run goes well."""

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
    known_mean,
    mean_absolute_error,
    mismatch_controls,
    per_blendshape,
    speech_frames,
)
from .network import IS_MOUTH, Network
from .predict import animate
from .styles import style_ratios

FloatArray = NDArray[np.float32]
SHOWN = ("jawOpen", "mouthClose", "mouthPucker", "mouthLowerDownLeft")


def validate(
    network: Network, tracks: Sequence[LabelledTrack], styles: Mapping[str, str]
) -> dict[str, float]:
    """Measures over all validation frames, each source in the style that `styles` gives it.

    error: mean absolute error of the labelled blendshapes, the run's yardstick; r/NAME:
    correlation on all frames, r_speech/NAME on speech frames, control/NAME with shifted captures;
    r/mean: over the labelled blendshapes; alpha, mel_share: means of what the network has learned
    of these; real_time_factor: of the network alone, on whole recordings. ModelError where the
    error is not finite.
    """
    outputs, targets, speech = [], [], []
    labelled = np.zeros(len(BLENDSHAPES), np.bool_)
    begin = time.perf_counter()
    for track in tracks:
        style = style_ratios(track.source, network.settings, styles)
        outputs.append(animate(network, track.features, style)[: len(track)])
    seconds = time.perf_counter() - begin
    for track in tracks:
        known = track.seen[: len(track), None] & track.labelled
        face = np.where(known, track.weights[: len(track)], np.float32(np.nan))
        targets.append(face)
        speech.append(speech_frames(track.features)[: len(track)])
        labelled |= np.isfinite(face).any(axis=0)
    output, target = np.concatenate(outputs), np.concatenate(targets)
    control = np.concatenate(mismatch_controls(targets))
    spoken = np.concatenate(speech)
    error = per_blendshape(mean_absolute_error, output, target)
    if not np.isfinite(error[labelled]).all():
        raise ModelError(
            "the error on the validation recordings is no finite number: the run has diverged; "
            "lower training.optimizer.lr."
        )
    every = per_blendshape(correlation, output, target)
    talking = per_blendshape(correlation, output[spoken], target[spoken])
    swapped = per_blendshape(correlation, output, control)
    measures = {"error": float(error[labelled].mean())}
    for name in SHOWN:
        index = INDEX[name]
        if labelled[index]:
            measures[f"r/{name}"] = float(every[index])
            measures[f"r_speech/{name}"] = float(talking[index])
            measures[f"control/{name}"] = float(swapped[index])
    measures["r/mean"] = known_mean(every[labelled])
    measures["alpha"] = float(network.alpha.detach().mean())
    measures |= _streams(network)
    measures |= _strides(output, target)
    measures["consistency"] = _consistency(outputs, targets)
    length = len(output) / network.settings.fps
    measures["real_time_factor"] = seconds / max(length, 1e-9)
    return measures


def _streams(network: Network) -> dict[str, float]:
    shares = network.stream_weights.detach().cpu().numpy()[:, 0]
    mouth = np.array(IS_MOUTH)
    measures = {
        "mel_share/mouth": float(shares[mouth].mean()),
        "mel_share/expression": float(shares[~mouth].mean()),
    }
    if network.settings.expression_features:
        measures["information_balance"] = network.information_balance
    return measures


def _strides(output: FloatArray, target: FloatArray) -> dict[str, float]:
    distance = np.abs(output - target)
    return {f"error_stride/{stride}": known_mean(distance[::stride]) for stride in (1, 4, 16)}


def _consistency(outputs: Sequence[FloatArray], targets: Sequence[FloatArray]) -> float:
    ratios = []
    for output, target in zip(outputs, targets, strict=True):
        moves = np.abs(np.diff(target, axis=0))
        known = np.isfinite(moves)
        moved = moves[known].sum()
        if moved > 0:
            ratios.append(np.abs(np.diff(output, axis=0))[known].sum() / moved)
    return known_mean(np.array(ratios))
