"""Readers of published data sets (`koemorph dataset convert`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from error_code import raises_code

from koemorph.blendshapes import INDEX
from koemorph.errors import AudioError, DataError
from koemorph.training.cli.dataset import command
from koemorph.training.datasets import grid, registry
from koemorph.training.datasets.recordings import find_recordings, read_recording, write_recording

FACE = {"coef": np.zeros((50, 2)), "names": ["_neutral", "jawOpen"], "fps": 25}


def write_grid(folder: Path, **changed: object) -> Path:
    """Write one clip of two seconds in GRID's layout; `changed`: other arrays, None for none."""
    for name in ("audio", "coef"):
        (folder / name).mkdir(parents=True)
    soundfile.write(folder / "audio" / "a.flac", np.full(32000, 0.1), 16000)
    tables = {name: table for name, table in {**FACE, **changed}.items() if table is not None}
    np.savez(folder / "coef" / "a.npz", **tables)
    return folder


def convert(source: Path, out: Path) -> list[Path]:
    return [registry.write_clip(clip, out) for clip in registry.read_dataset("grid", source)]


@pytest.mark.parametrize(
    ("changed", "code", "value"),
    [
        ({"fps": 0}, "invalid_fps", "fps is 0"),
        ({"fps": None}, "invalid_table", "fps"),
        ({"coef": None}, "invalid_table", "coef"),
        ({"coef": np.zeros((50, 3))}, "invalid_shape", "(50, 3)"),
        ({"coef": np.zeros((0, 2))}, "invalid_shape", "(0, 2)"),
        ({"coef": [["a", "b"]]}, "invalid_table", "coef"),
        ({"coef": [[0, 0], [0, np.nan]]}, "not_finite", "frame 1"),
    ],
)
def test_an_invalid_npz_face_is_reported(
    tmp_path: Path, changed: dict[str, object], code: str, value: str
) -> None:
    source = write_grid(tmp_path / "grid", **changed)
    with raises_code(DataError, code, "a.npz", value):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_truncated_and_missing_files_are_reported(tmp_path: Path) -> None:
    source = write_grid(tmp_path / "grid")
    path = source / "coef" / "a.npz"
    whole = path.read_bytes()
    for size in (0, 100, len(whole) - 30):
        path.write_bytes(whole[:size])
        with raises_code(DataError, "invalid_table", "a.npz"):
            convert(source, tmp_path / "out")
    path.write_bytes(whole)
    assert len(convert(source, tmp_path / "out")) == 1
    (source / "audio" / "a.flac").unlink()
    with raises_code(AudioError, "file_not_found", "a.flac"):
        convert(source, tmp_path / "out")


def test_grid_recordings_and_npz_files_are_read_as_the_same_clips(tmp_path: Path) -> None:
    """b is a folder that `from-video` wrote."""
    face = np.zeros((50, 52), np.float32)
    face[:, INDEX["jawOpen"]] = np.linspace(0.1, 0.6, 50)
    source = write_grid(tmp_path / "grid", coef=face[:, [0, INDEX["jawOpen"]]])
    sound, rate = soundfile.read(source / "audio" / "a.flac", dtype="float32")
    write_recording(source / "coef" / "b", sound, rate, face, 25)
    table, recording = map(read_recording, convert(source, tmp_path / "out"))
    assert [table.name, recording.name] == ["a", "b"]
    np.testing.assert_allclose(recording.capture.weights, table.capture.weights, atol=1e-6)
    assert not recording.capture.labelled[INDEX["mouthFunnel"]]
    assert recording.capture.labelled[INDEX["jawOpen"]]
    np.testing.assert_allclose(recording.capture.times, table.capture.times, atol=1e-9)


def test_a_grid_recording_with_lost_tracking_keeps_its_times(tmp_path: Path) -> None:
    face = np.zeros((50, 52), np.float32)
    face[:, INDEX["jawOpen"]] = np.linspace(0.1, 0.6, 50)
    source = write_grid(tmp_path / "grid", coef=face[:, [0, INDEX["jawOpen"]]])
    sound, rate = soundfile.read(source / "audio" / "a.flac", dtype="float32")
    captured = np.ones(50, np.bool_)
    captured[:5] = captured[20:35] = False
    write_recording(source / "coef" / "b", sound, rate, face, 25, captured=captured)
    clip = list(registry.read_dataset("grid", source))[1]
    assert clip.weights.shape == (50, 52)
    _, recording = map(read_recording, convert(source, tmp_path / "out"))
    kept = [*range(4, 21), *range(34, 50)]  # with the frames next to captured ones
    np.testing.assert_allclose(recording.capture.times, np.array(kept) / 25, atol=1e-9)
    jaw = np.interp(kept, np.flatnonzero(captured), face[captured, INDEX["jawOpen"]])
    np.testing.assert_allclose(recording.capture.weights[:, INDEX["jawOpen"]], jaw, atol=1e-5)


@pytest.mark.parametrize(
    ("count", "train"), [(1, 1), (2, 1), (5, 4), (60, 54), (800, 720), (801, 800), (889, 800)]
)
def test_a_part_of_grid_is_split_by_proportion(count: int, train: int) -> None:
    assert grid.count_train_clips(count) == train


def test_convert_writes_and_reports_both_splits_of_a_part_of_grid(tmp_path: Path) -> None:
    source = write_grid(tmp_path / "grid")
    for name in ("b", "c", "d"):
        for folder, suffix in (("audio", "flac"), ("coef", "npz")):
            first = source / folder / f"a.{suffix}"
            (source / folder / f"{name}.{suffix}").write_bytes(first.read_bytes())
    arguments = ["convert", "grid", str(source), str(tmp_path / "out")]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert "4 recordings" in result.output
    assert result.output.rstrip().endswith("3 train, 1 dev")
    assert len(find_recordings(tmp_path / "out" / "train")) == 3
    assert len(find_recordings(tmp_path / "out" / "dev")) == 1
