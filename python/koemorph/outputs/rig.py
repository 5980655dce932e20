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
from koemorph.outputs.vrm import Bind, expressions

_MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")


@dataclass(frozen=True)
class Term:
    """A curve of an animation that moves a morph target.

    Attributes:
        column: Index of the animation's name.
        gain: Factor of its weight.
    """

    column: int
    gain: float


@dataclass(frozen=True)
class Match:
    """A mesh whose morph targets match names of an animation.

    Attributes:
        mesh: The mesh's index.
        targets: Names of its morph targets, () when they are unnamed.
        terms: Per target the curves that move it; their sum is its weight. () for no partner.
    """

    mesh: int
    targets: tuple[str, ...]
    terms: tuple[tuple[Term, ...], ...]


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


def target_names(gltf: GltfFile, mesh: int) -> tuple[str, ...]:
    """Return the names of a mesh's morph targets, () when it has none or they are unnamed.

    Exporters write them to the mesh's `extras.targetNames` (some once for each primitive), a
    primitive's `extras.targetNames`, the targets themselves or the targets' accessors.
    """
    of = gltf.json["meshes"][mesh]
    primitives = of["primitives"]
    every: list[list[dict[str, Any]]] = [part.get("targets", []) for part in primitives]
    targets = max(every, key=len, default=[])
    if not targets:
        return ()
    for part in (of, *primitives):
        names = _extras(part).get("targetNames")
        if isinstance(names, list) and names and _is_once_or_repeated(names, len(targets)):
            return tuple(str(name) for name in names[: len(targets)])
    for found in (map(_own_name, targets), (_accessor_name(gltf, target) for target in targets)):
        named = tuple(found)
        if all(named) and len(set(named)) == len(named):
            return named
    return ()


def _extras(part: dict[str, Any]) -> dict[str, Any]:
    """Return the extras of a glTF object; older exporters wrote `extra`."""
    for key in ("extras", "extra"):
        if isinstance(part.get(key), dict):
            extras: dict[str, Any] = part[key]
            return extras
    return {}


def _is_once_or_repeated(names: list[Any], count: int) -> bool:
    """Whether the list is `count` names, or the same `count` names several times."""
    return len(names) % count == 0 and names == names[:count] * (len(names) // count)


def _own_name(target: dict[str, Any]) -> str:
    for place in (_extras(target), target):
        for key in ("name", "targetName"):
            if isinstance(place.get(key), str):
                return str(place[key])
    return ""


def _accessor_name(gltf: GltfFile, target: dict[str, Any]) -> str:
    index = target.get("POSITION", target.get("NORMAL"))
    return "" if index is None else str(gltf.json["accessors"][index].get("name", ""))


def shape_names(gltf: GltfFile) -> list[str]:
    """Return the names of all morph targets of a rig, in order of the meshes, without repeats."""
    meshes = range(len(gltf.json["meshes"]))
    return list(dict.fromkeys(name for mesh in meshes for name in target_names(gltf, mesh)))


def expression_names(gltf: GltfFile) -> list[str]:
    """Return the names of a VRM file's own expressions, [] for other files."""
    found = expressions(gltf.json)
    return list(dict.fromkeys(name for expression in found for name in expression.names))


def match_rig(gltf: GltfFile, names: tuple[str, ...], path: Path) -> list[Match]:
    """Match the morph targets of every mesh with an animation's names.

    An expression of a VRM file moves the morph targets that it binds, unless a morph target itself
    has the expression's name.

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
    matched: dict[int, list[list[Term]]] = {}
    driven: set[int] = set()
    for mesh, of in enumerate(gltf.json["meshes"]):
        targets = target_names(gltf, mesh)
        columns = _native.match_shape_names(list(names), list(targets))
        count = max(
            (len(part.get("targets", [])) for part in of["primitives"]), default=len(targets)
        )
        matched[mesh] = [[] for _ in range(count)]
        for target, column in enumerate(columns):
            if column >= 0:
                matched[mesh][target].append(Term(column, 1.0))
                driven.add(column)
    for terms, binds in _expression_terms(gltf, names, driven):
        for bind in binds:
            if bind.mesh in matched and bind.target < len(matched[bind.mesh]):
                matched[bind.mesh][bind.target] += [
                    Term(term.column, term.gain * bind.weight) for term in terms
                ]
    matches = [
        Match(mesh, target_names(gltf, mesh), tuple(map(tuple, targets)))
        for mesh, targets in matched.items()
        if any(targets)
    ]
    if matches:
        return matches
    seen = shape_names(gltf) or expression_names(gltf)
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


def _expression_terms(
    gltf: GltfFile, names: tuple[str, ...], driven: set[int]
) -> Iterator[tuple[list[Term], tuple[Bind, ...]]]:
    """Yield the terms and binds of the VRM expressions that no morph target replaces."""
    found = expressions(gltf.json)
    unilateral: set[int] = set()
    for expression in found:
        columns = _native.match_shape_names(list(names), list(expression.names))
        column = next((one for one in columns if one >= 0), None)
        if column is not None and column not in driven:
            unilateral.add(column)
            yield [Term(column, 1.0)], expression.binds
    # Most models of VRM 0.x and many of 1.0 only close both eyes together.
    eyes = _native.match_shape_names(["blinkLeft", "blinkRight"], list(names))
    both = [column for column, eye in enumerate(eyes) if eye >= 0]
    if both and not unilateral.intersection(both) and not driven.intersection(both):
        for expression in found:
            if "blink" in [name.lower() for name in expression.names]:
                yield [Term(column, 1 / len(both)) for column in both], expression.binds


@dataclass(frozen=True)
class Coverage:
    """What of an animation moves a rig.

    Attributes:
        driven: Names of the animation that move the rig.
        unused: Names of the animation that no morph target matches.
        moving: Morph targets of the rig that move.
        still: Morph targets and VRM expressions of the rig that stay at rest.
    """

    driven: tuple[str, ...]
    unused: tuple[str, ...]
    moving: tuple[str, ...]
    still: tuple[str, ...]


def coverage(gltf: GltfFile, names: tuple[str, ...], path: Path) -> Coverage:
    """Match a rig with an animation's names, and return what found a partner and what did not.

    Raises:
        OutputError: As `match_rig`.
    """
    matches = match_rig(gltf, names, path)
    columns = {term.column for match in matches for terms in match.terms for term in terms}
    moved = {
        (match.mesh, target)
        for match in matches
        for target, terms in enumerate(match.terms)
        if terms
    }
    moving: dict[str, None] = {}
    still: dict[str, None] = {}
    for mesh in range(len(gltf.json["meshes"])):
        for target, name in enumerate(target_names(gltf, mesh)):
            (moving if (mesh, target) in moved else still)[name] = None
    for expression in expressions(gltf.json):
        if not any((bind.mesh, bind.target) in moved for bind in expression.binds):
            still[expression.names[0]] = None
    return Coverage(
        tuple(name for column, name in enumerate(names) if column in columns),
        tuple(name for column, name in enumerate(names) if column not in columns),
        tuple(moving),
        tuple(name for name in still if name not in moving),
    )
