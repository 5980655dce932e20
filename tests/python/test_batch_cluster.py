"""Batches on several machines: `koemorph animate --shard` and `--scheduler`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from koemorph.batch_cluster import Shard, absolute_settings
from koemorph.batch_settings import Settings
from koemorph.cli.animate import command
from koemorph.errors import DataError
from koemorph.outputs.jsonl import read_jsonl

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """Five recordings of half a second."""
    folder = tmp_path / "voices"
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    for name in NAMES:
        soundfile.write(folder / f"{name}.wav", noise, 16000)
    return folder


def animate(*args: str | Path) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args], standalone_mode=False)


def test_shards_are_disjoint_and_complete() -> None:
    for count in (1, 2, 3, 7):
        parts = [Shard(index, count).of(NAMES) for index in range(1, count + 1)]
        assert sorted(name for part in parts for name in part) == list(NAMES)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "-1/2", "a/b", "1/2/3"])
def test_an_invalid_shard_is_wrong_use(text: str, voices: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(voices), "-o", str(tmp_path), "--shard", text])
    assert result.exit_code == 2
    assert f'"{text}"' in result.output


def test_each_shard_writes_its_part(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    out = tmp_path / "out"
    options = (voices, "-o", out, "--model", tiny_models[30], "--shard")
    assert animate(*options, "1/2").return_value == 0
    assert sorted(path.stem for path in out.glob("*.jsonl") if path.stem in NAMES) == [
        "a",
        "c",
        "e",
    ]
    assert animate(*options, "2/2").return_value == 0
    assert sorted(path.stem for path in out.glob("*.jsonl") if path.stem in NAMES) == list(NAMES)
    assert len(read_jsonl(out / "d.jsonl")) == 15
    # More parts than recordings: an empty part succeeds.
    assert animate(*options, "7/7").return_value == 0


def test_one_recording_cannot_be_distributed(voices: Path, tmp_path: Path) -> None:
    for option in (("--shard", "1/2"), ("--scheduler", "tcp://127.0.0.1:1")):
        result = animate(voices / "a.wav", "-o", tmp_path / "a.jsonl", *option)
        assert isinstance(result.exception, DataError)
        assert result.exception.code == "distribution_needs_batch"
        assert option[0] in str(result.exception)


def test_settings_become_independent_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = absolute_settings(Settings("my.onnx", "natural", "rig/map.json", rig=Path("hero.glb")))
    assert found.model == str(tmp_path / "my.onnx")
    assert found.preset == "natural"
    assert found.retarget == str(tmp_path / "rig" / "map.json")
    assert found.rig == tmp_path / "hero.glb"


def test_workers_of_a_scheduler_write_the_outputs(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("dask.distributed")
    (voices / "bad.wav").write_bytes(b"RIFF, but no more")
    monkeypatch.chdir(tmp_path)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    )
    with cluster:
        options = ("--model", tiny_models[30], "--scheduler", cluster.scheduler_address)
        result = animate("voices", "-o", "out", *options)
    assert result.return_value == 1
    assert "bad.wav" in result.output
    written = {path.stem for path in (tmp_path / "out").glob("*.jsonl")}
    assert {*NAMES} <= written
    assert len(read_jsonl(tmp_path / "out" / "e.jsonl")) == 15
