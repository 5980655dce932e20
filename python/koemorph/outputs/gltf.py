"""glTF: the user's own rig with the animation on its morph targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from pygltflib import (
    FLOAT,
    GLTF2,
    SCALAR,
    Accessor,
    AnimationChannel,
    AnimationChannelTarget,
    AnimationSampler,
    Buffer,
    BufferFormat,
    BufferView,
)
from pygltflib import Animation as GltfAnimation

from koemorph.animation import Animation
from koemorph.errors import OutputError
from koemorph.outputs import WriteOptions, display_name, rig
from koemorph.outputs.atomic import atomic_path


def _append(gltf: GLTF2, blob: bytearray, values: npt.NDArray[np.float32]) -> int:
    """Add float32 scalars to the binary chunk; returns the new accessor's index."""
    blob += bytes(-len(blob) % 4)
    view = BufferView(buffer=0, byteOffset=len(blob), byteLength=values.nbytes)
    blob += values.tobytes()
    gltf.bufferViews.append(view)
    gltf.accessors.append(
        Accessor(
            bufferView=len(gltf.bufferViews) - 1,
            componentType=FLOAT,
            count=values.size,
            type=SCALAR,
            min=[float(values.min())],
            max=[float(values.max())],
        )
    )
    return len(gltf.accessors) - 1


def animate_rig(gltf: GLTF2, animation: Animation, name: str, source: Path) -> None:
    """Put the animation on every mesh whose targets carry its names; others keep theirs at rest."""
    matches = {match.mesh: match for match in rig.match_rig(gltf, animation.names, source)}
    gltf.convert_buffers(BufferFormat.BINARYBLOB)
    blob = bytearray(gltf.binary_blob() or b"")
    times = _append(gltf, blob, animation.times.astype(np.float32))
    samplers: dict[int, int] = {}
    clip = GltfAnimation(name=name, samplers=[], channels=[])
    for index, node in enumerate(gltf.nodes):
        match = matches.get(-1 if node.mesh is None else node.mesh)
        if match is None:
            continue
        if match.mesh not in samplers:
            values = np.zeros((len(animation), len(match.targets)), np.float32)
            for target, column in enumerate(match.columns):
                if column is not None:
                    values[:, target] = animation.weights[:, column]
            output = _append(gltf, blob, values.reshape(-1))
            samplers[match.mesh] = len(clip.samplers)
            clip.samplers.append(AnimationSampler(input=times, output=output))
        target_of = AnimationChannelTarget(node=index, path="weights")
        clip.channels.append(AnimationChannel(sampler=samplers[match.mesh], target=target_of))
    gltf.animations.append(clip)
    gltf.buffers = [Buffer(byteLength=len(blob))]
    gltf.set_binary_blob(bytes(blob))


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """The rig with one more animation, called like the file; .gltf holds its data inside."""
    if options.rig is None:
        raise OutputError("A GLB needs a face to move; give your own with --rig HERO.glb.")
    if not len(animation):
        raise OutputError(f"There are no frames to put on {options.rig}.")
    gltf = rig.load(options.rig)
    animate_rig(gltf, animation, display_name(path), options.rig)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".gltf":
            gltf.convert_buffers(BufferFormat.DATAURI)
            temporary.write_text(gltf.gltf_to_json(), encoding="utf-8")
        else:
            gltf.save_binary(str(temporary))
