"""What is done to an exported graph, so that a frame computes nothing that is known already."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from koemorph.errors import ModelError

from .layers import OUTPUTS

IR_VERSION = 8  # what ONNX Runtime 1.17 loads


def fold(data: bytes) -> onnx.ModelProto:
    """The graph with everything computed that depends on weights alone."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folder / "folded.onnx")
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        model = onnx.load(folder / "folded.onnx")
    standard = [entry for entry in model.opset_import if entry.domain == ""]
    del model.opset_import[:]
    model.opset_import.extend(standard)
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def feel_when_changed(model: onnx.ModelProto, hidden: int) -> None:
    """Puts what depends on `egemaps` alone under a condition, for it changes a few times a second.

    New inputs: `changed` (1,), 0 when every voice's `egemaps` are those of its last frame, and
    `felt` (B, 52, hidden), what the output `feeling` was then. A graph without `egemaps` is left
    as it is. Raises ModelError when the streams cannot be told apart.
    """
    graph = model.graph
    if all(each.name != "egemaps" for each in graph.input):
        return
    alone = {"egemaps"} | {each.name for each in graph.initializer}
    inner = []
    for node in graph.node:
        if any(name in alone for name in node.input) and alone.issuperset(filter(None, node.input)):
            inner.append(node)
            alone.update(node.output)
    made = {name for node in inner for name in node.output}
    outer = [node for node in graph.node if node not in inner]
    handed = made.intersection(name for node in outer for name in node.input)
    if len(handed) != 1:
        raise ModelError(f"the emotion stream must hand on one tensor, not {len(handed)}.")
    (inside,) = handed
    for node in outer:
        for place, name in enumerate(node.input):
            if name == inside:
                node.input[place] = "expression_embedding_out"
    shape: list[str | int | None] = ["batch", OUTPUTS, hidden]

    def value(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    kept = helper.make_node("Identity", ["expression_embedding_in"], ["kept"], name="keep")
    choice = helper.make_node(
        "If",
        ["is_changed"],
        ["expression_embedding_out"],
        name="feel_when_changed",
        then_branch=helper.make_graph(inner, "feel", [], [value(inside)]),
        else_branch=helper.make_graph([kept], "keep", [], [value("kept")]),
    )
    asked = helper.make_node("Greater", ["expression_changed", "half"], ["is_changed"], name="is_changed")
    graph.initializer.append(numpy_helper.from_array(np.full(1, 0.5, np.float32), "half"))
    del graph.node[:]
    graph.node.extend([asked, choice, *outer])
    graph.input.append(helper.make_tensor_value_info("expression_changed", TensorProto.FLOAT, [1]))
    graph.input.append(value("expression_embedding_in"))
    graph.output.append(value("expression_embedding_out"))
    onnx.checker.check_model(model)
