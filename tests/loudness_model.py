"""A model whose jaw follows the loudness of the newest frame: what it hears, one can see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import tiny_model
from onnx import TensorProto, helper, numpy_helper

from koemorph.coefficients import INDEX


def save(path: Path) -> Path:
    """Write the model: jawOpen from the mean of the newest mel frame, with no memory."""
    constants = {
        "first": np.array([255]), "last": np.array([256]), "axis": np.array([1]),
        "gain": np.float32(12), "level": np.float32(3),
        "jaw": (np.arange(52) == INDEX["jawOpen"]).astype(np.float32)[None],
    }  # fmt: skip
    nodes = [
        helper.make_node("Slice", ["mel", "first", "last", "axis"], ["newest"]),
        helper.make_node("ReduceMean", ["newest"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "gain"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "level"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["open"]),
        helper.make_node("Unsqueeze", ["open", "axis"], ["column"]),
        helper.make_node("Mul", ["column", "jaw"], ["face"]),
        helper.make_node("ReduceMean", ["detail"], ["detail_mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["detail_mean", "axis"], ["detail_column"]),
        helper.make_node("Mul", ["detail_column", "nothing"], ["no_detail"]),
        helper.make_node("Mul", ["previous", "nothing"], ["no_previous"]),
        helper.make_node("Sum", ["face", "no_detail", "no_previous"], ["coefficients"]),
    ]
    constants["nothing"] = np.float32(0)
    shapes = {"mel": (256, 80), "detail": (3, 80), "previous": (52,)}
    graph = helper.make_graph(
        nodes,
        "loudness",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
            for name, shape in shapes.items()
        ],
        [helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, ["batch", 52])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, tiny_model.metadata(30))
    onnx.save(model, path)
    return path
