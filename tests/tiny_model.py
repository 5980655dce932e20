"""A small model with random weights, built without torch.

Its output depends on all inputs, so that a wrong input changes the output.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from koemorph.blendshapes import BLENDSHAPES
from koemorph.features import FeatureSettings
from koemorph.training.streaming import StateLayout

# 256 frames in pools of 32 at 30 fps.
CONTEXT_SECONDS, POOLS = 256 / 30, 8
CHANNELS, DILATIONS, EMBEDDING_SIZE = 2, (1, 3), 2


def metadata(fps: int, **changes: str) -> dict[str, str]:
    """Return valid metadata of a model file, with some values changed."""
    context = round(CONTEXT_SECONDS * fps) // POOLS * POOLS
    texts = FeatureSettings.for_fps(fps).metadata() | {
        "format_version": "3",
        "name": "tiny",
        "model_version": "1",
        "license": "MIT",
        "training_data": "none",
        "metrics": "{}",
        "context_frames": str(context),
        "context_pool_frames": str(context // POOLS),
        "expression_embedding_size": str(EMBEDDING_SIZE),
        "trunk_channels": str(CHANNELS),
        "trunk_dilations": ",".join(map(str, DILATIONS)),
        "expression_features": "none",
        "egemaps_set": "eGeMAPSv02",
        "blendshapes": ",".join(BLENDSHAPES),
    }
    return texts | changes


def state_layout(texts: dict[str, str]) -> StateLayout:
    """Return the sizes of the streaming state."""
    return StateLayout(
        DILATIONS,
        CHANNELS,
        int(texts["context_pool_frames"]),
        int(texts["context_frames"]),
        EMBEDDING_SIZE if texts["expression_features"] == "native" else 0,
    )


def inputs(texts: dict[str, str]) -> dict[str, tuple[int, ...]]:
    """Return the inputs of such a model and their shapes, without the batch dimension."""
    shapes = {
        "mel": (80,),
        "pooled_context": (
            int(texts["context_frames"]) // int(texts["context_pool_frames"]) - 1,
            80,
        ),
        "detail": (3, 80),
        "previous_weights": (52,),
        "state_in": (2 * len(DILATIONS) * CHANNELS,),
    }
    if texts["expression_features"] == "native":
        shapes |= {"egemaps": (3, 88), "expression_embedding_in": (52, EMBEDDING_SIZE)}
    return shapes


def outputs(texts: dict[str, str]) -> dict[str, tuple[int, ...]]:
    """Return the outputs of such a model and their shapes, without the batch dimension."""
    shapes: dict[str, tuple[int, ...]] = {
        "weights": (52,),
        "state_out": (len(DILATIONS) * CHANNELS,),
    }
    return shapes | (
        {"expression_embedding_out": (52, EMBEDDING_SIZE)}
        if texts["expression_features"] == "native"
        else {}
    )


def save_graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    texts: dict[str, str],
) -> Path:
    """Write a graph as a KoeMorph model."""

    def values(shapes: dict[str, tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
            for name, shape in shapes.items()
        ]

    changed = helper.make_tensor_value_info("expression_changed", TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        nodes,
        texts.get("name", "test"),
        values(inputs(texts)) + [changed] * (texts["expression_features"] == "native"),
        values(outputs(texts)),
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="koemorph"
    )
    helper.set_model_props(model, texts)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def save(path: Path, fps: int = 30, texts: dict[str, str] | None = None, seed: int = 0) -> Path:
    """Write the model and return `path`.

    The weights are the sigmoid of a mix of all inputs, smoothed with the previous weights. The
    expression embedding is a mix of `egemaps` when they have changed, else the previous one.
    """
    texts = metadata(fps) if texts is None else texts
    rng = np.random.default_rng(seed)
    constants = {"flat": np.array([0, -1]), "alpha": np.float32(0.3)}
    nodes = []

    def mix(name: str, size: int, width: int, scale: float) -> str:
        constants[f"weight_{name}"] = (
            scale / np.sqrt(size) * rng.standard_normal((size, width))
        ).astype(np.float32)
        nodes.append(helper.make_node("Reshape", [name, "flat"], [f"flat_{name}"]))
        nodes.append(
            helper.make_node("MatMul", [f"flat_{name}", f"weight_{name}"], [f"part_{name}"])
        )
        return f"part_{name}"

    shapes = inputs(texts)
    if "egemaps" in shapes:
        size = int(np.prod(shapes.pop("egemaps")))
        embedding = mix("egemaps", size, 52 * EMBEDDING_SIZE, 2e-3)
        constants["embedding_shape"] = np.array([-1, 52, EMBEDDING_SIZE])
        nodes += [
            helper.make_node("Reshape", [embedding, "embedding_shape"], ["embedding"]),
            helper.make_node("Sub", ["embedding", "expression_embedding_in"], ["difference"]),
            helper.make_node("Mul", ["difference", "expression_changed"], ["step"]),
            helper.make_node(
                "Add", ["expression_embedding_in", "step"], ["expression_embedding_out"]
            ),
        ]
        shapes["expression_embedding_out"] = shapes.pop("expression_embedding_in")
    parts = [mix(name, int(np.prod(shape)), 52, 2.0) for name, shape in shapes.items()]
    # The first layer depends on the frame, the second also on the first layer's previous state.
    layers = len(DILATIONS) * CHANNELS
    frame_weights = rng.standard_normal((80, layers)) / np.sqrt(80)
    constants["weight_frame"] = frame_weights.astype(np.float32)
    recurrent = 0.5 * rng.standard_normal((2 * layers, layers))
    recurrent[2 * CHANNELS :] = recurrent[:, :CHANNELS] = 0
    constants["weight_recurrent"] = recurrent.astype(np.float32)
    nodes += [
        helper.make_node("MatMul", ["mel", "weight_frame"], ["frame_part"]),
        helper.make_node("MatMul", ["state_in", "weight_recurrent"], ["recurrent"]),
        helper.make_node("Add", ["frame_part", "recurrent"], ["state_out"]),
        helper.make_node("Sum", parts, ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["face"]),
        helper.make_node("Sub", ["previous_weights", "face"], ["change"]),
        helper.make_node("Mul", ["change", "alpha"], ["kept"]),
        helper.make_node("Add", ["face", "kept"], ["weights"]),
    ]
    return save_graph(path, nodes, constants, texts)
