"""A small model with every input, made on the spot: it needs neither training nor torch.

It is a real graph whose output depends on all of its inputs, so that a stage that goes wrong shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from koemorph.coefficients import COEFFICIENTS
from koemorph.features import FeatureSettings

CONTEXT_SECONDS = 256 / 30


def metadata(fps: int, **changes: str) -> dict[str, str]:
    """What a model file must say about itself, with some of it changed."""
    texts = FeatureSettings.for_fps(fps).metadata() | {
        "format_version": "1",
        "name": "tiny",
        "model_version": "1",
        "license": "MIT",
        "training_data": "none",
        "metrics": "{}",
        "context_frames": str(round(CONTEXT_SECONDS * fps)),
        "emotion": "none",
        "egemaps_set": "eGeMAPSv02",
        "coefficients": ",".join(COEFFICIENTS),
    }
    return texts | changes


def save_graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, ...]],
    constants: dict[str, np.ndarray],
    texts: dict[str, str],
) -> Path:
    """Write nodes that make `coefficients` of `inputs` (name: shape of one voice) as a model."""
    graph = helper.make_graph(
        nodes,
        texts.get("name", "test"),
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
            for name, shape in inputs.items()
        ],
        [helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, ["batch", 52])],
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
    """Write the model: sigmoid of a mix of all inputs, smoothed with previous; returns `path`."""
    texts = metadata(fps) if texts is None else texts
    context = int(texts.get("context_frames", 256))
    rng = np.random.default_rng(seed)
    inputs = {"mel": (context, 80), "detail": (3, 80), "previous": (52,)}
    if texts.get("emotion") == "native":
        inputs["egemaps"] = (3, 88)
    nodes = []
    constants = {"flat": np.array([0, -1]), "alpha": np.float32(0.3)}
    parts = []
    for name, shape in inputs.items():
        size = int(np.prod(shape))
        scale = 1e-4 if name == "egemaps" else 2.0 / np.sqrt(size)
        constants[f"weight_{name}"] = (scale * rng.standard_normal((size, 52))).astype(np.float32)
        nodes.append(helper.make_node("Reshape", [name, "flat"], [f"flat_{name}"]))
        nodes.append(
            helper.make_node("MatMul", [f"flat_{name}", f"weight_{name}"], [f"part_{name}"])
        )
        parts.append(f"part_{name}")
    nodes += [
        helper.make_node("Sum", parts, ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["face"]),
        helper.make_node("Sub", ["previous", "face"], ["change"]),
        helper.make_node("Mul", ["change", "alpha"], ["kept"]),
        helper.make_node("Add", ["face", "kept"], ["coefficients"]),
    ]
    return save_graph(path, nodes, inputs, constants, texts)
