"""GRID audio-visual sentence corpus, speaker s1, with blend shapes by MediaPipe Face Landmarker.

Layout: audio/NAME.flac and coef/NAME.npz with `coef` (T, 52), `names`, `fps` (25); or, of a video,
coef/NAME as `koemorph dataset from-video NAME.mpg coef/NAME` makes it. The corpus is CC BY 4.0.

Source:
    Cooke, Barker, Cunningham & Shao 2006, "An audio-visual corpus for speech perception and
    automatic speech recognition"; https://doi.org/10.5281/zenodo.3625687.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError

from .recordings import read_recording, resample_recording
from .registry import CapturedClip, read_npz_face

TRAIN_CLIPS = 800
# Of a set that has no more than TRAIN_CLIPS; about that of the full one.
DEV_RATIO = 0.1
# Nearly constant in MediaPipe's output for this speaker: no label rather than a wrong one.
UNLABELLED = (
    "mouthFunnel", "mouthShrugLower", "mouthShrugUpper", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "cheekPuff", "tongueOut",
)  # fmt: skip
_METADATA = {
    "source_format": "MediaPipe Face Landmarker",
    "source": "GRID audio-visual sentence corpus, talker s1",
    "license": "CC-BY-4.0",
    "subject": "grid_s1",
    "language": "en",
}


def read_clips(source: Path) -> Iterator[CapturedClip]:
    """Read all clips, sorted by name.

    The first TRAIN_CLIPS are train and the rest is dev. Of a smaller set the last DEV_RATIO, and at
    least one clip of two, is dev.

    Args:
        source: folder of the data set.

    Yields:
        The clips.

    Raises:
        DataError: the folder has no coef/ (invalid_layout), or a file is broken.
    """
    found = (source / "coef").glob("*")
    faces = [path for path in found if path.suffix == ".npz" or path.is_dir()]
    if not faces:
        raise DataError(f"{source}: not GRID: it has no coef/*.npz.", code="invalid_layout")
    train_count = count_train_clips(len(faces))
    for number, path in enumerate(sorted(faces, key=lambda path: path.stem)):
        split = "train" if number < train_count else "dev"
        yield _from_recording(path, split) if path.is_dir() else _from_npz(path, split)


def count_train_clips(count: int) -> int:
    """Compute how many clips of a set are for training.

    Args:
        count: clips of the set.

    Returns:
        The number; the others are dev.
    """
    if count > TRAIN_CLIPS:
        return TRAIN_CLIPS
    return count if count < 2 else count - max(1, round(DEV_RATIO * count))


def _from_npz(path: Path, split: str) -> CapturedClip:
    audio = path.parent.parent / "audio" / f"{path.stem}.flac"
    weights, names, fps = read_npz_face(path, "coef", "names")
    return CapturedClip(path.stem, split, audio, weights, names, fps, UNLABELLED, _METADATA)


def _from_recording(path: Path, split: str) -> CapturedClip:
    recording = read_recording(path)
    weights, captured = resample_recording(recording)
    return CapturedClip(
        path.stem, split, recording.audio, weights, BLENDSHAPES, recording.fps, UNLABELLED,
        _METADATA, captured,
    )  # fmt: skip
