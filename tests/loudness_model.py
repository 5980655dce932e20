"""A model whose jawOpen follows the loudness of the newest frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tiny_model
from onnx import helper

from koemorph.blendshapes import INDEX


def save(path: Path, fps: int = 30) -> Path:
    """Write a model without state: jawOpen is a function of the mean of the newest mel frame."""
    texts = tiny_model.metadata(fps)
    constants = {
        "axis": np.array([1]), "gain": np.float32(12), "level": np.float32(3),
        "jaw": (np.arange(52) == INDEX["jawOpen"]).astype(np.float32)[None],
        "zero": np.float32(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("ReduceMean", ["mel"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "gain"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "level"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["open"]),
        helper.make_node("Mul", ["open", "jaw"], ["face"]),
        helper.make_node("Mul", ["state_in", "zero"], ["unused_state"]),
        helper.make_node("ReduceMean", ["unused_state"], ["no_state_in"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["previous_weights", "zero"], ["no_previous"]),
    ]
    for name in ("pooled_context", "detail"):
        nodes += [
            helper.make_node("Mul", [name, "zero"], [f"unused_{name}"]),
            helper.make_node(
                "ReduceMean", [f"unused_{name}"], [f"mean_{name}"], axes=[1, 2], keepdims=0
            ),
            helper.make_node("Unsqueeze", [f"mean_{name}", "axis"], [f"no_{name}"]),
        ]
    count = tiny_model.outputs(texts)["state_out"][0]
    constants["no_state"] = np.zeros((80, count), np.float32)
    nodes += [
        helper.make_node("MatMul", ["mel", "no_state"], ["state_out"]),
        helper.make_node(
            "Sum",
            ["face", "no_state_in", "no_pooled_context", "no_detail", "no_previous"],
            ["weights"],
        ),
    ]
    return tiny_model.save_graph(path, nodes, constants, texts)
