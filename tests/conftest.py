"""Markers by folder, and fixtures of all tests.

`pytest -m unit` needs the extra `test-core` only: it does not import the tests of other folders.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import chromium
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OpenBrowser = Callable[..., "Browser"]

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# Folder of tests -> the marker of its tests.
FOLDER_MARKERS = {
    "engine_plugins": "engine",
    "native": "unit",
    "python": "unit",
    "reference": "unit",
    "training": "training",
}
# A test with one of these markers is not a unit test.
_NOT_UNIT = {"browser", "engine", "slow", "training"}


def folder_marker(path: Path) -> str | None:
    """Return the marker of the tests in a file or folder, None outside the test folders."""
    parts = path.relative_to(TESTS).parts if path.is_relative_to(TESTS) else ()
    return FOLDER_MARKERS.get(parts[0]) if parts else None


def may_be_selected(expression: str, marker: str) -> bool:
    """Return whether `-m expression` can select tests of a folder with this marker."""
    for extra in (None, "browser", "slow"):
        names = defaultdict(bool, {marker: True, extra: True})
        if eval(expression, {"__builtins__": {}}, names):
            return True
    return False


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import tests that `-m` excludes: they may need packages that are not installed."""
    marker, expression = folder_marker(collection_path), config.option.markexpr
    if marker and expression and not may_be_selected(expression, marker):
        return True
    return None


class SkippedFolder(pytest.Directory):
    """A folder whose tests are skipped because torch is not installed."""

    def collect(self) -> Iterable[pytest.Item]:
        skip_or_fail('torch is not installed: pip install "koemorph[test]"')
        return ()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if path == TESTS / "training" and importlib.util.find_spec("torch") is None:
        return SkippedFolder.from_parent(parent, path=path)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers that follow from the folder, a browser and native builds."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "open_browser" in fixtures:
            item.add_marker("browser")
        if "native_build" in fixtures:
            item.add_marker("slow")
        marker = folder_marker(item.path)
        own = {each.name for each in item.iter_markers()}
        if marker and not (marker == "unit" and own & _NOT_UNIT):
            item.add_marker(marker)


def skip_or_fail(reason: str) -> None:
    """Skip the test, or fail where CI=true: there, everything is installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data (grid_s1, facegood, ...); skips without it."""
    folder = Path(os.environ.get("KOEMORPH_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "grid_s1").is_dir():
        pytest.skip(f"no development data at {folder}; set KOEMORPH_DATA")
    return folder


@pytest.fixture(scope="session")
def needs_tool() -> Callable[[str], str]:
    """needs_tool("ffmpeg") returns its path; skips without it, but fails where CI=true."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            skip_or_fail(f"{name} is not installed (see .ci/system-packages)")
        assert path is not None
        return path

    return find


@pytest.fixture
def open_browser(needs_tool: Callable[[str], str]) -> Iterator[OpenBrowser]:
    """Return open_browser(*switches), which starts a headless Chromium without a GPU."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    path = needs_tool("chromium")
    with playwright_api.sync_playwright() as playwright:
        yield partial(chromium.launch, playwright, path)


@pytest.fixture
def wait_until() -> Callable[[Page, str], None]:
    """Return wait_until(page, script), which waits until the script is true.

    Playwright's own wait needs eval, which the page's policy forbids.
    """

    def wait(page: Page, script: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not page.evaluate(script):
            if time.monotonic() > end:
                status = page.evaluate("document.getElementById('status')?.textContent")
                pytest.fail(f"{script} did not become true; status of the page: {status}")
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Small models with random weights, by fps: 30 and 60."""
    import tiny_model

    folder = tmp_path_factory.mktemp("tiny")
    return {fps: tiny_model.save(folder / f"tiny-{fps}.onnx", fps) for fps in (30, 60)}


@pytest.fixture(scope="session")
def speech() -> Path:
    """Six seconds of bundled speech."""
    return ROOT / "python" / "koemorph" / "samples" / "librivox.wav"


@pytest.fixture(scope="session")
def native_build() -> Path:
    """A CMake build of the shared library and the C example, with warnings as errors.

    It is kept between runs, so that only changes are compiled.
    """
    fcntl = pytest.importorskip("fcntl", reason="needs a Unix system")
    folder = ROOT / "build" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    options = [
        "-DKOEMORPH_BUILD_EXAMPLES=ON",
        "-DKOEMORPH_BUILD_TESTS=ON",
        "-DKOEMORPH_WARNINGS_AS_ERRORS=ON",
    ]
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # One pytest worker builds.
        for command in (configure + options, ["cmake", "--build", str(folder), "--parallel", "2"]):
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
    return folder
