"""The notebook runs, and shows its figures as pictures."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "training" / "notebooks" / "train_and_inspect.ipynb"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_notebook_runs_and_embeds_its_figures_as_png(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    manager = KernelManager()
    # This Python, whatever kernels the user has installed.
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv = manager.kernel_cmd
    client = NotebookClient(notebook, km=manager, timeout=300)
    client.execute(cwd=str(tmp_path))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert "r/jawOpen" in str(outputs)
    pictures = [output.data["image/png"] for output in outputs if "image/png" in str(output)]
    assert len(pictures) == 2
    for picture in pictures:
        assert base64.b64decode(picture).startswith(PNG_SIGNATURE)
