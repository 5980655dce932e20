"""The notebook runs from top to bottom, and shows what it promises."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "training" / "notebooks" / "look.ipynb"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    manager = KernelManager()
    # This very Python, whatever kernels are installed for the user.
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv = manager.kernel_cmd
    client = NotebookClient(notebook, km=manager, timeout=300)
    client.execute(cwd=str(tmp_path))
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert "r/jawOpen" in str(shown)
    # Figures are shown by their pictures, or by name where there is no inline backend.
    figures = [output for output in shown if "Figure" in str(output.get("data", {}))]
    assert len(figures) == 2
