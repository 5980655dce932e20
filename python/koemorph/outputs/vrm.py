"""Expressions of VRM files: names with the morph targets that they move.

Source: https://github.com/vrm-c/vrm-specification (0.0/schema: blendShapeMaster;
VRMC_vrm-1.0: expressions)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_VRM1_NAMES = {
    "a": "aa",
    "i": "ih",
    "u": "ou",
    "e": "ee",
    "o": "oh",
    "blink_l": "blinkLeft",
    "blink_r": "blinkRight",
    "joy": "happy",
    "sorrow": "sad",
    "fun": "relaxed",
}
"""VRM 1.0's names of VRM 0.x's presets, where they differ in more than case."""
_VRM0_NAMES = {new: old for old, new in _VRM1_NAMES.items()}


@dataclass(frozen=True)
class Bind:
    """A morph target that an expression moves.

    Attributes:
        mesh: The mesh's index.
        target: The morph target's index.
        weight: Its weight when the expression is 1.
    """

    mesh: int
    target: int
    weight: float


@dataclass(frozen=True)
class Expression:
    """An expression of a VRM file.

    Attributes:
        names: Its names; a preset has those of both versions of VRM.
        binds: The morph targets that it moves.
    """

    names: tuple[str, ...]
    binds: tuple[Bind, ...]


def expressions(gltf_json: dict[str, Any]) -> list[Expression]:
    """Return the expressions of a VRM file that move morph targets; [] for other files.

    Args:
        gltf_json: The JSON document of a VRM 0.x or 1.0 file.
    """
    extensions = gltf_json.get("extensions", {})
    if "VRMC_vrm" in extensions:
        found = _vrm1(gltf_json, extensions["VRMC_vrm"])
    else:
        found = _vrm0(extensions.get("VRM", {}))
    return [expression for expression in found if expression.binds]


def _vrm1(gltf_json: dict[str, Any], vrm: dict[str, Any]) -> list[Expression]:
    nodes = gltf_json.get("nodes", [])
    groups = vrm.get("expressions") or {}
    found = []
    for name, expression in {**groups.get("custom", {}), **groups.get("preset", {})}.items():
        binds = tuple(
            Bind(nodes[bind["node"]]["mesh"], bind["index"], float(bind.get("weight", 1)))
            for bind in expression.get("morphTargetBinds", [])
            if "mesh" in nodes[bind["node"]]
        )
        names = (name, _VRM0_NAMES[name]) if name in _VRM0_NAMES else (name,)
        found.append(Expression(names, binds))
    return found


def _vrm0(vrm: dict[str, Any]) -> list[Expression]:
    found = []
    for group in vrm.get("blendShapeMaster", {}).get("blendShapeGroups", []):
        preset = group.get("presetName") or "unknown"
        names: tuple[str, ...] = (group.get("name", ""),) if preset == "unknown" else (preset,)
        if preset in _VRM1_NAMES:
            names = (*names, _VRM1_NAMES[preset])
        binds = tuple(
            Bind(bind["mesh"], bind["index"], float(bind.get("weight", 100)) / 100)
            for bind in group.get("binds", [])
        )
        found.append(Expression(names, binds))
    return found
