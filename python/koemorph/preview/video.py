"""Video files of the preview: a headless browser draws the frames, ffmpeg encodes them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from koemorph.errors import OutputError
from koemorph.outputs.atomic import atomic_path
from koemorph.preview import VideoSettings
from koemorph.preview.sound import Sound

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge", "msedge")
_BROWSER_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
)
_STALL_SECONDS = 120.0
"""Longest time between two frames before the browser counts as failed."""
_EXTENSIONS = (".mp4", ".webm", ".mov", ".mkv", ".gif")


def find_programs(path: Path) -> tuple[str, str]:
    """Return the paths of ffmpeg and of a browser for a video file.

    Raises:
        OutputError: The file's extension is no video's (code "unknown_format"), or a program is
            not installed ("ffmpeg_missing", "browser_missing").
    """
    if path.suffix.lower() not in _EXTENSIONS:
        raise OutputError(
            f'Unknown video format: {path.name} has the extension "{path.suffix}", expected one '
            f"of {', '.join(_EXTENSIONS)}.",
            code="unknown_format",
        )
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise OutputError(
            "Cannot write a video: ffmpeg is not on PATH. Install ffmpeg, or use Save video in the "
            "page.",
            code="ffmpeg_missing",
        )
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise OutputError(
            "Cannot write a video: no Chromium, Chrome or Edge is on PATH. Install one, or use "
            "Save video in the page.",
            code="browser_missing",
        )
    return ffmpeg, browser


class _FrameServer(ThreadingHTTPServer):
    """Serves the page and passes the frames that it posts to ffmpeg."""

    daemon_threads = True

    def __init__(self, page: str, write_frame: Callable[[bytes], object]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page.encode()
        self.write_frame = write_frame
        self.frame_arrived = threading.Event()
        self.finished = threading.Event()
        self.failure = ""


class _Handler(BaseHTTPRequestHandler):
    server: _FrameServer

    def do_GET(self) -> None:
        self._answer(self.server.page if self.path == "/" else b"", "text/html; charset=utf-8")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/frame":
            try:
                self.server.write_frame(body)
            except OSError:  # ffmpeg has ended; its message is reported
                self.server.finished.set()
        else:
            self.server.failure = body.decode("utf-8", "replace") if self.path == "/failed" else ""
            self.server.finished.set()
        self.server.frame_arrived.set()
        self._answer(b"", "text/plain")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def _encoder(ffmpeg: str, fps: int, audio: Path | None, target: Path, extension: str) -> list[str]:
    command = [ffmpeg, "-v", "error", "-y", "-f", "image2pipe", "-c:v", "mjpeg"]
    command += ["-framerate", str(fps), "-i", "-"]
    if audio is not None and extension != ".gif":
        command += ["-i", str(audio)]
    if extension == ".webm":
        command += ["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "32", "-row-mt", "1"]
    elif extension != ".gif":
        command += ["-pix_fmt", "yuv420p", "-crf", "18"]
    container = {".mkv": "matroska"}.get(extension, extension[1:])
    return [*command, "-f", container, str(target)]


def _render(browser: str, server: _FrameServer, settings: VideoSettings, profile: str) -> None:
    """Run the browser until the page has sent all frames."""
    size = f"--window-size={settings.width},{settings.height}"
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    command = [browser, *_BROWSER_OPTIONS, size, f"--user-data-dir={profile}", address]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        while not server.finished.is_set():
            server.frame_arrived.clear()
            if not server.frame_arrived.wait(_STALL_SECONDS) and not server.finished.is_set():
                server.failure = f"the browser sent no frame for {_STALL_SECONDS:.0f} s"
                return
    finally:
        process.terminate()
        process.wait()


def write_video(page: str, path: Path, sound: Sound | None, settings: VideoSettings) -> None:
    """Render the frames of a page and encode them with its audio.

    Args:
        page: A page that `build_page` built with the same video settings.
        path: The output file: .mp4, .webm, .mov, .mkv or .gif.
        sound: The audio, or None.
        settings: Frames per second and size.

    Raises:
        OutputError: A program is missing (see `find_programs`), rendering or encoding failed (code
            "video_failed"), or the file cannot be written.
    """
    ffmpeg, browser = find_programs(path)
    with atomic_path(path) as target, tempfile.TemporaryDirectory() as folder:
        audio = None
        if sound is not None:
            audio = Path(folder) / "audio.wav"
            soundfile.write(audio, np.clip(sound.samples, -1, 1), sound.sample_rate)
        command = _encoder(ffmpeg, settings.fps, audio, target, path.suffix.lower())
        log = Path(folder) / "ffmpeg.log"
        with log.open("wb") as errors:
            encoder = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors)
            assert encoder.stdin is not None
            server = _FrameServer(page, encoder.stdin.write)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                _render(browser, server, settings, f"{folder}/profile")
            finally:
                server.shutdown()
                server.server_close()
                encoder.communicate()
        failure = server.failure or log.read_text("utf-8", "replace").strip()
        if failure or encoder.returncode:
            raise OutputError(f"Cannot write the video {path}: {failure}.", code="video_failed")
