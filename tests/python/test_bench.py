"""`koemorph bench`: figures, table, Python baseline and soak test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_model
from click.testing import CliRunner

from koemorph import cli
from koemorph.cli import bench, bench_peer

pytestmark = pytest.mark.slow  # measures for seconds


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SECONDS", 2)
    monkeypatch.setattr(bench_peer, "SECONDS", 0.1)


@pytest.fixture(scope="module")
def dual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "dual.onnx"
    return tiny_model.save(path, 30, tiny_model.metadata(30, expression_features="native"))


def test_all_figures_are_measured(dual: Path) -> None:
    result = CliRunner().invoke(cli.cli, ["bench", "--no-peer", "--json", "--model", str(dual)])
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(result.output)
    stages = ("resample", "mel", "egemaps", "model", "controls", "retarget")
    assert all(figures[f"stage_{stage}"] > 0 for stage in stages)
    for call in ("push_10ms", "frame", "frame_processor", "sample", "egemaps_update", "batch_tick"):
        assert 0 < figures[call]["p50"] <= figures[call]["p99"] <= figures[call]["max"]
    assert figures["fps"] == 30
    assert figures["frames"] >= 58
    assert figures["batch_streams"] > 0
    assert figures["denormal_ratio"] > 0
    assert figures["allocations"]["audio"] == figures["allocations"]["game"] == 0
    assert 0 < figures["bytes_per_stream_of_batch"] < figures["peak_bytes"]
    parts = sum(figures[f"stage_{stage}"] for stage in stages)
    assert figures["real_time_factor"] > 0.2 * parts  # Both measure the same work.


def test_additional_stream_uses_less_than_a_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SAMPLE_RATE", 44100)  # Its resampler has a larger table.
    result = CliRunner().invoke(cli.cli, ["bench", "--no-peer", "--json", "--model", "60"])
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(result.output)
    assert 0 < figures["bytes_per_further_stream"] < 1_000_000


@pytest.mark.training
def test_table_lists_missing_packages_of_the_baseline(
    dual: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        bench_peer, "find_spec", lambda name: None if name == "opensmile" else object()
    )
    arguments = ["bench", "--model", str(dual), "--record", str(tmp_path / "measured.md")]
    result = CliRunner().invoke(cli.cli, arguments, env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    lines = {
        line.split("│")[0].strip(): line.split("│")[-1].strip()
        for line in result.output.splitlines()
        if "│" in line
    }
    assert lines["omitted, not installed"] == "opensmile"
    assert lines["egemaps"] == "0.0"
    assert float(lines["mel"]) > 0
    assert float(lines["model"]) > 0
    assert float(lines["times slower than KoeMorph"]) > 1
    text = (tmp_path / "measured.md").read_text()
    assert f"| measurement | {dual.name}, 30 fps |" in text
    assert "cores" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    recorded = {what.replace("&emsp;", ""): value for what, value in map(cells, table)}
    assert {name: recorded[name] for name in lines if name in recorded} == {
        name: value for name, value in lines.items() if name in recorded
    }
    assert len(set(lines) & set(recorded)) > 15


def test_unwritable_record_fails_before_measuring(
    dual: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "measure", lambda *_: pytest.fail("measured"))
    recorded = str(tmp_path / "missing" / "measured.md")
    result = CliRunner().invoke(cli.cli, ["bench", "--model", str(dual), "--record", recorded])
    assert "does not exist" in str(result.exception)


def cells(line: str) -> tuple[str, str]:
    """Split a row of a Markdown table with two columns."""
    what, value = line.strip("| ").split(" | ")
    return what, value


def test_soak_has_no_memory_growth_and_no_drift(dual: Path) -> None:
    # Three minutes: two seconds of audio, repeated.
    arguments = ["bench", "--soak", str(3 / 60), "--model", str(dual)]
    result = CliRunner().invoke(cli.cli, arguments)
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(result.output)
    # The last frames wait for lookahead and the resampler.
    assert 3 * 60 * 30 - 3 <= figures["frames"] <= 3 * 60 * 30
    assert figures["largest_time_error_seconds"] == 0
    assert figures["weights_not_finite"] == figures["weights_out_of_range"] == 0
    assert figures["dropped_samples"] == 0
    assert figures["bytes_grown"] < 200_000
    result = CliRunner().invoke(cli.cli, ["bench", "--soak", "0.0001", "--model", str(dual)])
    assert "three times" in str(result.exception or result.output)
