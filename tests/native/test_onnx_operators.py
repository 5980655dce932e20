"""Each operator of the built-in evaluator against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_graphs
import pytest
from onnx import TensorProto, helper

from koemorph import _native


@dataclass
class Case:
    """One node "op" with the input x (batch, *shape), y when given, and constants after them."""

    op: str
    shape: tuple[int, ...] = (3, 5)
    second: tuple[int, ...] | None = None
    constants: list[Any] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    name: str = ""


RNG = np.random.default_rng(0)


def real(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


UNARY = ["Abs", "Neg", "Exp", "Tanh", "Relu", "Sign", "Floor", "Reciprocal", "Sigmoid", "Identity"]
BINARY = ["Add", "Sub", "Mul", "Div", "Max", "Min"]
MATRICES = ((1, 1), (7, 5), (80, 128), (33, 16))
CASES = [
    *(Case(op) for op in UNARY),
    Case("Exp", (1000,)),
    Case("Sigmoid", (17,)),
    *(Case(op, second=(3, 5)) for op in BINARY),
    *(Case(op, constants=[real(5)], name="row") for op in BINARY),
    *(Case(op, constants=[real(3, 1)], name="column") for op in BINARY),
    *(Case(op, constants=[np.float32(0.3)], name="scalar") for op in BINARY),
    Case("Add", (3, 1), constants=[real(1, 5)], name="outer"),
    Case("Sum", second=(3, 5), constants=[real(3, 5), real(5)]),
    Case("Max", second=(3, 5), constants=[real(5)]),
    Case("Clip", constants=[np.float32(-0.3), np.float32(0.4)]),
    *(
        Case(op, (4, 3, 6), constants=[ints(*axes)], attributes={"keepdims": keep}, name=f"{axes}")
        for op in ("ReduceSum",)
        for axes in ((1,), (2,), (3,), (-1,), (1, 2), (2, 3), (1, 3), (1, 2, 3))
        for keep in (0, 1)
    ),
    *(
        Case(op, (4, 3, 6), attributes={"axes": axes, "keepdims": 0}, name=f"{axes}")
        for op in ("ReduceMean", "ReduceMax", "ReduceMin")
        for axes in ([1], [-1], [2, 3], [1, 3])
    ),
    Case("ReduceSum", (40,), constants=[ints(1)]),
    Case("ReduceMax", (40,), attributes={"axes": [1]}),
    Case("Softmax", (4, 6)),
    Case("Softmax", (4, 6), attributes={"axis": 1}),
    *(Case("MatMul", (k,), constants=[real(k, n)]) for k, n in MATRICES),
    *(Case("MatMul", (m, 20), constants=[real(20, 30)], name=f"{m} rows") for m in range(1, 17)),
    Case("MatMul", (2, 3, 8), constants=[real(8, 10)]),
    Case("MatMul", (4, 8), second=(8, 6), name="both vary"),
    Case("MatMul", (4, 8), second=(8, 32), name="both vary, whole panels"),
    Case("MatMul", (2, 4, 8), second=(2, 8, 6), name="both vary, two batches"),
    Case("MatMul", (4, 8), constants=[real(8)], name="vector"),
    Case("Gemm", (20,), constants=[real(20, 30), real(30)]),
    Case("Gemm", (20,), constants=[real(30, 20), real(30)], attributes={"transB": 1}),
    Case("Gemm", (20,), constants=[real(20, 30), np.float32(2)]),
    Case("Gemm", (20,), constants=[real(20, 30), real(30)], attributes={"alpha": 0.5, "beta": 2.0}),
    Case("Reshape", (4, 6), constants=[ints(-1, 8, 3)]),
    Case("Reshape", (4, 6), constants=[ints(0, -1)]),
    Case("Reshape", (4, 6), constants=[ints(0, 0, 2, 3)]),
    Case("Flatten", (4, 6)),
    Case("Flatten", (4, 6), attributes={"axis": -1}),
    Case("Squeeze", (1, 6), constants=[ints(1)]),
    Case("Unsqueeze", (4, 6), constants=[ints(1, -1)]),
    Case("Transpose", (4, 6), attributes={"perm": [0, 2, 1]}),
    Case("Transpose", (4, 6), attributes={"perm": [2, 0, 1]}),
    Case("Transpose", (4, 6)),
    Case("Concat", second=(2, 5), attributes={"axis": 1}),
    Case("Concat", second=(3, 5), attributes={"axis": -1}),
    Case("Slice", (4, 6), constants=[ints(1), ints(3), ints(1), ints(1)]),
    Case("Slice", (4, 6), constants=[ints(-2, 5), ints(100, 0), ints(1, 2), ints(1, -2)]),
    Case("Slice", (9,), constants=[ints(-1), ints(-100), ints(1), ints(-3)]),
    Case("Gather", (4, 6), constants=[np.array(2, np.int64)], attributes={"axis": 1}),
    Case("Gather", (4, 6), constants=[ints(2, -1, 0)], attributes={"axis": 2}),
    Case("Expand", (1, 6), constants=[ints(1, 3, 1)]),
]  # fmt: skip


def graph_of(case: Case) -> bytes:
    inputs: dict[str, list[int | str]] = {"x": ["batch", *case.shape]}
    names = ["x"]
    if case.second is not None:
        inputs["y"] = ["batch", *case.second]
        names.append("y")
    constants = {f"c{i}": value for i, value in enumerate(case.constants)}
    node = helper.make_node(case.op, [*names, *constants], ["out"], **case.attributes)
    rank = onnx_rank(node, inputs, constants)
    return onnx_graphs.model([node], inputs, {"out": [None] * rank}, constants)  # type: ignore[list-item]


def onnx_rank(node: Any, inputs: Any, constants: Any) -> int:
    import onnx
    from onnx import numpy_helper, shape_inference

    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, *shape[1:]])
        for name, shape in inputs.items()
    ]
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", infos, [out], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    inferred: onnx.ModelProto = shape_inference.infer_shapes(model)
    return len(inferred.graph.output[0].type.tensor_type.shape.dim)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op} {case.shape} {case.name}")
def test_an_operator_agrees_with_onnx_runtime(case: Case) -> None:
    data = graph_of(case)
    session = onnx_graphs.reference(data)
    rng = np.random.default_rng(1)
    for kernels in _native.onnx_kernels():
        evaluator = onnx_graphs.Evaluator(data, 5, kernels)
        for count in (1, 2, 5, 3):
            feed = onnx_graphs.random_feed(evaluator.graph, count, rng)
            (found,) = evaluator.run(feed, count)
            (expected,) = session.run(None, feed)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def compared(data: bytes, tolerance: float = 1e-5) -> None:
    """Compare all outputs of a graph with ONNX Runtime, for all kernels and stream counts."""
    session = onnx_graphs.reference(data)
    rng = np.random.default_rng(1)
    for kernels in _native.onnx_kernels():
        evaluator = onnx_graphs.Evaluator(data, 4, kernels)
        for count in (4, 1, 3):
            feed = onnx_graphs.random_feed(evaluator.graph, count, rng)
            outputs = zip(evaluator.run(feed, count), session.run(None, feed), strict=True)
            for found, expected in outputs:
                np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("op", ["Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal"])
def test_a_comparison_selects_elements(op: str) -> None:
    nodes = [
        helper.make_node(op, ["x", "y"], ["is"]),
        helper.make_node("Not", ["is"], ["is_not"]),
        helper.make_node("Where", ["is_not", "x", "y"], ["out"]),
        helper.make_node("Cast", ["is"], ["number"], to=TensorProto.FLOAT),
    ]
    shape: list[int | str] = ["batch", 3, 7]
    inputs, outputs = {"x": shape, "y": shape}, {"out": shape, "number": shape}
    compared(onnx_graphs.model(nodes, inputs, outputs))


def test_a_chain_whose_running_value_is_any_operand() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["a"]),
        helper.make_node("Sub", ["row", "a"], ["b"]),
        helper.make_node("Div", ["y", "b"], ["c"]),
        helper.make_node("Greater", ["zero", "c"], ["d"]),
        helper.make_node("Where", ["d", "x", "y"], ["e"]),
        helper.make_node("Abs", ["y"], ["f"]),
        helper.make_node("Where", ["d2", "f", "e"], ["g"]),
        helper.make_node("Less", ["x", "y"], ["d2"]),
        helper.make_node("Sigmoid", ["g"], ["h"]),
        helper.make_node("Mul", ["h", "g"], ["out"]),
    ]
    nodes.insert(6, nodes.pop(7))
    shape: list[int | str] = ["batch", 4, 9]
    constants = {"scale": np.float32(1.5), "row": real(9) + 5, "zero": np.float32(0)}
    compared(onnx_graphs.model(nodes, {"x": shape, "y": shape}, {"out": shape}, constants))


def test_a_value_read_twice_is_not_fused_away() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "bias"], ["b"]),
        helper.make_node("Exp", ["a"], ["c"]),
        helper.make_node("Sigmoid", ["b"], ["d"]),
        helper.make_node("Mul", ["b", "d"], ["e"]),
        helper.make_node("Add", ["e", "c"], ["f"]),
        helper.make_node("Add", ["f", "b"], ["out"]),
    ]
    constants = {"w": real(6, 5), "bias": real(5)}
    compared(onnx_graphs.model(nodes, {"x": ["batch", 6]}, {"out": ["batch", 5]}, constants))


def test_both_branches_of_an_if() -> None:
    info = helper.make_tensor_value_info
    then = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "y"], ["t"])],
        "then", [], [info("t", TensorProto.FLOAT, ["batch", 5])],
    )  # fmt: skip
    other = helper.make_graph(
        [helper.make_node("Identity", ["y"], ["e"])],
        "else", [], [info("e", TensorProto.FLOAT, ["batch", 5])],
    )  # fmt: skip
    nodes = [
        helper.make_node("Greater", ["flag", "half"], ["is"]),
        helper.make_node("If", ["is"], ["chosen"], then_branch=then, else_branch=other),
        helper.make_node("Exp", ["chosen"], ["out"]),
    ]
    data = onnx_graphs.model(
        nodes,
        {"flag": [1], "x": ["batch", 6], "y": ["batch", 5]},
        {"out": ["batch", 5]},
        {"half": np.full(1, 0.5, np.float32), "w": real(6, 5)},
    )
    session = onnx_graphs.reference(data)
    evaluator = onnx_graphs.Evaluator(data, 3)
    for flag in (1.0, 0.0, 1.0):
        feed = onnx_graphs.random_feed(evaluator.graph, 3, RNG) | {"flag": np.float32([flag])}
        np.testing.assert_allclose(evaluator.run(feed, 3)[0], session.run(None, feed)[0], rtol=1e-5)


def test_an_extent_computed_from_a_shape() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero", "one", "zero"], ["streams"]),
        helper.make_node("Concat", ["streams", "minus"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["flat"]),
        helper.make_node("Gather", ["shape", "two"], ["width"], axis=0),
        helper.make_node("Unsqueeze", ["width", "zero"], ["width_1"]),
        helper.make_node("Mul", ["width_1", "one"], ["same"]),
        helper.make_node("Concat", ["streams", "minus", "same"], ["back"], axis=0),
        helper.make_node("Reshape", ["flat", "back"], ["out"]),
    ]
    constants = {"zero": ints(0), "one": ints(1), "minus": ints(-1), "two": np.array(2, np.int64)}
    compared(
        onnx_graphs.model(nodes, {"x": ["batch", 3, 4]}, {"out": ["batch", 3, 4]}, constants), 0.0
    )


@pytest.mark.parametrize("weight_type", [np.int8, np.uint8])
@pytest.mark.parametrize("depth", [3, 64, 130])
def test_a_dynamically_quantized_product(weight_type: type, depth: int) -> None:
    limits = np.iinfo(weight_type)
    weights = RNG.integers(limits.min, limits.max + 1, (depth, 21)).astype(weight_type)
    zero = RNG.integers(-3, 4, 21).astype(weight_type) if weight_type is np.int8 else np.uint8(128)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("MatMulInteger", ["q", "w", "zero", "w_zero"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "scale"], ["out"]),
    ]
    constants = {"w": weights, "w_zero": zero}
    inputs: dict[str, list[int | str]] = {"x": ["batch", 2, depth]}
    data = onnx_graphs.model(nodes, inputs, {"out": ["batch", 2, 21]}, constants)
    compared(data, 1e-6)


def test_float16_inside_a_graph_with_float32_ports() -> None:
    nodes = [
        helper.make_node("MatMul", ["half", "w"], ["product"]),
        helper.make_node("Sigmoid", ["product"], ["s"]),
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["s"], ["out"], to=TensorProto.FLOAT),
    ]
    constants = {"w": real(6, 5).astype(np.float16)}
    compared(onnx_graphs.model(nodes, {"x": ["batch", 6]}, {"out": ["batch", 5]}, constants), 2e-3)


@pytest.mark.parametrize("kernels", _native.onnx_kernels())
def test_exponential_and_sigmoid_over_their_whole_range(kernels: str) -> None:
    shape: list[int | str] = ["batch", 4001]
    nodes = [helper.make_node("Exp", ["x"], ["e"]), helper.make_node("Sigmoid", ["x"], ["s"])]
    data = onnx_graphs.model(nodes, {"x": shape}, {"e": shape, "s": shape})
    x = np.linspace(-86.5, 88.7, 4001, dtype=np.float32)
    e, s = onnx_graphs.Evaluator(data, 1, kernels).run({"x": x[None]}, 1)
    exact = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(e[0], exact, rtol=2.5e-7)
    np.testing.assert_allclose(s[0], exact / (1 + exact), rtol=4e-7)
    x[:6] = [np.nan, np.inf, -np.inf, 1e30, -1e30, -100]
    e, s = onnx_graphs.Evaluator(data, 1, kernels).run({"x": x[None]}, 1)
    np.testing.assert_array_equal(e[0, :6], np.float32([np.nan, np.inf, 0, np.inf, 0, 0]))
    np.testing.assert_allclose(s[0, :6], np.float32([np.nan, 1, 0, 1, 0, 0]), atol=1e-37)
