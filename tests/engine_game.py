"""Shared by the tests of the engine plugins: speech with its animation, and running programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph import Animation, Controls, Model

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "engine_plugins"


@dataclass(frozen=True)
class Voice:
    """Speech as raw float32, and its expected animation."""

    file: Path
    sample_rate: int
    channels: int
    model: Path
    animation: Animation

    def faces(self, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the expected weights (n, 52) at times (n,) in s, interpolated linearly."""
        columns = self.animation.weights.T
        return np.stack([np.interp(times, self.animation.times, c) for c in columns], axis=1)

    @property
    def last_frame(self) -> float:
        return float(self.animation.times[-1])


@dataclass(frozen=True)
class Devices:
    """One sound in several formats: raw float32 files, sample rates (Hz), channels."""

    model: Path
    parts: list[tuple[Path, int, int]]

    @property
    def sounds(self) -> list[str]:
        """Arguments of the test programs: FILE RATE CHANNELS of each."""
        return [str(value) for part in self.parts for value in part]

    def check(self, rows: npt.NDArray[np.float64], missed: float) -> None:
        """Check that rows of time and weights (n, 53) equal one stream of all formats.

        missed: s of audio before the game detects a new format.
        """
        # The defaults of the plugins.
        stream = Model(self.model).stream(self.parts[0][1], self.parts[0][2], controls=Controls())
        for number, (file, rate, channels) in enumerate(self.parts):
            sound = np.fromfile(file, np.float32).reshape(-1, channels)
            if number > 0:
                stream.set_input_format(rate, channels)
                sound[: round(missed * rate)] = 0
            stream.push(sound)
        face = stream.pull()
        rows = rows[rows[:, 0] <= face.times[-1]]
        assert len(rows) > 10 * face.times[-1]
        expected = [np.interp(rows[:, 0], face.times, column) for column in face.weights.T]
        np.testing.assert_allclose(rows[:, 1:].T, expected, atol=1e-3)


def cplusplus() -> str:
    """Return the path of the C++ compiler."""
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
    """Run a program with libraries in `library_folder`; fail with its output on an error."""
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
