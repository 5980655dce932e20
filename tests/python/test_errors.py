"""Error codes: every error has one, as a snake_case word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from koemorph import errors

ROOT = Path(__file__).resolve().parents[2]
ERRORS = {name for name in vars(errors) if name.endswith("Error")}


def created_errors(path: Path) -> list[ast.Call]:
    """Return the calls in a file that create a KoemorphError."""
    calls = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call)]
    names = {"id": ast.Name, "attr": ast.Attribute}
    return [
        call
        for call in calls
        for attribute, kind in names.items()
        if isinstance(call.func, kind) and getattr(call.func, attribute) in ERRORS
    ]


@pytest.mark.parametrize("folder", ["python/koemorph", "training"])
def test_every_error_has_a_code(folder: str) -> None:
    found = 0
    for path in sorted((ROOT / folder).rglob("*.py")):
        for call in created_errors(path):
            codes = [word.value for word in call.keywords if word.arg == "code"]
            where = f"{path.relative_to(ROOT)}:{call.lineno}"
            assert len(codes) == 1, f"{where}: no code"
            for constant in ast.walk(codes[0]):
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    assert re.fullmatch("[a-z][a-z0-9_]+", constant.value), where
            found += 1
    assert found > 20


def test_code_is_required() -> None:
    with pytest.raises(TypeError):
        errors.AudioError("message")  # type: ignore[call-arg]
