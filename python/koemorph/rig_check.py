"""Check whether an animation moves a rig, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from koemorph.blendshapes import BLENDSHAPES, GROUPS
from koemorph.errors import OutputError
from koemorph.outputs import rig as rigs
from koemorph.outputs.gltf_file import GltfFile
from koemorph.retarget import RetargetMap, load_retarget_map, maps

_LISTED = 12
"""Most names that a message lists."""
_VRM_MAPS = {"VRM": "vrm0", "VRMC_vrm": "vrm1"}

Warn = Callable[[str], None]


def choose_map_name(rig: Path, retarget: str | None) -> str | None:
    """Return the map that moves a rig: the given one, else that of a VRM file's expressions.

    Args:
        rig: A .glb, .gltf or .vrm.
        retarget: A bundled map's name, the path of a JSON file, or None.

    Returns:
        The name or path; None when no map is given and the rig is no VRM file, or its own shapes
        have ARKit's names.

    Raises:
        OutputError: The rig cannot be read.
    """
    if retarget is not None:
        return retarget
    gltf = rigs.load(rig)
    with rigs.rig_errors(rig):
        known = [name for key, name in _VRM_MAPS.items() if key in gltf.json.get("extensions", {})]
        if not known or _score(gltf, None, rig)[1] or not rigs.expression_names(gltf):
            return None
    return known[0]


def check_rig(rig: Path, retarget: RetargetMap | None, warn: Warn) -> None:
    """Report what an animation of the ARKit blend shapes moves in a rig.

    Args:
        rig: A .glb, .gltf or .vrm.
        retarget: The map that the animation was retargeted with, or None.
        warn: Called with each line of the report when something found no partner.

    Raises:
        OutputError: The rig cannot be used, or no shape of its jaw or mouth would move (code
            "rig_unmatched").
    """
    names = BLENDSHAPES if retarget is None else tuple(retarget.names)
    gltf = rigs.load(rig)
    with rigs.rig_errors(rig):
        try:
            found = rigs.coverage(gltf, names, rig)
        except OutputError as error:
            if error.code != "rig_unmatched":
                raise
            found = rigs.Coverage((), names, (), tuple(rigs.shape_names(gltf)))
        mouth, jaw = mouth_names(retarget), mouth_names(retarget, ("jawOpen",))
        hint = _hint(gltf, rig, retarget)
    by = "the names of ARKit" if retarget is None else f"the map {retarget.name}"
    s = "" if retarget is None else "s"
    count = len(found.moving) + len(found.still)
    if not mouth.intersection(found.driven):
        raise OutputError(
            f"Cannot animate the rig {rig}: no jaw or mouth shape would move, {by} drive{s} "
            f"{len(found.moving)} of its {count} shapes. At rest: {_listed(found.still)}. {hint}",
            code="rig_unmatched",
        )
    if not jaw.intersection(found.driven):
        warn(f"WARNING: no shape of {rig.name} opens the jaw. {hint}")
    if found.still or found.unused:
        warn(f"{rig.name}: {by} drive{s} {len(found.moving)} of {count} shapes.")
    if found.still:
        warn(f"  Shapes at rest: {', '.join(found.still)}.")
    if found.unused:
        warn(f"  Not in the rig: {', '.join(found.unused)}.")


def mouth_names(
    retarget: RetargetMap | None, sources: tuple[str, ...] = (*GROUPS["jaw"], *GROUPS["mouth"])
) -> set[str]:
    """Return the outputs of a map that blend shapes move; without a map, these themselves.

    Args:
        retarget: The map, or None.
        sources: Names of ARKit blend shapes.
    """
    if retarget is None:
        return set(sources)
    columns = [BLENDSHAPES.index(name) for name in sources]
    faces = np.zeros((1 + 2 * len(columns), len(BLENDSHAPES)), np.float32)
    for row, column in enumerate(columns):
        faces[1 + 2 * row, column] = 0.3
        faces[2 + 2 * row, column] = 1
    weights = retarget.apply(faces)
    moving = np.abs(weights[1:] - weights[0]).max(axis=0) > 0
    return {name for name, moves in zip(retarget.names, moving, strict=True) if moves}


def _score(gltf: GltfFile, retarget: RetargetMap | None, rig: Path) -> tuple[bool, bool, int]:
    """Return whether a map opens the jaw, whether it moves the mouth, and the names it matches."""
    names = BLENDSHAPES if retarget is None else tuple(retarget.names)
    try:
        driven = rigs.coverage(gltf, names, rig).driven
    except OutputError:
        return False, False, 0
    jaw, mouth = mouth_names(retarget, ("jawOpen",)), mouth_names(retarget)
    return bool(jaw.intersection(driven)), bool(mouth.intersection(driven)), len(driven)


def _hint(gltf: GltfFile, rig: Path, retarget: RetargetMap | None) -> str:
    """Return a sentence about the bundled map that fits best."""
    scores = {name: _score(gltf, load_retarget_map(name), rig) for name in maps()}
    best = max(scores, key=lambda name: scores[name])
    used, plain = _score(gltf, retarget, rig), _score(gltf, None, rig)
    if retarget is not None and plain[1] and plain >= scores[best]:
        return "Its names are those of ARKit: omit the map."
    if scores[best][1] and scores[best] > used:
        return (
            f"The bundled map {best} fits best ({scores[best][2]} of its targets): use --retarget "
            f"{best}."
        )
    return "No bundled map fits better; write one (docs/how-to/retarget-maps-and-presets.md)."


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
