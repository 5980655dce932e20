"""The built-in inference and ONNX Runtime behind the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_model
from onnx import helper

import koemorph
from koemorph import Model, _native
from koemorph.errors import ModelError
from koemorph.model import onnxruntime_library


def with_unsupported_operator(path: Path) -> Path:
    """Save a model with operators that the built-in inference lacks: Sinh and Asinh."""
    model = onnx.load(tiny_model.save(path))
    for node in model.graph.node:
        node.output[:] = ["state" if name == "state_out" else name for name in node.output]
    model.graph.node.append(helper.make_node("Sinh", ["state"], ["sinh"]))
    model.graph.node.append(helper.make_node("Asinh", ["sinh"], ["state_out"]))
    onnx.save(model, path)
    return path


def test_unsupported_operator_without_onnx_runtime_is_named(tmp_path: Path) -> None:
    path = with_unsupported_operator(tmp_path / "sinh.onnx")
    with pytest.raises(ModelError, match=r'sinh\.onnx: .*"Sinh"'):
        _native.Model(str(path), "")
    with pytest.raises(ModelError, match=r'"Sinh".*none\.so'):
        _native.Model(str(path), str(tmp_path / "none.so"))


def test_unsupported_operator_runs_with_onnx_runtime(tmp_path: Path, speech: Path) -> None:
    found = Model(with_unsupported_operator(tmp_path / "sinh.onnx")).animate(speech)
    expected = Model(tiny_model.save(tmp_path / "tiny.onnx")).animate(speech)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-4)


def test_no_library_is_needed_for_bundled_models() -> None:
    path = koemorph.model.bundled_model(koemorph.model.DEFAULT_MODEL)
    assert _native.Model(str(path), "/nowhere/none.so").metadata("fps") == "30"


@pytest.mark.parametrize("name", sorted(koemorph.model.bundled_models()))
def test_both_backends_animate_alike(
    name: str, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onnxruntime_library()
    found = Model(name).animate(speech).weights
    monkeypatch.setenv("KOEMORPH_INFERENCE", "onnxruntime")
    expected = Model(name).animate(speech).weights
    assert np.abs(found - expected).max() <= 1e-5


def test_graph_with_another_shape_is_refused(tmp_path: Path) -> None:
    model = onnx.load(tiny_model.save(tmp_path / "tiny.onnx"))
    texts = {each.key: each.value for each in model.metadata_props} | {"trunk_channels": "3"}
    helper.set_model_props(model, texts)
    onnx.save(model, tmp_path / "tiny.onnx")
    with pytest.raises(ModelError, match=r'"state_in" has shape \(batch, 8\), .*\(batch, 12\)'):
        Model(tmp_path / "tiny.onnx")
