"""glTF 2.0: a rig with the animation on its morph targets.

Source: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#animations
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from koemorph.animation import Animation
from koemorph.errors import DataError, KoemorphError, OutputError
from koemorph.outputs import WriteOptions, display_name, rig
from koemorph.outputs.gltf_file import GltfFile
from koemorph.outputs.gltf_read import Reader
from koemorph.outputs.jsonl import frame_interval

_FLOAT = 5126


def _add_scalars(gltf: GltfFile, values: npt.NDArray[np.float32]) -> int:
    """Append an accessor of float scalars and return its index."""
    accessor = {
        "bufferView": gltf.add_bytes(values.astype("<f4").tobytes()),
        "componentType": _FLOAT,
        "count": values.size,
        "type": "SCALAR",
        "min": [float(values.min())],
        "max": [float(values.max())],
    }
    return gltf.add("accessors", accessor)


def _weights(animation: Animation, match: rig.Match, rest: list[float]) -> npt.NDArray[np.float32]:
    """Return the weights (T, targets); unmatched targets keep their rest weights.

    A channel sets all targets of a node, so the rest weights have to be in it.
    """
    values = np.zeros((len(animation), len(match.terms)), np.float32)
    values[:, : len(rest)] = rest[: len(match.terms)]
    for target, terms in enumerate(match.terms):
        if len(terms) == 1 and terms[0].gain == 1:
            values[:, target] = animation.weights[:, terms[0].column]
        elif terms:  # binds of VRM expressions, whose sum VRM limits to 1
            total = sum(term.gain * animation.weights[:, term.column] for term in terms)
            values[:, target] = np.minimum(total, 1)
    return values


def animate_rig(gltf: GltfFile, animation: Animation, name: str, source: Path) -> None:
    """Add the animation to every mesh whose morph targets match its names.

    Args:
        gltf: The rig, changed in place.
        animation: The animation, with at least one frame.
        name: Name of the new glTF animation.
        source: The rig's path, for messages.

    Raises:
        OutputError: No mesh matches, or no node shows a matching mesh (code "rig_not_in_scene").
    """
    matches = {match.mesh: match for match in rig.match_rig(gltf, animation.names, source)}
    times = _add_scalars(gltf, animation.times.astype(np.float32))
    samplers: list[dict[str, int]] = []
    channels: list[dict[str, Any]] = []
    known: dict[tuple[int, tuple[float, ...]], int] = {}
    for index, node in enumerate(gltf.json.get("nodes", [])):
        match = matches.get(node.get("mesh"))
        if match is None:
            continue
        rest = node.get("weights") or gltf.json["meshes"][match.mesh].get("weights", [])
        sampler = match.mesh, tuple(rest)
        if sampler not in known:
            output = _add_scalars(gltf, _weights(animation, match, rest).reshape(-1))
            known[sampler] = len(samplers)
            samplers.append({"input": times, "output": output})
        channels.append({"sampler": known[sampler], "target": {"node": index, "path": "weights"}})
    if not channels:
        raise OutputError(
            f"Cannot animate {source}: no node contains a mesh with matching morph targets. "
            "Export the scene that contains the head.",
            code="rig_not_in_scene",
        )
    gltf.add("animations", {"name": name, "samplers": samplers, "channels": channels})


def write_clips(clips: Mapping[str, Animation], path: Path, source: Path) -> None:
    """Write a rig with one more animation per clip.

    Args:
        clips: The animations by name.
        path: The output file, replaced atomically; a .gltf embeds its data.
        source: The rig.

    Raises:
        OutputError: The rig is unusable or matches nothing, or a clip is empty ("no_frames").
    """
    gltf = rig.load(source)
    with rig.rig_errors(source):
        for name, animation in clips.items():
            if not len(animation):
                raise OutputError(
                    f"Cannot animate {source}: {name} has no frames.", code="no_frames"
                )
            animate_rig(gltf, animation, name, source)
        gltf.embed_images()
    gltf.save(path)


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """Write the rig with one more animation, named like the file; a .gltf embeds its data.

    Raises:
        OutputError: `options.rig` is missing (code "rig_missing"), unusable, or matches nothing;
            or the animation is empty ("no_frames").
    """
    if options.rig is None:
        raise OutputError(
            "The glb format needs a rig: none was given. Use --rig HERO.glb.", code="rig_missing"
        )
    write_clips({display_name(path): animation}, path, options.rig)


def _channels(gltf: GltfFile) -> dict[str, tuple[npt.NDArray[np.float64], Any]]:
    """Return times (T,) and weights (T,) per morph target of the last morph animation."""
    reader = Reader(gltf)
    for clip in reversed(gltf.json.get("animations", [])):
        curves: dict[str, tuple[npt.NDArray[np.float64], Any]] = {}
        for channel in clip["channels"]:
            target = channel["target"]
            if target.get("path") != "weights" or "node" not in target:
                continue
            names = rig.target_names(gltf, gltf.json["nodes"][target["node"]]["mesh"])
            sampler = clip["samplers"][channel["sampler"]]
            times = reader.accessor(sampler["input"])[:, 0].astype(np.float64)
            values = reader.accessor(sampler["output"]).astype(np.float32)
            if sampler.get("interpolation") == "CUBICSPLINE":
                values = values.reshape(len(times), 3, -1)[:, 1]  # between the tangents
            values = values.reshape(len(times), -1)
            for column, name in enumerate(names):
                curves.setdefault(name, (times, values[:, column]))
        if curves:
            return curves
    return {}


def read(path: Path) -> Animation:
    """Read the last morph target animation of a .glb, .gltf or .vrm.

    Returns:
        The animation; its names are the rig's morph targets. Meshes with a common target name
        share one curve.

    Raises:
        DataError: The file cannot be read (code "unreadable") or has no animated, named morph
            targets ("no_animation").
    """
    try:
        gltf = rig.load(path)
        with rig.rig_errors(path):
            curves = _channels(gltf)
    except KoemorphError as error:
        raise DataError(str(error), code="unreadable") from error
    if not curves:
        raise DataError(
            f"Cannot read {path}: it has no animation of named morph targets.", code="no_animation"
        )
    times = max((times for times, _ in curves.values()), key=len)
    columns = [np.interp(times, *curve) for curve in curves.values()]
    fps = round(1 / frame_interval(times)) if len(times) > 1 else 30
    return Animation(times, np.stack(columns, 1).astype(np.float32), tuple(curves), max(fps, 1))
