"""The version has one source, the project's VERSION in CMakeLists.txt; every other place agrees."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

from koemorph import Model
from koemorph.model import bundled_models

ROOT = Path(__file__).resolve().parents[2]


def cmake_version() -> str:
    found = re.search(r"project\(koemorph VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert found is not None
    return found.group(1)


def test_the_python_package_has_the_version() -> None:
    assert metadata.version("koemorph") == cmake_version()


def test_the_header_has_the_version() -> None:
    header = (ROOT / "native" / "include" / "koemorph.h").read_text("utf-8")
    numbers = re.findall(r"#define KOEMORPH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)
    assert ".".join(numbers) == cmake_version()


def test_the_engine_plugins_have_the_version() -> None:
    plugins = ROOT / "engine_plugins"
    version = cmake_version()
    unity = json.loads((plugins / "unity/com.koemorph/package.json").read_text("utf-8"))
    unreal = json.loads((plugins / "unreal/KoeMorph/KoeMorph.uplugin").read_text("utf-8"))
    godot = (plugins / "godot/addons/koemorph/plugin.cfg").read_text("utf-8")
    assert unity["version"] == version
    assert unreal["VersionName"] == version
    assert f'version="{version}"' in godot
    for package in plugins.glob("web/**/package.json"):
        if "node_modules" not in package.parts:
            assert json.loads(package.read_text("utf-8"))["version"] == version


def test_the_citation_and_the_changelog_have_the_version() -> None:
    version = cmake_version()
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_model_format_has_one_version() -> None:
    exported = re.search(
        r'"format_version": "(\d+)"', (ROOT / "training/export.py").read_text("utf-8")
    )
    sources = "".join(
        path.read_text("utf-8") for path in sorted((ROOT / "native/src/model").iterdir())
    )
    accepted = re.search(r"kFormatVersion = (\d+)", sources)
    assert exported is not None
    assert accepted is not None
    assert exported.group(1) == accepted.group(1)
    for name in bundled_models():
        assert Model(name).metadata()["format_version"] == accepted.group(1)
