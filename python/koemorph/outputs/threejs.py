"""A three.js AnimationClip as JSON, for `THREE.AnimationClip.parse(json)`.

The track names are for a mixer whose root is the mesh: `.morphTargetInfluences[jawOpen]`. Each
track has `times` in seconds and `values`.

Source: https://threejs.org/docs/#api/en/animation/AnimationClip
"""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import numpy as np

from koemorph.animation import Animation
from koemorph.errors import DataError
from koemorph.outputs import WriteOptions, display_name
from koemorph.outputs.atomic import atomic_open
from koemorph.outputs.jsonl import frame_interval

_NORMAL_BLEND_MODE = 2500
_TRACK_NAME = re.compile(r".*\.morphTargetInfluences\[(.+)\]")


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """Write one track a curve, times with 5 decimals and weights with 4.

    Raises:
        OutputError: The file cannot be written.
    """
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
        # No "fps": three.js would then read the times as frame numbers.
    }
    with atomic_open(path) as stream:
        json.dump(clip, stream, ensure_ascii=False, separators=(",", ":"))


def read(path: Path) -> Animation:
    """Read an AnimationClip whose tracks share their times.

    Raises:
        DataError: The file cannot be read (code "unreadable") or is no such clip ("bad_clip").
    """
    try:
        clip = json.loads(path.read_text("utf-8"))
        tracks = [(_TRACK_NAME.fullmatch(track["name"]), track) for track in clip["tracks"]]
        morphs = [(name[1], track) for name, track in tracks if name]
        times = np.array(morphs[0][1]["times"], np.float64)
        weights = np.array([track["values"] for _, track in morphs], np.float32).T
        fps = round(1 / frame_interval(times)) if len(times) > 1 else 30
        return Animation(times, weights, tuple(name for name, _ in morphs), max(fps, 1))
    except OSError as error:
        raise DataError(
            f"Cannot read {path}: {error.strerror or error}.", code="unreadable"
        ) from error
    except (IndexError, KeyError, TypeError, ValueError, DataError) as error:
        raise DataError(
            f"Cannot read {path}: expected a three.js AnimationClip with morphTargetInfluences "
            "tracks of equal length.",
            code="bad_clip",
        ) from error
