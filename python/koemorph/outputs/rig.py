"""Reading a user's rig: the morph targets of a glTF file and which animated name moves which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koemorph import _native
from koemorph.errors import KoemorphError, OutputError
from koemorph.outputs.gltf_file import GltfFile, read

_MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")


@dataclass(frozen=True)
class Match:
    """Which of an animation's names each of a mesh's targets follows, None for no partner."""

    mesh: int
    targets: tuple[str, ...]
    columns: tuple[int | None, ...]


@contextmanager
def rig_errors(path: Path) -> Iterator[None]:
    """What goes wrong in the block is the rig's fault, and an OutputError."""
    try:
        yield
    except KoemorphError:
        raise
    except OSError as error:
        raise OutputError(
            f"The rig {path} cannot be read: {error.strerror} ({error.filename}); put that right "
            "or export the rig as one .glb."
        ) from error
    except Exception as error:  # a broken file may break anything
        raise OutputError(
            f"{path} cannot be read as glTF; export the rig as .glb again and try that."
        ) from error


def load(path: Path) -> GltfFile:
    """Load a .glb, .gltf or .vrm; OutputError when it is missing, broken or cannot be read here."""
    if not path.exists():
        raise OutputError(f"There is no rig at {path}; check the path.")
    with rig_errors(path):
        gltf = read(path)
        if not gltf.json.get("meshes"):
            raise OutputError(f"{path} holds no mesh; export the head with its shape keys as .glb.")
        if any(name in gltf.json.get("extensionsUsed", []) for name in _MESHOPT):
            raise OutputError(
                f"{path} is compressed with meshopt, which is not read; export it without that."
            )
    return gltf


def target_names(mesh: dict[str, Any]) -> tuple[str, ...]:
    """The names of a mesh's morph targets; () when it has none or they have no names."""
    primitives = mesh["primitives"]
    count = max((len(primitive.get("targets", [])) for primitive in primitives), default=0)
    for extra in [part.get("extras") for part in (mesh, *primitives)]:
        names = extra.get("targetNames") if isinstance(extra, dict) else None
        if isinstance(names, list) and len(names) == count:
            return tuple(str(name) for name in names)
    return ()


def match_rig(gltf: GltfFile, names: tuple[str, ...], path: Path) -> list[Match]:
    """Pair the targets of every mesh with the animation's names; OutputError when none fits."""
    matches: list[Match] = []
    seen: list[str] = []
    for index, mesh in enumerate(gltf.json["meshes"]):
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
        "blendshape; give a map with --retarget whose outputs are the rig's names."
    )
