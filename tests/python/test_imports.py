"""The package has no import cycles, and the unit tests need no optional dependency."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Package -> its folder; `koemorph.training` is installed from a folder of its own.
PACKAGES = {"koemorph": ROOT / "python" / "koemorph", "koemorph.training": ROOT / "training"}


def module_files() -> dict[str, Path]:
    """Return the file of each module of the packages."""
    modules = {}
    for package, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            modules[".".join([package, *parts]).removesuffix(".__init__")] = path
    return modules


def module_level_imports(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that run when the module is imported, not those for type checkers."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from module_level_imports(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from module_level_imports(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from module_level_imports(handler.body)


def imported_modules(name: str, path: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules of the packages that a module imports."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in module_level_imports(ast.parse(path.read_bytes()).body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
            continue
        base = package.rsplit(".", node.level - 1)[0] if node.level else ""
        base = ".".join(filter(None, [base, node.module]))
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            # `from package import module` needs the module, not the package's names. _native is
            # compiled.
            found.add(inner if inner in modules or inner == "koemorph._native" else base)
    return found & modules.keys() - {name}


def test_no_import_cycles() -> None:
    modules = module_files()
    assert {"koemorph.model", "koemorph.cli", "koemorph.training.settings"} <= modules.keys()
    graph = {name: imported_modules(name, path, modules) for name, path in modules.items()}
    assert "koemorph.animation" in graph["koemorph.model"]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")


WITHOUT_PACKAGES = """
import sys
import pytest

absent = set(sys.argv[1].split(","))

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
sys.exit(pytest.main(sys.argv[2:]))
"""


def test_unit_tests_need_no_optional_dependency() -> None:
    absent = "torch,hydra,omegaconf,playwright,scipy,matplotlib,nbclient,mediapipe"
    options = ["-m", "unit", "--collect-only", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-c", WITHOUT_PACKAGES, absent, *options]
    # Plugins of installed packages, such as hydra's, would import them.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    files = {line.partition("::")[0] for line in result.stdout.splitlines() if "::" in line}
    assert "tests/python/test_imports.py" in files
    assert not any(file.startswith(("tests/training", "tests/engine_plugins")) for file in files)
