"""FACEGOOD Audio2Face data: one Mandarin voice with an artist-solved rig, 30 fps, mouth only.

Layout: 1114_2_0N.flac and .npz with `raw116` (T, 116), the controls of the rig, `raw_names` and
`fps`. MIT.

Source:
    https://github.com/FACEGOOD/FACEGOOD-Audio2Face.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError

from .registry import CapturedClip, read_npz_face

DEV_CLIP = "1114_2_04"
# ARKit blend shapes as weighted sums of the rig's controls, matched by eye. The rig's left and
# right move alike; the rest of the face was not animated.
CONTROLS: Mapping[str, Mapping[str, float]] = {
    "jawOpen": {"mouth_stretch_c": 1.0, "mouth_oh_c": 0.25},
    "mouthFunnel": {"mouth_oh_c": 0.6, "mouth_funnel_ul": 0.5, "mouth_funnel_dl": 0.5},
    "mouthPucker": {"mouth_oo_c": 0.7, "mouth_pucker_l": 0.5, "mouth_pucker_r": 0.5},
    "mouthSmileLeft": {"mouth_lipCornerPull_l": 1.0},
    "mouthSmileRight": {"mouth_lipCornerPull_r": 1.0},
    "mouthRollLower": {"mouth_suck_dl": 0.5, "mouth_suck_dr": 0.5},
    "mouthRollUpper": {"mouth_suck_ul": 0.5, "mouth_suck_ur": 0.5},
    "mouthPressLeft": {"mouth_press_l": 1.0},
    "mouthPressRight": {"mouth_press_r": 1.0},
    "mouthLowerDownLeft": {"mouth_lowerLipDepress_l": 1.0},
    "mouthLowerDownRight": {"mouth_lowerLipDepress_r": 1.0},
    "mouthUpperUpLeft": {"mouth_upperLipRaise_l": 1.0},
    "mouthUpperUpRight": {"mouth_upperLipRaise_r": 1.0},
}
LABELLED = tuple(CONTROLS)


def controls_to_arkit(controls: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
    """Convert the rig's controls to ARKit blend shapes.

    Args:
        controls: (T, N) values.
        names: the N names of the controls.

    Returns:
        (T, len(LABELLED)) in [0, 1].

    Raises:
        ValueError: a control of CONTROLS is missing.
    """
    matrix = np.zeros((len(names), len(LABELLED)), np.float32)
    for column, weights in enumerate(CONTROLS.values()):
        for name, weight in weights.items():
            matrix[names.index(name), column] = weight
    face: NDArray[np.float32] = np.clip(controls @ matrix, 0.0, 1.0)
    return face


def read_clips(source: Path) -> Iterator[CapturedClip]:
    """Read the four clips; 2_01 to 2_03 are train, 2_04 is dev.

    Args:
        source: folder of the data set.

    Yields:
        The clips.

    Raises:
        DataError: the folder has no 1114_2_*.npz (invalid_layout), a control is missing
            (missing_control), or a file is broken.
    """
    files = sorted(source.glob("1114_2_*.npz"))
    if not files:
        raise DataError(
            f"{source}: not FACEGOOD's data: it has no 1114_2_*.npz.", code="invalid_layout"
        )
    for path in files:
        controls, names, fps = read_npz_face(path, "raw116", "raw_names")
        try:
            weights = controls_to_arkit(controls, names)
        except ValueError as error:
            raise DataError(
                f"{path}: a control of FACEGOOD's rig is missing ({error}).",
                code="missing_control",
            ) from error
        yield CapturedClip(
            name=path.stem,
            split="dev" if path.stem == DEV_CLIP else "train",
            audio=path.with_suffix(".flac"),
            weights=weights,
            names=LABELLED,
            fps=fps,
            metadata={
                "source_format": "artist-solved rig, mapped to ARKit",
                "source": "FACEGOOD Audio2Face",
                "license": "MIT",
                "subject": "facegood",
                "language": "zh",
            },
        )
