"""Rigs in glTF files: their morph targets and how they match an animation's names."""

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
    """A mesh whose morph targets match names of an animation.

    Attributes:
        mesh: The mesh's index.
        targets: Names of its morph targets.
        columns: Per target the index of the matching animation name, or None.
    """

    mesh: int
    targets: tuple[str, ...]
    columns: tuple[int | None, ...]


@contextmanager
def rig_errors(path: Path) -> Iterator[None]:
    """Translate any exception of the block into an OutputError about the rig.

    Raises:
        OutputError: A file cannot be read (code "unreadable") or is no glTF ("rig_broken").
    """
    try:
        yield
    except KoemorphError:
        raise
    except OSError as error:
        raise OutputError(
            f"Cannot read the rig {path}: {error.strerror} ({error.filename}). Restore that file "
            "or export the rig as one .glb.",
            code="unreadable",
        ) from error
    except Exception as error:  # a malformed file can raise nearly any exception
        raise OutputError(
            f"Cannot read the rig {path}: it is not valid glTF 2.0. Export it as .glb again.",
            code="rig_broken",
        ) from error


def load(path: Path) -> GltfFile:
    """Load a .glb, .gltf or .vrm.

    Args:
        path: The file.

    Returns:
        The file's content.

    Raises:
        OutputError: The file is missing (code "rig_missing"), unreadable ("unreadable",
            "rig_broken"), has no mesh ("rig_without_mesh") or uses meshopt compression
            ("rig_compressed").
    """
    if not path.exists():
        raise OutputError(
            f"Cannot read the rig {path}: there is no such file. Check the path.",
            code="rig_missing",
        )
    with rig_errors(path):
        gltf = read(path)
        if not gltf.json.get("meshes"):
            raise OutputError(
                f"Cannot use the rig {path}: it has no mesh. Export the head with its shape keys "
                "as .glb.",
                code="rig_without_mesh",
            )
        if any(name in gltf.json.get("extensionsUsed", []) for name in _MESHOPT):
            raise OutputError(
                f"Cannot read the rig {path}: it uses meshopt compression, which is not "
                "supported. Export it without compression.",
                code="rig_compressed",
            )
    return gltf


def target_names(mesh: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a mesh's morph targets, () when it has none or they are unnamed."""
    primitives = mesh["primitives"]
    count = max((len(primitive.get("targets", [])) for primitive in primitives), default=0)
    for extra in [part.get("extras") for part in (mesh, *primitives)]:
        names = extra.get("targetNames") if isinstance(extra, dict) else None
        if isinstance(names, list) and len(names) == count:
            return tuple(str(name) for name in names)
    return ()


def match_rig(gltf: GltfFile, names: tuple[str, ...], path: Path) -> list[Match]:
    """Match the morph targets of every mesh with an animation's names.

    Args:
        gltf: The rig.
        names: The animation's names.
        path: The rig's path, for messages.

    Returns:
        One match per mesh that has at least one matching target.

    Raises:
        OutputError: No mesh has named targets (code "rig_without_targets") or none matches
            ("rig_unmatched").
    """
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
            f"Cannot use the rig {path}: it has no named morph targets. Export it with its shape "
            "keys (in Blender: Data > Mesh > Shape Keys).",
            code="rig_without_targets",
        )
    sample = json.dumps(seen[:6], ensure_ascii=False)[1:-1]
    raise OutputError(
        f"Cannot use the rig {path}: none of its {len(seen)} morph targets ({sample}, ...) "
        "matches a blend shape. Use --retarget with a map whose targets are the rig's names.",
        code="rig_unmatched",
    )
