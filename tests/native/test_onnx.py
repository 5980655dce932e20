"""The built-in evaluator: bundled and exported models against ONNX Runtime, and damaged files."""

from __future__ import annotations

import warnings
from pathlib import Path

import loudness_model
import numpy as np
import onnx
import onnx_graphs
import pytest
import tiny_model
from numpy.typing import NDArray
from onnx import TensorProto, helper

import koemorph
from koemorph import _native

MODELS = Path(koemorph.__file__).parent / "models"
BUNDLED = sorted(MODELS.glob("*.onnx"))
CORPUS = Path(__file__).parent / "fuzz" / "corpus"
FRAMES = 300

Feed = onnx_graphs.Feed


class Streams:
    """Random features for `count` streams, frame after frame, with the outputs fed back."""

    def __init__(
        self, graph: _native.testing.OnnxGraph, count: int, amplitude: float = 1.0
    ) -> None:
        self.amplitude = amplitude
        self.shapes = {
            name: [-n * count if n < 0 else n for n in shape] for name, shape in graph.inputs
        }
        self.feed: Feed = {name: np.zeros(s, np.float32) for name, s in self.shapes.items()}
        self.states: list[NDArray[np.float32]] = []

    def advance(self, frame: int) -> Feed:
        """Return the inputs of a frame: features that move slowly, as those of speech do."""
        rng = np.random.default_rng(frame)
        for name in ("mel", "pooled_context", "detail"):
            step = rng.standard_normal(self.shapes[name]).astype(np.float32)
            self.feed[name] = np.clip(0.8 * self.feed[name] + self.amplitude * step, -3, 5)
        if "egemaps" in self.feed:
            changed = frame % 7 == 0
            self.feed["expression_changed"] = np.float32([changed])
            if changed:
                self.feed["egemaps"] = rng.random(self.shapes["egemaps"], np.float32)
        if self.states:
            size = self.states[-1].shape[1]
            layers = self.feed["state_in"].reshape(len(self.states[-1]), -1, 2, size // 4 or size)
            newest = self.states[-1].reshape(len(layers), layers.shape[1], -1)
            older = self.states[max(0, len(self.states) - 4)].reshape(newest.shape)
            self.feed["state_in"] = np.stack([older, newest], 2).reshape(self.shapes["state_in"])
        return self.feed

    def accept(self, outputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        self.feed["previous_weights"] = outputs[0]
        self.states.append(outputs[1])
        if len(outputs) > 2:
            self.feed["expression_embedding_in"] = outputs[2]
        return outputs[0]


def curves(
    path: Path, count: int, frames: int = FRAMES, kernels: str = "", amplitude: float = 1.0
) -> tuple[onnx_graphs.FloatArray, onnx_graphs.FloatArray]:
    """The weights (frames, count, 52) of the evaluator and of ONNX Runtime."""
    data = path.read_bytes()
    evaluator = onnx_graphs.Evaluator(data, 8, kernels)
    session = onnx_graphs.reference(data)
    mine, theirs = (Streams(evaluator.graph, count, amplitude) for _ in range(2))
    found, expected = [], []
    for frame in range(frames):
        found.append(mine.accept(evaluator.run(mine.advance(frame), count)))
        expected.append(theirs.accept(session.run(None, theirs.advance(frame))))
    return np.array(found), np.array(expected)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_bundled_models_agree_with_onnx_runtime(path: Path, count: int) -> None:
    found, expected = curves(path, count)
    assert np.ptp(expected, axis=0).max() > 0.05
    assert np.abs(found - expected).max() <= 1e-5


@pytest.mark.parametrize("kernels", _native.onnx_kernels())
def test_every_instruction_set_gives_the_same_curves(kernels: str) -> None:
    found, expected = curves(MODELS / "koemorph-30.onnx", 3, 60, kernels)
    assert np.abs(found - expected).max() <= 1e-5


@pytest.mark.parametrize("expression", ["none", "native"])
def test_tiny_models_agree_with_onnx_runtime(tmp_path: Path, expression: str) -> None:
    texts = tiny_model.metadata(30, expression_features=expression)
    data = tiny_model.save(tmp_path / "tiny.onnx", 30, texts).read_bytes()
    session, evaluator = onnx_graphs.reference(data), onnx_graphs.Evaluator(data, 4)
    for count in (1, 4, 2):
        feed = onnx_graphs.random_feed(evaluator.graph, count, np.random.default_rng(count))
        for found, expected in zip(
            evaluator.run(feed, count), session.run(None, feed), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert evaluator.graph.metadata["expression_features"] == expression


def test_the_loudness_model_agrees_with_onnx_runtime(tmp_path: Path) -> None:
    data = loudness_model.save(tmp_path / "loudness.onnx").read_bytes()
    session, evaluator = onnx_graphs.reference(data), onnx_graphs.Evaluator(data, 2)
    feed = onnx_graphs.random_feed(evaluator.graph, 2, np.random.default_rng(0))
    np.testing.assert_allclose(evaluator.run(feed, 2)[0], session.run(None, feed)[0], atol=1e-5)


@pytest.mark.parametrize("quantize", ["int8", "fp16"])
def test_quantized_exports_agree_with_onnx_runtime(tmp_path: Path, quantize: str) -> None:
    pytest.importorskip("torch")
    from click.testing import CliRunner

    from koemorph import cli

    path = tmp_path / "quantized.onnx"
    arguments = ["export", MODELS / "koemorph-30.safetensors", "--quantize", quantize, "-o", path]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(cli.cli, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    for count in (1, 2):
        # Larger steps than those of speech make single roundings to 8 bits differ more often.
        found, expected = curves(path, count, amplitude=0.1)
        assert np.abs(found - expected).max() <= 5e-3
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] >= 0.9999


def test_the_model_description_is_readable() -> None:
    data = (MODELS / "koemorph-30.onnx").read_bytes()
    graph = _native.testing.OnnxGraph(data)
    session = onnx_graphs.reference(data)
    assert dict(graph.inputs)["detail"] == [-1, 3, 80]
    assert dict(graph.inputs)["expression_changed"] == [1]
    assert [name for name, _ in graph.outputs] == [each.name for each in session.get_outputs()]
    assert graph.metadata == session.get_modelmeta().custom_metadata_map


def test_stream_count_outside_the_capacity_is_refused() -> None:
    evaluator = onnx_graphs.Evaluator((MODELS / "koemorph-30-fast.onnx").read_bytes(), 2)
    for count in (0, 3):
        with pytest.raises(ValueError, match=f"{count} streams, 1 to 2"):
            evaluator.session.timed(count, 1)


def test_an_unsupported_operator_is_named() -> None:
    nodes = [helper.make_node("Cosh", ["x"], ["out"])]
    data = onnx_graphs.model(nodes, {"x": ["batch", 2]}, {"out": ["batch", 2]})
    with pytest.raises(ValueError, match='"Cosh"'):
        _native.testing.OnnxGraph(data)


def refused(data: bytes) -> bool:
    """Load, and run with zeros what loads; whether it was refused."""
    try:
        graph = _native.testing.OnnxGraph(data)
    except ValueError:
        return True
    session = _native.testing.OnnxSession(graph, 2)
    session.timed(1, 1)
    session.timed(2, 1)
    return False


def small_models() -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / "onnx").iterdir())]


def test_truncated_files_are_refused() -> None:
    for data in small_models():
        # Some prefixes end before an optional field and are whole files.
        assert sum(not refused(data[:size]) for size in range(len(data))) < 20
    data = (MODELS / "koemorph-30-fast.onnx").read_bytes()
    assert all(refused(data[:size]) for size in range(0, len(data) - 5000, 4999))


def test_damaged_files_are_refused_or_run() -> None:
    rng = np.random.default_rng(0)
    for data in small_models():
        for at in range(len(data)):
            for value in (data[at] ^ 1, data[at] ^ 0x80, 0, 255, int(rng.integers(256))):
                refused(data[:at] + bytes([value]) + data[at + 1 :])
    data = bytearray((MODELS / "koemorph-30.onnx").read_bytes())
    for _ in range(200):
        at = int(rng.integers(len(data)))
        kept, data[at] = data[at], int(rng.integers(256))
        refused(bytes(data))
        data[at] = kept


SHAPE: list[int | str] = ["batch", 2]


def one_node(op: str, inputs: list[str], **attributes: object) -> bytes:
    node = helper.make_node(op, inputs, ["out"], **attributes)
    constants = {"w": np.ones((2, 2), np.float32), "i": np.array([5], np.int64)}
    return onnx_graphs.model([node], {"x": SHAPE}, {"out": SHAPE}, constants)


def nested_ifs(depth: int) -> bytes:
    info = helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", [], [info])
    for _ in range(depth):
        node = helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "g", [], [info])
        if graph.ByteSize() > 1_000_000:
            break
    node = helper.make_node("Identity", ["y"], ["out"])
    return onnx_graphs.model([*graph.node, node], {"x": SHAPE, "c": [1]}, {"out": SHAPE})


def cyclic() -> bytes:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Abs", ["a"], ["b"])]
    return onnx_graphs.model(nodes, {"x": SHAPE}, {"b": SHAPE})


def huge_extent() -> bytes:
    model = onnx.load_from_string(one_node("Abs", ["x"]))
    model.graph.initializer[0].dims[0] = 1 << 62
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no graph"),
        (b"\x00", "damaged"),
        (one_node("Abs", ["nothing"]), '"nothing"'),
        (one_node("Abs", []), "no input 0"),
        (one_node("MatMul", ["w", "i"]), "shapes"),
        (one_node("Add", ["x", "i3"]), "i3"),
        (one_node("Reshape", ["x", "i"]), r"\(5\)"),
        (one_node("Reshape", ["x", "x"]), "depends"),
        (one_node("Transpose", ["x"], perm=[0, 0]), "perm"),
        (one_node("Concat", ["x", "x"], axis=0), "axis 0"),
        (one_node("Softmax", ["x"], axis=7), "axis 7"),
        (one_node("Gather", ["x", "i"], axis=1), "axis 5"),
        (one_node("ReduceSum", ["x"]), "streams"),
        (cyclic(), "cycle"),
        (nested_ifs(12), "levels"),
        (huge_extent(), "4611686018427387904"),
    ],
)
def test_an_invalid_graph_is_refused_with_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.testing.OnnxGraph(data)
