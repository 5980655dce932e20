"""Fixtures every test may use: where reference data lies, and which system tools are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data (grid_s1, facegood, ...); skips where it is not at hand."""
    folder = Path(os.environ.get("KOEMORPH_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "grid_s1").is_dir():
        pytest.skip(f"no development data at {folder}; set KOEMORPH_DATA")
    return folder


@pytest.fixture(scope="session")
def needs_tool() -> Callable[[str], str]:
    """needs_tool("ffmpeg") -> its path; skips without it, but fails where CI=true."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is not None:
            return path
        message = f"{name} is not installed (see .ci/system-packages)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    return find


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A small model for 30 and one for 60 frames a second, by fps."""
    import tiny_model

    folder = tmp_path_factory.mktemp("tiny")
    return {fps: tiny_model.save(folder / f"tiny-{fps}.onnx", fps) for fps in (30, 60)}


@pytest.fixture(scope="session")
def speech() -> Path:
    """Six seconds of speech that ship with the package."""
    return ROOT / "python" / "koemorph" / "samples" / "librivox.wav"


@pytest.fixture(scope="session")
def native_build() -> Path:
    """A CMake build of the shared library and the C example, our own warnings being errors.

    It stays between runs, so that only what has changed is compiled again.
    """
    # Elsewhere programs lie in other places, and the wheel is what is tested.
    fcntl = pytest.importorskip("fcntl", reason="builds as on Unix")
    folder = ROOT / "build" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    options = [
        "-DKOEMORPH_BUILD_EXAMPLES=ON",
        "-DKOEMORPH_BUILD_TESTS=ON",
        "-DKOEMORPH_WARNINGS_AS_ERRORS=ON",
    ]
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker builds, the others wait for it
        for command in (configure + options, ["cmake", "--build", str(folder), "--parallel", "2"]):
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
    return folder
