"""glTF: the user's own rig with the animation on its morph targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from koemorph.animation import Animation
from koemorph.errors import OutputError
from koemorph.outputs import WriteOptions, display_name, rig
from koemorph.outputs.gltf_file import GltfFile

_FLOAT = 5126


def _add_scalars(gltf: GltfFile, values: npt.NDArray[np.float32]) -> int:
    """Returns the new accessor's index."""
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
    """(T, targets): what no column moves stays as it is at rest, for a channel sets them all."""
    values = np.zeros((len(animation), len(match.targets)), np.float32)
    values[:, : len(rest)] = rest[: len(match.targets)]
    for target, column in enumerate(match.columns):
        if column is not None:
            values[:, target] = animation.weights[:, column]
    return values


def animate_rig(gltf: GltfFile, animation: Animation, name: str, source: Path) -> None:
    """Put the animation on every mesh whose targets carry its names; others keep theirs at rest."""
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
        raise OutputError(f"No node of {source} shows the head; export the scene that it is in.")
    gltf.add("animations", {"name": name, "samplers": samplers, "channels": channels})


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """The rig with one more animation, called like the file; .gltf holds its data inside."""
    if options.rig is None:
        raise OutputError("A GLB needs a face to move; give your own with --rig HERO.glb.")
    if not len(animation):
        raise OutputError(f"There are no frames to put on {options.rig}.")
    gltf = rig.load(options.rig)
    with rig.rig_errors(options.rig):
        animate_rig(gltf, animation, display_name(path), options.rig)
        gltf.embed_images()
    gltf.save(path)
