"""What the tests of all engine plugins share: a voice with its face, and running a game."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph import Animation

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "engine_plugins"


@dataclass(frozen=True)
class Voice:
    """Speech in a format that a game would play, as raw float32, and the face it should give."""

    file: Path
    sample_rate: int
    channels: int
    model: Path
    animation: Animation

    def faces(self, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The expected weights (n, 52) at times (n,), s: between frames, a straight line."""
        columns = self.animation.weights.T
        return np.stack([np.interp(times, self.animation.times, c) for c in columns], axis=1)

    @property
    def last_frame(self) -> float:
        return float(self.animation.times[-1])


def cplusplus() -> str:
    """The C++ compiler, which every test machine has."""
    found = shutil.which("c++")
    assert found is not None, "the tests need a C++ compiler"
    return found


def pack(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the packager."""
    command = [sys.executable, str(PLUGINS / "package.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(
    command: list[str | Path],
    library_folder: Path | None = None,
    timeout: float = 900,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program that finds its libraries in `library_folder`; its output on failure."""
    whole = {key: text for key, text in os.environ.items() if key != "LD_LIBRARY_PATH"}
    whole["KOEMORPH_PACKAGE"] = str(ROOT / "python" / "koemorph")  # maps and presets
    if library_folder is not None:
        whole["LD_LIBRARY_PATH"] = str(library_folder)
    result = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=whole | (environment or {}),
        timeout=timeout,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result
