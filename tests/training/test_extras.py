"""The training loop starts with the packages of the extra `train`; messages name missing ones."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
WITHOUT = """
import sys
from importlib.machinery import PathFinder
absent, sys.argv[1:] = set(sys.argv[1:]), []
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, *where):
        return None if name in absent else super().find_spec(name, *where)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def distributions(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", one)[0].lower().replace("_", "-") for one in requirements}


def run_without(absent: list[str], code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *absent], capture_output=True, text=True, check=False
    )


def test_the_loop_imports_nothing_of_other_extras() -> None:
    project = pytest.importorskip("tomllib").loads(PROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    installed = distributions(project["dependencies"] + extras["train"])
    names = extras.keys() - {"test", "test-core", "dev"}
    optional = [one for name in names for one in extras[name]]
    other = distributions(optional) - installed
    modules = [
        module
        for module, owners in packages_distributions().items()
        if distributions(owners) & other and module != "koemorph"
    ]
    assert "aiohttp" in modules
    result = run_without(modules, "import koemorph.training.train")
    assert result.returncode == 0, result.stderr


def test_export_shows_its_help_without_the_extra() -> None:
    absent = ["scipy", "torch", "onnx", "onnxruntime", "hydra"]
    run = "from koemorph.cli import main; main"
    help_result = run_without(absent, f"{run}(['export', '--help'])")
    assert help_result.returncode == 0, help_result.stderr
    assert "--quantize" in help_result.stdout
    export_result = run_without(absent, f"{run}(['export', 'a.safetensors'])")
    assert export_result.returncode == 2
    assert 'extra "train"' in export_result.stderr
    assert "Traceback" not in export_result.stderr


def test_training_without_its_extra_prints_one_message() -> None:
    result = run_without(["hydra"], "from koemorph.train import main; main()")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    for value in ("koemorph.train", "hydra", 'extra "train"', '"torch>='):
        assert value in result.stderr
