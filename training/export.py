"""Export a checkpoint to a file that runs without torch, after verification on audio."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError, ModelError
from koemorph.features import FeatureSettings
from koemorph.outputs.atomic import atomic_path

from .cache import TrackFeatures
from .checkpoints import Checkpoint, load_weights
from .formats import TOLERANCE
from .graph import cache_expression_embedding, fold
from .mobile import (
    TensorRunner,
    executorch_runner,
    torchscript_runner,
    write_executorch,
    write_torchscript,
)
from .network import Network
from .streaming import (
    Inputs,
    Runner,
    StateLayout,
    StreamState,
    pooled_context,
    run_stream,
)

OPSET = 17  # supported by ONNX Runtime 1.17
CHECKED_FRAMES = 150

INPUT_NAMES = ("mel", "pooled_context", "detail", "previous_weights", "state_in", "egemaps")
OUTPUT_NAMES = ("weights", "state_out")


@dataclass(frozen=True)
class Export:
    """Properties of an exported file.

    Attributes:
        path: The file.
        bytes: Its size.
        difference: Largest difference of a weight from torch's, on audio.
        correlation: Smallest correlation of a moving blend shape with torch's.
        frame_milliseconds: Median duration of a frame, on one thread.
    """

    path: Path
    bytes: int
    difference: float
    correlation: float
    frame_milliseconds: float


def at_fps(checkpoint: Checkpoint, fps: int) -> tuple[Network, FeatureSettings]:
    """Build the averaged network for a frame rate, with the same weights.

    Args:
        checkpoint: Trained at any frame rate.
        fps: Frames per second to run at.

    Returns:
        The network and the settings of its features.

    Raises:
        DataError: Where the context or the lookahead is not a whole number of frames at `fps`.
    """
    described = checkpoint.description
    network = checkpoint.network()
    if fps == described.features.fps:
        return network, described.features
    ratio = fps / described.features.fps
    lookahead = described.features.lookahead_frames * ratio
    context = described.network.context_frames * ratio
    if lookahead != round(lookahead) or context != round(context):
        raise DataError(
            f"fps mismatch: context and lookahead of this checkpoint, trained at "
            f"{described.features.fps} fps, are not whole numbers of frames at {fps} fps. "
            f"Use --fps {described.features.fps}.",
            code="fps_mismatch",
        )
    try:
        settings = replace(described.network, fps=fps, context_frames=round(context))
    except ValueError as error:
        raise DataError(
            f"fps mismatch: this checkpoint cannot run at {fps} fps ({error}). "
            f"Use --fps {described.features.fps}.",
            code="fps_mismatch",
        ) from error
    faster = Network(settings)
    load_weights(faster, network.state_dict(), "the checkpoint")
    features = replace(described.features, fps=fps, lookahead_frames=round(lookahead))
    return faster, features


def metadata(
    checkpoint: Checkpoint, network: Network, features: FeatureSettings, texts: Mapping[str, str]
) -> dict[str, str]:
    """Collect the metadata of a model file.

    Args:
        checkpoint: Where the model comes from.
        network: What is exported.
        features: The settings of its features.
        texts: Name, version, licence and so on.
    """
    return {
        **features.metadata(),
        "format_version": "3",
        "context_frames": str(network.settings.context_frames),
        "context_pool_frames": str(network.settings.pool_frames),
        "expression_embedding_size": str(network.settings.hidden),
        "trunk_channels": str(network.settings.channels),
        "trunk_dilations": ",".join(map(str, network.settings.dilations)),
        "expression_features": checkpoint.description.expression_features,
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
    """Write a network as a model file, verified against torch.

    Args:
        network: Is set to evaluation mode.
        described: The metadata.
        features: Of the audio to verify with.
        path: The file to write.
        file_format: One of FORMATS.
        quantize: One of QUANTIZATIONS.
        mobile: TorchScript for the lite interpreter.

    Raises:
        DataError: For conflicting options.
        ModelError: Where the file differs from torch by more than TOLERANCE; nothing is written.
        OutputError: Where the file cannot be written.
    """
    network.eval()
    if not network.settings.detail_frames:
        raise DataError(
            "a model file needs detail frames, features.detail_frames is 0. Train with "
            "features.detail_frames=1 or more.",
            code="no_detail_frames",
        )
    frames = _frames(network, features)
    layout = network.settings.state_layout
    example = StreamState(layout).inputs(frames[0])
    if file_format != "onnx" and quantize != "none":
        raise DataError(
            f"--quantize {quantize} is not possible with --format {file_format}. "
            "Use --format onnx.",
            code="option_conflict",
        )
    if file_format != "torchscript" and mobile:
        raise DataError(
            f"--mobile is not possible with --format {file_format}. Use --format torchscript.",
            code="option_conflict",
        )
    if file_format == "onnx":
        data = _onnx_file(network, example, quantize, described)
        runner = onnx_runner(data)
        embedding_size = network.settings.hidden if network.settings.expression_features else 0
        layout = replace(layout, embedding_size=embedding_size)
    elif file_format == "executorch":
        data = write_executorch(network, _tensors(example), described)
        runner = tensor_runner(executorch_runner(data))
    else:
        data = write_torchscript(network, _tensors(example), described, lite=mobile)
        runner = tensor_runner(torchscript_runner(data, lite=mobile))
    trained = tensor_runner(torch.no_grad()(lambda each: network(*each)))
    expected = run_stream(trained, frames, network.settings.state_layout)[:, 0]
    exported = run_stream(runner, frames, layout)[:, 0]
    difference = float(np.abs(expected - exported).max())
    if not difference <= TOLERANCE[quantize]:
        raise ModelError(
            f"the exported model differs from torch by {difference:.2g}, at most "
            f"{TOLERANCE[quantize]:g} was expected. Nothing was written; use --quantize none or "
            "another format.",
            code="export_mismatch",
        )
    moving = expected.std(axis=0) > 1e-3
    correlations = [
        np.corrcoef(expected[:, i], exported[:, i])[0, 1] for i in np.flatnonzero(moving)
    ]
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Export(
        path,
        len(data),
        difference,
        float(min(correlations, default=1.0)),
        _milliseconds(runner, frames[0], layout),
    )


def onnx_runner(data: bytes) -> Runner:
    """Run an ONNX file on one thread, as a game does.

    Args:
        data: The file.

    Returns:
        A function from all inputs of a frame to its outputs, by name.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))


def _frames(network: Network, features: TrackFeatures) -> list[Inputs]:
    """The features of the first CHECKED_FRAMES frames, in the order of the graph's inputs."""
    settings = network.settings
    frames = []
    for frame in range(min(CHECKED_FRAMES, len(features))):
        inputs = {
            "mel": np.array(features.mel[None, frame]),
            "pooled_context": pooled_context(features.mel, frame, settings.state_layout)[None],
            "detail": np.array(features.detail[None, frame]),
        }
        if settings.expression_features:
            inputs["egemaps"] = np.array(
                features.expression[features.expression_index[None, frame]]
            )
        frames.append(inputs)
    if not frames:
        raise DataError(
            "--audio is too short: it has no frame. Use at least 0.1 s.", code="too_short"
        )
    return frames


def _tensors(inputs: Inputs) -> tuple[Tensor, ...]:
    # Copied, because ExecuTorch rejects the stride 0 of numpy's new axes.
    return tuple(torch.from_numpy(inputs[name].copy()) for name in INPUT_NAMES if name in inputs)


def tensor_runner(run: TensorRunner) -> Runner:
    """Run a network of tensors, whose inputs and outputs are in order, by name."""

    def runner(inputs: Inputs) -> Inputs:
        outputs = run(_tensors(inputs))
        return {n: each.numpy() for n, each in zip(OUTPUT_NAMES, outputs, strict=True)}

    return runner


def _onnx_graph(network: Network, example: Inputs) -> onnx.ModelProto:
    names = [name for name in INPUT_NAMES if name in example]
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the only one that supports opset 17.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            _tensors(example),
            stream,  # type: ignore[arg-type]
            input_names=names,
            output_names=list(OUTPUT_NAMES),
            dynamic_axes={name: {0: "batch"} for name in (*names, *OUTPUT_NAMES)},
            opset_version=OPSET,
            dynamo=False,
        )
    return fold(stream.getvalue())


def _onnx_file(
    network: Network, example: Inputs, quantize: str, described: Mapping[str, str]
) -> bytes:
    model, hidden = _onnx_graph(network, example), network.settings.hidden
    if quantize == "int8":
        model = _quantized_to_int8(model)
    cache_expression_embedding(model, hidden)
    if quantize == "fp16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(model, keep_io_types=True)
    model.producer_name = "koemorph"
    onnx.helper.set_model_props(model, dict(described))
    data: bytes = model.SerializeToString()
    return data


def _quantized_to_int8(model: onnx.ModelProto) -> onnx.ModelProto:
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


def _milliseconds(run: Runner, frame: Inputs, layout: StateLayout, times: int = 200) -> float:
    """The median duration of one frame whose egemaps have not changed."""
    state = StreamState(layout)
    state.advance(run, frame)
    inputs = state.inputs(frame)
    for _ in range(20):
        run(inputs)
    durations = []
    for _ in range(times):
        begin = time.perf_counter()
        run(inputs)
        durations.append(time.perf_counter() - begin)
    return float(np.median(durations)) * 1e3
