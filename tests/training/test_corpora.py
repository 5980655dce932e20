"""Converters of known corpora, on a few of their real clips."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from koemorph.coefficients import COEFFICIENTS
from koemorph.training import corpora, recordings
from koemorph.training.corpora import facegood, grid


def test_grid_is_mapped_by_name_and_masked(shared_data: Path, tmp_path: Path) -> None:
    clip = next(corpora.clips("grid", shared_data / "grid_s1"))
    recording = recordings.read_recording(corpora.write_clip(clip, tmp_path))
    assert recording.audio.parent == tmp_path / "train" / clip.name
    column = clip.names.index("jawOpen")
    index = COEFFICIENTS.index("jawOpen")
    np.testing.assert_allclose(
        recording.capture.weights[:, index], clip.weights[:, column], atol=1e-6
    )
    unlabelled = {COEFFICIENTS[i] for i in np.flatnonzero(~recording.capture.labelled)}
    assert unlabelled == set(grid.UNLABELLED)


def test_grid_is_split_by_sorted_name(shared_data: Path) -> None:
    clips = list(itertools.islice(corpora.clips("grid", shared_data / "grid_s1"), 798, 802))
    assert [clip.split for clip in clips] == ["train", "train", "dev", "dev"]


def test_facegood_moves_what_it_labels(shared_data: Path) -> None:
    clips = list(corpora.clips("facegood", shared_data / "facegood"))
    assert [clip.split for clip in clips] == ["train", "train", "train", "dev"]
    moving = np.concatenate([clip.weights for clip in clips]).std(axis=0) > 1e-3
    names = {name for name, moves in zip(clips[0].names, moving, strict=True) if moves}
    assert names <= {*facegood.LABELLED, "mouthShrugUpper"}
    assert set(facegood.LABELLED) <= names
