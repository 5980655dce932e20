"""Licenses in the package, and the script of CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_licenses_of_compiled_code_are_included() -> None:
    project = pytest.importorskip("tomllib").loads((ROOT / "pyproject.toml").read_text("utf-8"))
    files = project["project"]["license-files"]
    licenses = "\n".join((ROOT / name).read_text("utf-8") for name in files)
    # The binding is compiled with pybind11's headers, whose license must be included.
    for holder in ("KoeMorph", "Wenzel Jakob"):
        assert holder in licenses


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
@pytest.mark.parametrize(
    ("heading", "command", "status"),
    [("Run the tests", "true", 0), ("Run the tests", "false && true", 1), ("Tests", "true", 1)],
)
def test_ci_script_returns_the_status_of_the_tests(
    tmp_path: Path, heading: str, command: str, status: int
) -> None:
    script = ROOT / ".ci" / "run"
    if not script.is_file():
        pytest.skip("source distributions have no .ci")
    (tmp_path / ".ci").mkdir()
    shutil.copy(script, tmp_path / ".ci" / "run")
    (tmp_path / ".ci" / "install-system-packages").write_text("#!/bin/sh\n")
    (tmp_path / ".ci" / "install-system-packages").chmod(0o755)
    text = f"# X\n\n## {heading}\n\n```bash\n{command}\n```\n\n## On\n"
    (tmp_path / "README.md").write_text(text, "utf-8")
    result = subprocess.run(["bash", tmp_path / ".ci" / "run"], capture_output=True, check=False)
    assert result.returncode == status
