"""A model whose jaw follows the loudness of the newest frame: what it hears, one can see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tiny_model
from onnx import helper

from koemorph.coefficients import INDEX


def save(path: Path, fps: int = 30) -> Path:
    """Write the model: jawOpen from the mean of the newest mel frame, with no memory."""
    texts = tiny_model.metadata(fps)
    context = int(texts["context_frames"])
    constants = {
        "first": np.array([context - 1]), "last": np.array([context]), "axis": np.array([1]),
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
    inputs = {"mel": (context, 80), "detail": (3, 80), "previous": (52,)}
    return tiny_model.save_graph(path, nodes, inputs, constants, texts)
