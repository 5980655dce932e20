"""What the built package carries beside its code, and how it is tested."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_compiled_in_brings_its_licence() -> None:
    project = pytest.importorskip("tomllib").loads((ROOT / "pyproject.toml").read_text("utf-8"))
    files = project["project"]["license-files"]
    licences = "\n".join((ROOT / name).read_text("utf-8") for name in files)
    # The binding is built out of pybind11's headers, whose licence asks to be passed on.
    for holder in ("KoeMorph", "Wenzel Jakob"):
        assert holder in licences


@pytest.mark.skipif(os.name == "nt", reason="a shell's script")
@pytest.mark.parametrize(
    ("heading", "command", "status"),
    [("Run the tests", "true", 0), ("Run the tests", "false && true", 1), ("Tests", "true", 1)],
)
def test_the_script_of_ci_passes_with_the_tests_alone(
    tmp_path: Path, heading: str, command: str, status: int
) -> None:
    script = ROOT / ".ci" / "run"
    if not script.is_file():
        pytest.skip("a source distribution has no .ci")
    (tmp_path / ".ci").mkdir()
    shutil.copy(script, tmp_path / ".ci" / "run")
    (tmp_path / ".ci" / "install-system-packages").write_text("#!/bin/sh\n")
    (tmp_path / ".ci" / "install-system-packages").chmod(0o755)
    text = f"# X\n\n## {heading}\n\n```bash\n{command}\n```\n\n## On\n"
    (tmp_path / "README.md").write_text(text, "utf-8")
    told = subprocess.run(["bash", tmp_path / ".ci" / "run"], capture_output=True, check=False)
    assert told.returncode == status
