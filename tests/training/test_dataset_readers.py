"""The sources of `koemorph dataset convert`: what is broken in them is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph.blendshapes import INDEX
from koemorph.errors import AudioError, DataError
from koemorph.training.datasets import registry
from koemorph.training.datasets.recordings import read_recording, write_recording

FACE = {"coef": np.zeros((50, 2)), "names": ["_neutral", "jawOpen"], "fps": 25}


def write_grid(folder: Path, **changed: object) -> Path:
    """A source of one clip of two seconds in GRID's layout; `changed` tables, None for none."""
    for name in ("audio", "coef"):
        (folder / name).mkdir(parents=True)
    soundfile.write(folder / "audio" / "a.flac", np.full(32000, 0.1), 16000)
    tables = {name: table for name, table in {**FACE, **changed}.items() if table is not None}
    np.savez(folder / "coef" / "a.npz", **tables)
    return folder


def convert(source: Path, out: Path) -> list[Path]:
    return [registry.write_clip(clip, out) for clip in registry.clips("grid", source)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"fps": 0}, r"a\.npz: fps is 0, not a number above 0"),
        ({"fps": None}, r"a\.npz does not hold coef, names and fps"),
        ({"coef": None}, r"a\.npz does not hold coef, names and fps"),
        ({"coef": np.zeros((50, 3))}, r"a\.npz: coef has shape \(50, 3\), not \(T, 2\)"),
        ({"coef": np.zeros((0, 2))}, r"a\.npz: coef has shape \(0, 2\)"),
        ({"coef": [["a", "b"]]}, r"a\.npz does not hold coef, names and fps"),
        ({"coef": [[0, 0], [0, np.nan]]}, r"a\.npz, frame 1: a value of coef is not finite"),
    ],
)
def test_a_face_that_is_none_is_named(
    tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    source = write_grid(tmp_path / "grid", **changed)
    with pytest.raises(DataError, match=words):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_are_cut_off_or_missing_are_named(tmp_path: Path) -> None:
    source = write_grid(tmp_path / "grid")
    path = source / "coef" / "a.npz"
    whole = path.read_bytes()
    for size in (0, 100, len(whole) - 30):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"a\.npz does not hold .*: copy it again"):
            convert(source, tmp_path / "out")
    path.write_bytes(whole)
    assert len(convert(source, tmp_path / "out")) == 1
    (source / "audio" / "a.flac").unlink()
    with pytest.raises(AudioError, match=r"a\.flac does not exist"):
        convert(source, tmp_path / "out")


def test_grids_films_are_as_good_as_its_tables(tmp_path: Path) -> None:
    """b is a film that `from-video` has read."""
    face = np.zeros((50, 52), np.float32)
    face[:, INDEX["jawOpen"]] = np.linspace(0.1, 0.6, 50)
    source = write_grid(tmp_path / "grid", coef=face[:, [0, INDEX["jawOpen"]]])
    sound, rate = soundfile.read(source / "audio" / "a.flac", dtype="float32")
    write_recording(source / "coef" / "b", sound, rate, face, 25)
    table, film = map(read_recording, convert(source, tmp_path / "out"))
    assert [table.name, film.name] == ["a", "b"]
    np.testing.assert_allclose(film.capture.weights, table.capture.weights, atol=1e-6)
    assert not film.capture.labelled[INDEX["mouthFunnel"]]
    assert film.capture.labelled[INDEX["jawOpen"]]
    np.testing.assert_allclose(film.capture.times, table.capture.times, atol=1e-9)


def test_a_film_whose_tracking_was_lost_keeps_its_times(tmp_path: Path) -> None:
    face = np.zeros((50, 52), np.float32)
    face[:, INDEX["jawOpen"]] = np.linspace(0.1, 0.6, 50)
    source = write_grid(tmp_path / "grid", coef=face[:, [0, INDEX["jawOpen"]]])
    sound, rate = soundfile.read(source / "audio" / "a.flac", dtype="float32")
    seen = np.ones(50, np.bool_)
    seen[:5] = seen[20:35] = False
    write_recording(source / "coef" / "b", sound, rate, face, 25, seen=seen)
    clip = list(registry.clips("grid", source))[1]
    assert clip.weights.shape == (50, 52)
    _, film = map(read_recording, convert(source, tmp_path / "out"))
    kept = [*range(4, 21), *range(34, 50)]  # beside what was seen, too
    np.testing.assert_allclose(film.capture.times, np.array(kept) / 25, atol=1e-9)
    jaw = np.interp(kept, np.flatnonzero(seen), face[seen, INDEX["jawOpen"]])
    np.testing.assert_allclose(film.capture.weights[:, INDEX["jawOpen"]], jaw, atol=1e-5)
