"""Live Link Face recordings as CSV: what the iPhone app saves and Unreal's importers read."""

from __future__ import annotations

import csv
from pathlib import Path

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX, LIVE_LINK_ROTATIONS, PASCAL_NAMES
from koemorph.errors import DataError
from koemorph.outputs import WriteOptions
from koemorph.outputs.atomic import atomic_open
from koemorph.outputs.jsonl import timecode

# The app writes these before those of the left, and some readers look at places, not at names.
_RIGHT_FIRST = ("jawRight", "mouthRight")
_COLUMNS = sorted(INDEX.values(), key=lambda k: k - 1.5 * (BLENDSHAPES[k] in _RIGHT_FIRST))

HEADER = (
    *("Timecode", "BlendShapeCount"),
    *(PASCAL_NAMES[column] for column in _COLUMNS),
    *LIVE_LINK_ROTATIONS,
)
_COUNT = len(_COLUMNS) + len(LIVE_LINK_ROTATIONS)
_NO_ROTATION = ["0.0000000000"] * len(LIVE_LINK_ROTATIONS)
_FPS = 60
"""Of the timecodes, whatever the animation's: as the phone counts and Unreal's importer reads."""


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """One row a frame: timecode `HH:MM:SS:FF.fff`, 61, the 52 blendshapes, nine rotations of 0.

    FF counts sixtieths of a second: of 30 frames a second every second number is there.
    """
    if animation.names != BLENDSHAPES:
        raise DataError(
            "A Live Link Face CSV holds ARKit's 52 blendshapes; leave out the retargeting, which "
            "Unreal does with the character's own pose asset."
        )
    with atomic_open(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for time, weights in zip(animation.times, animation.weights, strict=True):
            frame, within = divmod(round(float(time) * _FPS * 1000), 1000)
            stamp = f"{timecode(frame, _FPS)}.{within:03d}"
            values = [f"{value:.10f}" for value in weights[_COLUMNS].tolist()]
            writer.writerow([stamp, _COUNT, *values, *_NO_ROTATION])
