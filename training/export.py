"""Export: from a checkpoint to a file for playing, verified on audio before it is kept."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError, ModelError
from koemorph.features import FeatureSettings
from koemorph.outputs.atomic import atomic_path

from .cache import TrackFeatures
from .checkpoints import Checkpoint, load_weights
from .graph import feel_when_changed, fold
from .layers import OUTPUTS
from .mobile import (
    TensorRunner,
    executorch_runner,
    torchscript_runner,
    write_executorch,
    write_torchscript,
)
from .network import Network, NetworkSettings
from .predict import padded, room

FORMATS = ("onnx", "torchscript", "executorch")
QUANTIZATIONS = ("none", "int8", "fp16")
OPSET = 17  # what ONNX Runtime 1.17 loads
TOLERANCE = {"none": 1e-4, "fp16": 2e-2, "int8": 0.1}
CHECKED_FRAMES = 150

FloatArray = NDArray[np.float32]
Feed = dict[str, FloatArray]
Runner = Callable[[Feed], tuple[FloatArray, FloatArray]]
OUTPUT_NAMES = ("weights", "state_out")


@dataclass(frozen=True)
class Export:
    """What was written: its size, how far it is from torch on audio, and what a frame costs."""

    path: Path
    bytes: int
    difference: float
    correlation: float
    frame_milliseconds: float


def at_fps(checkpoint: Checkpoint, fps: int) -> tuple[Network, FeatureSettings]:
    """The averaged network for a frame rate: the same weights, asked more or less often."""
    described = checkpoint.description
    network = checkpoint.network()
    if fps == described.features.fps:
        return network, described.features
    rate = fps / described.features.fps
    lookahead = described.features.lookahead_frames * rate
    context = described.network.context_frames * rate
    if lookahead != round(lookahead) or context != round(context):
        raise DataError(f"this checkpoint cannot be played at {fps} frames a second.")
    try:
        settings = replace(described.network, fps=fps, context_frames=round(context))
    except ValueError as error:
        raise DataError(f"this checkpoint cannot be played at {fps} fps: {error}.") from error
    faster = Network(settings)
    load_weights(faster, network.state_dict(), "the checkpoint")
    features = replace(described.features, fps=fps, lookahead_frames=round(lookahead))
    return faster, features


def metadata(
    checkpoint: Checkpoint, network: Network, features: FeatureSettings, texts: Mapping[str, str]
) -> dict[str, str]:
    """Everything that a model file says about itself; `texts` holds its name, licence and so on."""
    return {
        **features.metadata(),
        "format_version": "3",
        "context_frames": str(network.settings.context_frames),
        "context_pool_frames": str(network.settings.block_frames),
        "expression_embedding_size": str(network.settings.hidden),
        "trunk_channels": str(network.settings.channels),
        "trunk_dilations": ",".join(map(str, network.settings.dilations)),
        "expression_features": checkpoint.description.emotion,
        "egemaps_set": "eGeMAPSv02",
        "blendshapes": ",".join(BLENDSHAPES),
        **texts,
    }


def export(
    network: Network,
    described: Mapping[str, str],
    features: TrackFeatures,
    path: Path,
    *,
    file_format: str = "onnx",
    quantize: str = "none",
    mobile: bool = False,
) -> Export:
    """Writes the model, unless it differs from torch by more than TOLERANCE on `features`.

    Raises ModelError then, and OutputError when it cannot be written.
    """
    network.eval()
    if not network.settings.detail_frames:
        raise DataError(
            "a model file needs detail frames; train with features.detail_frames=1 or more."
        )
    feeds = _feeds(network, features)
    if file_format != "onnx" and quantize != "none":
        raise DataError(f"{file_format} files are not quantized here; use --format onnx.")
    if file_format != "torchscript" and mobile:
        raise DataError("--mobile is for --format torchscript; the other formats need no other.")
    if file_format == "onnx":
        data = _written(network, feeds, quantize, described)
        runner = onnx_runner(data)
    elif file_format == "executorch":
        data = write_executorch(network, _tensors(feeds[0]), described)
        runner = _tensor_runner(executorch_runner(data))
    else:
        data = write_torchscript(network, _tensors(feeds[0]), described, lite=mobile)
        runner = _tensor_runner(torchscript_runner(data, lite=mobile))
    trained = _tensor_runner(torch.no_grad()(lambda each: network(*each)))
    expected = run_frames(trained, feeds, network.settings)
    shown = run_frames(runner, feeds, network.settings)
    difference = float(np.abs(expected - shown).max())
    if not difference <= TOLERANCE[quantize]:
        raise ModelError(
            f"the exported model differs from the trained one by {difference:.2g}, which is more "
            f"than {TOLERANCE[quantize]:g}; nothing was written."
        )
    moving = expected.std(axis=0) > 1e-3
    both = [np.corrcoef(expected[:, i], shown[:, i])[0, 1] for i in np.flatnonzero(moving)]
    with atomic_path(path) as beside:
        beside.write_bytes(data)
    return Export(
        path, len(data), difference, float(min(both, default=1.0)), _milliseconds(runner, feeds[0])
    )


def onnx_runner(data: bytes) -> Runner:
    """Runs an ONNX file on one thread, as a game would: frame after frame of the same voices."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    inputs = {each.name: each.shape for each in session.get_inputs()}
    extra: Feed = {}
    last: FloatArray | None = None

    def run(feed: Feed) -> tuple[FloatArray, FloatArray]:
        nonlocal last
        if "expression_embedding_in" in inputs:
            egemaps = feed["egemaps"]
            changed = last is None or not np.array_equal(egemaps, last)
            last = egemaps
            extra["expression_changed"] = np.array([changed], np.float32)
            if "expression_embedding_in" not in extra:
                extra["expression_embedding_in"] = np.zeros((len(egemaps), *inputs["expression_embedding_in"][1:]), np.float32)
        outputs = session.run(None, {**feed, **extra})
        if "expression_embedding_in" in inputs:
            extra["expression_embedding_in"] = outputs[2]
        return outputs[0], outputs[1]

    return run


def run_frames(runner: Runner, feeds: list[Feed], settings: NetworkSettings) -> FloatArray:
    """Frame after frame, each one's outputs handed to the next frames: (T, 52)."""
    previous = np.zeros((1, OUTPUTS), np.float32)
    frames: list[FloatArray] = []
    presents = [settled(runner, feeds[0], settings)]
    for feed in feeds:
        past = past_of(presents, settings)
        previous, present = runner({**feed, "previous_weights": previous, "state_in": past})
        frames.append(previous[0])
        presents.append(present[0])
    return np.stack(frames)


def settled(runner: Runner, first: Feed, settings: NetworkSettings) -> FloatArray:
    """`present` (layers * channels,) of every frame before the first: of the room it begins in.

    Each time the network is asked, one layer more knows what it would have heard.
    """
    before = {**first, "mel": room(first["mel"]), "detail": room(first["detail"])}
    present = np.zeros(len(settings.dilations) * settings.channels, np.float32)
    for _ in settings.dilations:
        _, answer = runner({**before, "state_in": past_of([present], settings)})
        present = answer[0]
    return present


def past_of(presents: Sequence[FloatArray], settings: NetworkSettings) -> FloatArray:
    """The network's `past`, (1, layers * 2 * channels).

    presents: `present` (layers * channels,) of every frame before; before these, as the first.
    """
    taps = []
    for layer, dilation in enumerate(settings.dilations):
        part = slice(layer * settings.channels, (layer + 1) * settings.channels)
        for age in (2 * dilation, dilation):
            taps.append(presents[max(-age, -len(presents))][part])
    return np.concatenate(taps)[None]


def _feeds(network: Network, features: TrackFeatures) -> list[Feed]:
    """The inputs of the first CHECKED_FRAMES frames."""
    settings = network.settings
    feeds = []
    for frame in range(min(CHECKED_FRAMES, len(features))):
        feed = {
            "mel": np.array(features.mel[None, frame]),
            "pooled_context": blocks_before(features.mel, frame, settings)[None],
            "detail": np.array(features.detail[None, frame]),
            "previous_weights": np.zeros((1, OUTPUTS), np.float32),
            "state_in": np.zeros((1, 2 * len(settings.dilations) * settings.channels), np.float32),
        }
        if settings.emotion_features:
            feed["egemaps"] = np.array(features.emotion[features.emotion_index[None, frame]])
        feeds.append(feed)
    if not feeds:
        raise DataError("the audio to verify the export with is shorter than one frame.")
    return feeds


def blocks_before(mel: FloatArray, frame: int, settings: NetworkSettings) -> FloatArray:
    """The network's `blocks` (blocks, bands) at a frame of mel (T, bands)."""
    window = padded(mel, frame + 1 - settings.context_frames, frame + 1)
    means: FloatArray = window.reshape(settings.blocks + 1, settings.block_frames, -1).mean(1)
    return means[:-1]


def _tensors(feed: Feed) -> tuple[Tensor, ...]:
    # Copied, since numpy's new axes have a stride of 0, which ExecuTorch refuses.
    return tuple(torch.from_numpy(value.copy()) for value in feed.values())


def _tensor_runner(run: TensorRunner) -> Runner:
    def runner(feed: Feed) -> tuple[FloatArray, FloatArray]:
        blendshapes, present = run(_tensors(feed))
        return blendshapes.numpy(), present.numpy()

    return runner


def _onnx(network: Network, feeds: list[Feed]) -> onnx.ModelProto:
    names = list(feeds[0])
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that traces is deprecated, but the only one that writes opset 17.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            _tensors(feeds[0]),
            stream,  # type: ignore[arg-type]
            input_names=names,
            output_names=list(OUTPUT_NAMES),
            dynamic_axes={name: {0: "batch"} for name in (*names, *OUTPUT_NAMES)},
            opset_version=OPSET,
            dynamo=False,
        )
    return fold(stream.getvalue())


def _written(
    network: Network, feeds: list[Feed], quantize: str, described: Mapping[str, str]
) -> bytes:
    """The ONNX file of a network."""
    model, hidden = _onnx(network, feeds), network.settings.hidden
    if quantize == "int8":
        model = _in_8_bits(model)
    feel_when_changed(model, hidden)
    if quantize == "fp16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(model, keep_io_types=True)
    model.producer_name = "koemorph"
    onnx.helper.set_model_props(model, dict(described))
    data: bytes = model.SerializeToString()
    return data


def _in_8_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as name:
        path = Path(name) / "int8.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=True,  # without VNNI, sums of two products saturate at 16 bits
        )
        return onnx.load(path)


def _milliseconds(runner: Runner, feed: Feed, times: int = 200) -> float:
    """The median of what one frame takes."""
    for _ in range(20):
        runner(feed)
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        runner(feed)
        spent.append(time.perf_counter() - begin)
    return float(np.median(spent)) * 1e3
