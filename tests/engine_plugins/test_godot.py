"""Tests of the Godot add-on: syntax and style of its GDScript 2 code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from engine_game import PLUGINS

from koemorph import BLENDSHAPES

ADD_ON = PLUGINS / "godot" / "addons" / "koemorph"
SCRIPTS = sorted(ADD_ON.glob("*.gd"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_valid_gdscript(script: Path) -> None:
    parser = pytest.importorskip("gdtoolkit.parser").parser
    parser.parse(script.read_text(encoding="utf-8"))


def test_scripts_pass_the_linter() -> None:
    pytest.importorskip("gdtoolkit.linter")
    command = [sys.executable, "-m", "gdtoolkit.linter", *map(str, SCRIPTS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_arkit_names_are_those_of_koemorph() -> None:
    names = re.findall(r'^\t"(\w+)",$', (ADD_ON / "arkit_names.gd").read_text(), re.MULTILINE)
    assert tuple(names) == tuple(BLENDSHAPES)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_has_no_godot_3_api(script: Path) -> None:
    names = r"PoolByteArray|PoolStringArray|extends Reference|TYPE_REAL|JSON\.parse\(|\.empty\(\)"
    old = rf"^tool$|^export\b|\b({names}|MeshInstance)\b|emit_signal|\.listen\("
    assert not re.search(old, script.read_text(), re.MULTILINE)
