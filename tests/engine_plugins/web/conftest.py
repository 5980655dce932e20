"""Fixtures of the npm package: its build, a server for it, and packages of npm."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "engine_plugins" / "web"
CORE = ("native/src", "native/include", "native/amalgamate.py", "engine_plugins/web/build.py")


def digest() -> str:
    """Return a digest of the sources that are compiled."""
    total = hashlib.sha256()
    files = [path for name in CORE for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]]
    for path in [*files, WEB / "src" / "core.cpp"]:
        if path.is_file():
            total.update(path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="session")
def web_package(needs_tool: Callable[[str], str]) -> Path:
    """The npm package. The core is kept between runs, so that only changes are compiled."""
    needs_tool("em++")
    fcntl = pytest.importorskip("fcntl", reason="needs a Unix system")
    folder = ROOT / "build" / "web"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder.parent / "web.digest"
    command = [sys.executable, WEB / "build.py", "-o", folder]
    with (folder.parent / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # One pytest worker builds.
        built = stamp.exists() and stamp.read_text() == digest()
        if built:
            command.append("--keep-core")
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        stamp.write_text(digest())
    return folder


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """serve(folder) returns the URL of a local server of the folder."""
    servers = []

    def start(folder: Path) -> str:
        QuietHandler.extensions_map |= {".js": "text/javascript", ".wasm": "application/wasm"}
        handler = functools.partial(QuietHandler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def avatar_packages(needs_tool: Callable[[str], str]) -> Path:
    """three.js and three-vrm from npm; skips without a network. They are kept between runs."""
    folder = ROOT / "build" / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "@pixiv" / "three-vrm").is_dir():
        packages = ["three@0.170.0", "@pixiv/three-vrm@3.5.5"]
        options = ["--no-audit", "--no-fund", "--no-save", "--prefix", str(folder)]
        command = [needs_tool("npm"), "install", *options, *packages]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            pytest.skip(f"npm cannot install {', '.join(packages)}: {result.stderr}")
    return folder
