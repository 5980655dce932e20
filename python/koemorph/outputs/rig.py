"""Reading a user's rig: the morph targets of a glTF file and which animated name moves which."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pygltflib import GLTF2, Mesh

from koemorph import _native
from koemorph.errors import OutputError


@dataclass(frozen=True)
class Match:
    """Which of an animation's names each of a mesh's targets follows, None for no partner."""

    mesh: int
    targets: tuple[str, ...]
    columns: tuple[int | None, ...]


def load(path: Path) -> GLTF2:
    """Load a .glb or .gltf; OutputError when it is missing or broken."""
    try:
        gltf = GLTF2().load(str(path))
    except FileNotFoundError as error:
        raise OutputError(f"There is no rig at {path}; check the path.") from error
    except Exception as error:  # the library lets whatever its parsers raise through
        raise OutputError(
            f"{path} cannot be read as glTF; export the rig as .glb again and try that."
        ) from error
    if gltf is None or not gltf.meshes:
        raise OutputError(f"{path} holds no mesh; export the head with its shape keys as .glb.")
    return gltf


def target_names(mesh: Mesh) -> tuple[str, ...]:
    """The names of a mesh's morph targets; () when it has none or they have no names."""
    count = max((len(p.targets or []) for p in mesh.primitives), default=0)
    extras: list[dict[str, Any]] = [mesh.extras or {}]
    extras += [primitive.extras or {} for primitive in mesh.primitives]
    for extra in extras:
        names = extra.get("targetNames") if isinstance(extra, dict) else None
        if isinstance(names, list) and len(names) == count:
            return tuple(str(name) for name in names)
    return ()


def match_rig(gltf: GLTF2, names: tuple[str, ...], path: Path) -> list[Match]:
    """Pair the targets of every mesh with the animation's names; OutputError when none fits."""
    matches: list[Match] = []
    seen: list[str] = []
    for index, mesh in enumerate(gltf.meshes):
        targets = target_names(mesh)
        seen += targets
        found = _native.match_shape_names(list(names), list(targets))
        partners = tuple(None if column < 0 else column for column in found)
        if any(partner is not None for partner in partners):
            matches.append(Match(index, targets, partners))
    if matches:
        return matches
    if not seen:
        raise OutputError(
            f"{path} has no named morph targets; export it with its shape keys "
            "(in Blender: Data > Mesh > Shape Keys)."
        )
    sample = json.dumps(seen[:6], ensure_ascii=False)[1:-1]
    raise OutputError(
        f"None of the {len(seen)} morph targets of {path} ({sample}, ...) is called like a "
        "coefficient; give a map with --retarget whose outputs are the rig's names."
    )
