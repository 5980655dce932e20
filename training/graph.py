"""Optimizations of an exported graph: constants are folded, the expression embedding is cached."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from koemorph.errors import ModelError

from .layers import OUTPUTS

IR_VERSION = 8  # supported by ONNX Runtime 1.17


def fold(data: bytes) -> onnx.ModelProto:
    """Fold everything in an ONNX file that depends on weights only; return the graph."""
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


def cache_expression_embedding(model: onnx.ModelProto, hidden: int) -> None:
    """Compute what depends on `egemaps` only when these change, a few times per second.

    New inputs: `expression_changed` (1,), 0 when every stream's `egemaps` equal those of its last
    frame, and `expression_embedding_in` (B, 52, hidden), the output `expression_embedding_out` of
    the last frame. A graph without `egemaps` is not changed.

    Args:
        model: Is changed.
        hidden: Hidden units of the decoder.

    Raises:
        ModelError: Where the expression stream has more than one output tensor.
    """
    graph = model.graph
    if all(each.name != "egemaps" for each in graph.input):
        return
    inner, outer = _split_expression_stream(graph)
    computed = {name for node in inner for name in node.output}
    outputs = computed.intersection(name for node in outer for name in node.input)
    if len(outputs) != 1:
        raise ModelError(
            f"the expression stream has {len(outputs)} output tensors, 1 was expected. "
            "Export with the versions of torch and onnx that pyproject.toml names.",
            code="unexpected_graph",
        )
    (embedding,) = outputs
    for node in outer:
        for index, name in enumerate(node.input):
            if name == embedding:
                node.input[index] = "expression_embedding_out"
    shape: list[str | int | None] = ["batch", OUTPUTS, hidden]

    def value(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    kept = helper.make_node("Identity", ["expression_embedding_in"], ["kept"], name="keep")
    choice = helper.make_node(
        "If",
        ["is_changed"],
        ["expression_embedding_out"],
        name="embed_when_changed",
        then_branch=helper.make_graph(inner, "embed", [], [value(embedding)]),
        else_branch=helper.make_graph([kept], "keep", [], [value("kept")]),
    )
    condition = helper.make_node(
        "Greater", ["expression_changed", "half"], ["is_changed"], name="is_changed"
    )
    graph.initializer.append(numpy_helper.from_array(np.full(1, 0.5, np.float32), "half"))
    del graph.node[:]
    graph.node.extend([condition, choice, *outer])
    graph.input.append(helper.make_tensor_value_info("expression_changed", TensorProto.FLOAT, [1]))
    graph.input.append(value("expression_embedding_in"))
    graph.output.append(value("expression_embedding_out"))
    onnx.checker.check_model(model)


def _split_expression_stream(
    graph: onnx.GraphProto,
) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """The nodes that depend on `egemaps` and constants alone, and all others, in order."""
    available = {"egemaps"} | {each.name for each in graph.initializer}
    inner, outer = [], []
    for node in graph.node:
        inputs = set(filter(None, node.input))
        if inputs and inputs <= available:
            inner.append(node)
            available.update(node.output)
        else:
            outer.append(node)
    return inner, outer
