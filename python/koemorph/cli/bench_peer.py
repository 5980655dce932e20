"""The Python baseline of `koemorph bench`: librosa, openSMILE and torch.

It works as such programs usually do: each frame recomputes the whole mel context, each update the
whole eGeMAPS context, and torch runs the network. Parts that are not installed are listed and
omitted. Only times are measured; no value of openSMILE is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
PARTS = {"mel": ("librosa",), "egemaps": ("opensmile", "librosa"), "model": ("torch",)}
MODEL_RATE = 16000
SECONDS = 1.2  # of audio, which has four updates of the functionals


def measure_peer(
    audio: FloatArray, sample_rate: int, metadata: Mapping[str, str]
) -> dict[str, Any]:
    """Measure the CPU time per frame.

    Args:
        audio: (samples,), longer than the eGeMAPS context.
        sample_rate: Hz.
        metadata: Metadata of the model to match.

    Returns:
        "parts" and "frame" in ms, and the names of the "missing" packages.
    """
    fps = int(metadata["fps"])
    wanted = [
        part for part in PARTS if part != "egemaps" or metadata["expression_features"] != "none"
    ]
    missing = sorted({name for part in wanted for name in PARTS[part] if find_spec(name) is None})
    makers: dict[str, Callable[[FloatArray, int, Mapping[str, str]], Callable[[int], object]]] = {
        "mel": _mel,
        "egemaps": _egemaps,
        "model": _model,
    }
    parts, missing_of = {}, set(missing)
    for part in wanted:
        if not missing_of.isdisjoint(PARTS[part]):
            continue
        run = makers[part](audio, sample_rate, metadata)
        run(0)  # warm up
        count = round(SECONDS * fps)
        begin = time.process_time()
        for frame in range(count):
            run(frame)
        parts[part] = 1e3 * (time.process_time() - begin) / count
    return {"parts": parts, "frame": sum(parts.values()), "missing": missing}


def _mel(
    audio: FloatArray, sample_rate: int, metadata: Mapping[str, str]
) -> Callable[[int], object]:
    import librosa

    fps, window = int(metadata["fps"]), int(metadata["mel_window"])
    block = sample_rate // fps
    context = librosa.resample(audio, orig_sr=sample_rate, target_sr=MODEL_RATE)
    context = context[: int(metadata["context_frames"]) * MODEL_RATE // fps]

    def run(frame: int) -> object:
        newest = librosa.resample(
            audio[frame * block : (frame + 1) * block], orig_sr=sample_rate, target_sr=MODEL_RATE
        )
        window_audio = np.concatenate([context[len(newest) :], newest])
        mel = librosa.feature.melspectrogram(
            y=window_audio,
            sr=MODEL_RATE,
            n_fft=window,
            hop_length=MODEL_RATE // fps,
            n_mels=int(metadata["mel_bands"]),
            fmin=float(metadata["mel_low_hz"]),
            fmax=float(metadata["mel_high_hz"]),
        )
        return librosa.power_to_db(mel)

    return run


def _egemaps(
    audio: FloatArray, sample_rate: int, metadata: Mapping[str, str]
) -> Callable[[int], object]:
    import librosa
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    interval = float(metadata["update_interval"]) * int(metadata["fps"])
    context = librosa.resample(audio, orig_sr=sample_rate, target_sr=MODEL_RATE)
    context = context[: round(float(metadata["context_window"]) * MODEL_RATE)]

    def run(frame: int) -> object:
        if int(frame / interval) == int((frame - 1) / interval) and frame > 0:
            return None
        return smile.process_signal(context, MODEL_RATE)

    return run


def _model(_: FloatArray, sample_rate: int, metadata: Mapping[str, str]) -> Callable[[int], object]:
    import torch

    from koemorph.training.layers import OUTPUTS
    from koemorph.training.network import Network
    from koemorph.training.network_settings import NetworkSettings

    bands, context = int(metadata["mel_bands"]), int(metadata["context_frames"])
    windows = len(metadata["window_intervals"].split(","))
    has_expression = metadata["expression_features"] != "none"
    settings = NetworkSettings(
        fps=int(metadata["fps"]),
        context_frames=context,
        mel_bands=bands,
        detail_frames=int(metadata["detail_frames"]),
        expression_features=88 if has_expression else 0,
        expression_windows=windows,
    )
    network = Network(settings).eval()  # The weights do not affect the time.
    inputs = [
        torch.zeros(1, bands),
        torch.zeros(1, settings.pooled_rows, bands),
        torch.zeros(1, settings.detail_frames, bands),
        torch.zeros(1, OUTPUTS),
        torch.zeros(1, 2 * len(settings.dilations) * settings.channels),
    ]
    if has_expression:
        inputs.append(torch.zeros(1, windows, 88))

    def run(_: int) -> object:
        with torch.inference_mode():
            return network(*inputs)

    torch.set_num_threads(1)
    return run
