"""Retarget maps of tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES

MAPS = sorted((Path(__file__).parents[1] / "python" / "koemorph" / "maps").glob("*.json"))


def load(targets: Any, **more: Any) -> Any:
    """Load a map with these targets and further members."""
    file = {"koemorph": "retarget", "version": 1, "name": "test", "targets": targets, **more}
    return _native.RetargetMap(json.dumps(file).encode())


def bundled(name: str) -> Any:
    """Load a bundled map."""
    return _native.RetargetMap(next(path for path in MAPS if path.stem == name).read_bytes())


def face(**weights: float) -> np.ndarray:
    """Return one frame, (1, 52), with these weights and 0 elsewhere."""
    frame = np.zeros((1, 52), np.float32)
    for name, weight in weights.items():
        frame[0, BLENDSHAPES.index(name)] = weight
    return frame


def outputs(retarget: Any, **weights: float) -> dict[str, float]:
    """Return the targets' weights for one frame."""
    return dict(zip(retarget.names, retarget.apply(face(**weights))[0].tolist(), strict=True))
