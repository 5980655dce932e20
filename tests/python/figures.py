"""What live, batch and the pages reach on this machine, as a table.

    python tests/python/figures.py [live] [batch] [preview] [serve]

All four take about two minutes on an idle machine.

Whole commands are run, as a user runs them, on a minute of the sample that ships.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.append(str(Path(__file__).resolve().parents[1]))
import chromium

import koemorph

Launch = Callable[..., Browser]
SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"
KOEMORPH = [sys.executable, "-c", "from koemorph.cli import main; main()"]
OPENINGS = 5
SECONDS = 10.0
"""How long a page is watched."""


def koemorph_says(*arguments: str | Path) -> tuple[str, str]:
    """Run a `koemorph` command to its end; what it wrote on standard output and error."""
    command = [*KOEMORPH, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def a_minute(folder: Path) -> Path:
    """A minute of the sample, as a recording of its own."""
    sound, rate = soundfile.read(SAMPLE)
    soundfile.write(folder / "minute.wav", np.resize(sound, 60 * rate), rate)
    return folder / "minute.wav"


def open_page(browser: Browser, address: str) -> Page:
    """Open a page, however long a busy machine takes over it."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(600_000)
    page.goto(address)
    return page


def wait(page: Page, script: str) -> None:
    """Return when the script is true of the page."""
    while not page.evaluate(script):
        time.sleep(0.02)


def fps(page: Page) -> float:
    """Pictures a second over the next seconds."""
    begin = page.evaluate("[koemorph.drawn, performance.now()]")
    time.sleep(SECONDS)
    end = page.evaluate("[koemorph.drawn, performance.now()]")
    return 1000 * (end[0] - begin[0]) / (end[1] - begin[1])


def live(folder: Path) -> Iterator[tuple[str, str]]:
    """Latency and jitter of `koemorph live` over a minute at the pace of speech."""
    targets = ["--livelink", "127.0.0.1:9", "--vmc", "127.0.0.1:9"]
    targets += ["--jsonl", str(folder / "live.jsonl")]
    told, _ = koemorph_says("live", "--wav", a_minute(folder), *targets, "--json")
    figures = json.loads(told)
    yield "live: sample in to packet out, p50", f"{figures['latency_p50_ms']} ms"
    yield "live: sample in to packet out, p99", f"{figures['latency_p99_ms']} ms"
    yield "live: jitter of sending, p99", f"{figures['jitter_p99_ms']} ms"


def batch(folder: Path) -> Iterator[tuple[str, str]]:
    """A folder of a hundred recordings, all with the model that is taken by itself."""
    voices = folder / "voices"
    voices.mkdir()
    for index in range(100):
        shutil.copy(SAMPLE, voices / f"{index}.wav")
    _, told = koemorph_says("animate", voices, "-o", folder / "out", "--jobs", "2")
    yield "batch, --jobs 2", told.strip()


def preview(folder: Path, launch: Launch) -> Iterator[tuple[str, str]]:
    """Opening time (median), pictures a second while playing, and size of a page of a minute."""
    page_file = folder / "page.html"
    koemorph_says("preview", a_minute(folder), "-o", page_file)
    browser = launch("--autoplay-policy=no-user-gesture-required")
    openings = []
    for _ in range(OPENINGS):
        page = open_page(browser, page_file.as_uri())
        wait(page, "!!window.koemorph?.loadTime")
        openings.append(page.evaluate("koemorph.loadTime") / 1000)
        page.close()
    page = open_page(browser, page_file.as_uri())
    wait(page, "!!window.koemorph?.loadTime")
    yield "preview page: opens in, median", f"{np.median(openings):.2f} s"
    page.keyboard.press("Space")
    wait(page, "koemorph.player.playing")
    yield "preview page: pictures a second", f"{fps(page):.0f}"
    yield "preview page: size", f"{page_file.stat().st_size / 1e6:.2f} MB"
    browser.close()


@contextmanager
def serving() -> Iterator[str]:
    """`koemorph serve`; gives the address that it prints."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = str(sock.getsockname()[1])
    command = [*KOEMORPH, "serve", "--port", port]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None, "koemorph serve printed no address"
        try:
            yield found[0]
        finally:
            process.terminate()


def serve(launch: Launch) -> Iterator[tuple[str, str]]:
    """What the live page shows while the sample is spoken into the browser's microphone."""
    browser = launch(*chromium.speaking(SAMPLE))
    with serving() as address:
        page = open_page(browser, address)
        wait(page, "!!window.koemorph?.ready")
        page.click("#start")
        wait(page, "koemorph.link?.frames > 90")
        yield "serve: pictures a second", f"{fps(page):.0f}"
        yield "serve: status on the page", page.text_content("#status") or ""
        browser.close()


def main() -> None:
    """Print one line a figure as it comes."""
    path = shutil.which("chromium") or sys.exit("Chromium is not installed: apt install chromium.")
    print(f"load before: {os.getloadavg()[0]:.1f}\n\n| what | figure |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        launch = partial(chromium.launch, playwright, path)
        parts = {
            "live": live(folder),
            "batch": batch(folder),
            "preview": preview(folder, launch),
            "serve": serve(launch),
        }
        for part in sys.argv[1:] or parts:
            for what, figure in parts[part]:
                print(f"| {what} | {figure} |", flush=True)


if __name__ == "__main__":
    main()
