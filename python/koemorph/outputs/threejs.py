"""A three.js AnimationClip as JSON: `THREE.AnimationClip.parse(json)` plays it on any mesh.

The tracks are named for a mixer whose root is the mesh: `.morphTargetInfluences[jawOpen]`. Other
programs find plain numbers: `times` in seconds and one `values` a track.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np

from koemorph.animation import Animation
from koemorph.outputs import WriteOptions, display_name
from koemorph.outputs.atomic import atomic_open

_NORMAL_BLEND_MODE = 2500


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """One track a name; times to 5 decimals, weights to 4."""
    times = np.round(animation.times, 5).tolist()
    columns = np.round(animation.weights.T.astype(np.float64), 4).tolist()
    tracks = [
        {
            "name": f".morphTargetInfluences[{name}]",
            "times": times,
            "values": values,
            "type": "number",
        }
        for name, values in zip(animation.names, columns, strict=True)
    ]
    clip = {
        "name": display_name(path),
        "duration": round(animation.end, 5),
        "tracks": tracks,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, display_name(path))).upper(),
        "blendMode": _NORMAL_BLEND_MODE,
        # No "fps": three.js would take the times for numbers of frames.
    }
    with atomic_open(path) as stream:
        json.dump(clip, stream, ensure_ascii=False, separators=(",", ":"))
