"""The Python way to the same frames, for `koemorph bench`: librosa, openSMILE and torch.

As such programs are written: every frame analyses the whole mel context again, every update the
whole eGeMAPS context, and torch runs the network. Each part that is not installed is named; nothing
stands in for it. Only time is taken here: no number of openSMILE's is kept.
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
SECONDS = 1.2  # of play, after one frame to warm up: four updates of the functionals


def measure_peer(audio: FloatArray, rate: int, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Milliseconds of processor time a frame, part by part, and what is not installed.

    audio: mono at `rate` Hz, longer than the eGeMAPS context; metadata: of the model to match.
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
        run = makers[part](audio, rate, metadata)
        run(0)
        count = round(SECONDS * fps)
        begin = time.process_time()
        for frame in range(count):
            run(frame)
        parts[part] = 1e3 * (time.process_time() - begin) / count
    return {"parts": parts, "frame": sum(parts.values()), "missing": missing}


def _mel(audio: FloatArray, rate: int, metadata: Mapping[str, str]) -> Callable[[int], object]:
    import librosa

    fps, window = int(metadata["fps"]), int(metadata["mel_window"])
    block = rate // fps
    context = librosa.resample(audio, orig_sr=rate, target_sr=MODEL_RATE)
    context = context[: int(metadata["context_frames"]) * MODEL_RATE // fps]

    def run(frame: int) -> object:
        newest = librosa.resample(
            audio[frame * block : (frame + 1) * block], orig_sr=rate, target_sr=MODEL_RATE
        )
        heard = np.concatenate([context[len(newest) :], newest])
        mel = librosa.feature.melspectrogram(
            y=heard,
            sr=MODEL_RATE,
            n_fft=window,
            hop_length=MODEL_RATE // fps,
            n_mels=int(metadata["mel_bands"]),
            fmin=float(metadata["mel_low_hz"]),
            fmax=float(metadata["mel_high_hz"]),
        )
        return librosa.power_to_db(mel)

    return run


def _egemaps(audio: FloatArray, rate: int, metadata: Mapping[str, str]) -> Callable[[int], object]:
    import librosa
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    interval = float(metadata["update_interval"]) * int(metadata["fps"])
    context = librosa.resample(audio, orig_sr=rate, target_sr=MODEL_RATE)
    context = context[: round(float(metadata["context_window"]) * MODEL_RATE)]

    def run(frame: int) -> object:
        if int(frame / interval) == int((frame - 1) / interval) and frame > 0:
            return None
        return smile.process_signal(context, MODEL_RATE)

    return run


def _model(_: FloatArray, rate: int, metadata: Mapping[str, str]) -> Callable[[int], object]:
    import torch

    from koemorph.training.layers import OUTPUTS
    from koemorph.training.network import Network
    from koemorph.training.network_settings import NetworkSettings

    bands, context = int(metadata["mel_bands"]), int(metadata["context_frames"])
    windows = len(metadata["window_intervals"].split(","))
    heard = metadata["expression_features"] != "none"
    settings = NetworkSettings(
        fps=int(metadata["fps"]),
        context_frames=context,
        mel_bands=bands,
        detail_frames=int(metadata["detail_frames"]),
        expression_features=88 if heard else 0,
        expression_windows=windows,
    )
    network = Network(settings).eval()  # what its weights are does not change what it costs
    inputs = [
        torch.zeros(1, bands),
        torch.zeros(1, settings.pooled_rows, bands),
        torch.zeros(1, settings.detail_frames, bands),
        torch.zeros(1, OUTPUTS),
        torch.zeros(1, 2 * len(settings.dilations) * settings.channels),
    ]
    if heard:
        inputs.append(torch.zeros(1, windows, 88))

    def run(_: int) -> object:
        with torch.inference_mode():
            return network(*inputs)

    torch.set_num_threads(1)
    return run
