"""Small ONNX graphs, and two ways to run a graph: the built-in evaluator and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from koemorph import _native

FloatArray = NDArray[np.float32]
Feed = dict[str, FloatArray]


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, Any] | None = None,
) -> bytes:
    """Serialize a graph with float inputs and outputs."""

    def infos(shapes: Mapping[str, Sequence[int | str]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in shapes.items()
        ]

    initializers = [
        numpy_helper.from_array(np.asarray(value), name)
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(list(nodes), "graph", infos(inputs), infos(outputs), initializers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = made.SerializeToString()
    return data


def reference(data: bytes) -> onnxruntime.InferenceSession:
    """Load a graph with ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class Evaluator:
    """A graph in the built-in evaluator, called as onnxruntime.InferenceSession.run is."""

    def __init__(self, data: bytes, capacity: int, kernels: str = "") -> None:
        self.graph = _native.testing.OnnxGraph(data)
        self.session = _native.testing.OnnxSession(self.graph, capacity, kernels)

    def run(self, feed: Feed, count: int) -> list[FloatArray]:
        inputs = [feed[name] for name, _ in self.graph.inputs]
        outputs: list[FloatArray] = self.session.run(self.graph, inputs, count)
        return outputs


def random_feed(graph: _native.testing.OnnxGraph, count: int, rng: np.random.Generator) -> Feed:
    """Random inputs of a graph for `count` streams."""
    return {
        name: rng.standard_normal([-n * count if n < 0 else n for n in shape]).astype(np.float32)
        for name, shape in graph.inputs
    }
