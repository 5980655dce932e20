"""What the built package carries beside its code."""

from __future__ import annotations

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
