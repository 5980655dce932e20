"""The benchmark of training runs the training loop and prints its speed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from koemorph import cli
from koemorph.errors import DataError
from koemorph.training import benchmark

SMALL = ("model.d_model=32", "model.channels=16", "data.sequence_seconds=2", "data.batch_size=2")


def test_figures_of_a_small_run_are_plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TRACKS", 2), ("TRACK_SECONDS", 10), ("STEPS", 2), ("EPOCHS", 2)):
        monkeypatch.setattr(benchmark, name, value)
    result = CliRunner().invoke(cli.cli, ["bench-training", "--json", *SMALL])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    # Two sequences of two seconds a step.
    assert figures["real_time"] == pytest.approx(4 / figures["step"], rel=0.01)
    assert 0 <= figures["wait_ratio"] < 1
    assert figures["batch_ratio"] > 0
    assert figures["features"] > 1
    assert 50e6 < figures["memory"] < 50e9
    result = CliRunner().invoke(cli.cli, ["bench-training", *SMALL])
    assert "seconds of audio trained on" in result.stdout


def test_a_checkpoint_is_rejected() -> None:
    with pytest.raises(DataError, match="Leave checkpoint_path out"):
        CliRunner().invoke(
            cli.cli,
            ["bench-training", "checkpoint_path=a.safetensors"],
            standalone_mode=False,
            catch_exceptions=False,
        )
