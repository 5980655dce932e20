"""What `pip install "koemorph[train]"` brings is all that the loop needs to start."""

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
absent = set(sys.argv[1:])
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, *where):
        return None if name in absent else super().find_spec(name, *where)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
import koemorph.train
"""


def distributions(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", one)[0].lower().replace("_", "-") for one in requirements}


def test_the_loop_imports_nothing_of_other_extras() -> None:
    project = pytest.importorskip("tomllib").loads(PROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    brought = distributions(project["dependencies"] + extras["train"])
    optional = [one for name in extras.keys() - {"test", "dev"} for one in extras[name]]
    other = distributions(optional) - brought
    modules = [
        module
        for module, owners in packages_distributions().items()
        if distributions(owners) & other and module != "koemorph"
    ]
    assert "aiohttp" in modules
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT, *modules], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
