"""Benchmark of live, batch and the pages on this machine, as a Markdown table.

    python tests/python/figures.py [live] [batch] [preview] [serve]

All four take about two minutes on an idle machine.

The commands run in processes of their own, on a minute of the bundled speech.
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
MEASURED_SECONDS = 10.0


def run_koemorph(*arguments: str | Path) -> tuple[str, str]:
    """Run a `koemorph` command; return its standard output and standard error."""
    command = [*KOEMORPH, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout, result.stderr


def minute_of_speech(folder: Path) -> Path:
    """Write a minute of speech; return its path."""
    sound, rate = soundfile.read(SAMPLE)
    soundfile.write(folder / "minute.wav", np.resize(sound, 60 * rate), rate)
    return folder / "minute.wav"


def open_page(browser: Browser, address: str) -> Page:
    """Open a page, with a long timeout for busy machines."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(600_000)
    page.goto(address)
    return page


def wait(page: Page, script: str) -> None:
    """Return once the script is true."""
    while not page.evaluate(script):
        time.sleep(0.02)


def fps(page: Page) -> float:
    """Return the rendered frames per second during MEASURED_SECONDS."""
    begin = page.evaluate("[koemorph.drawn, performance.now()]")
    time.sleep(MEASURED_SECONDS)
    end = page.evaluate("[koemorph.drawn, performance.now()]")
    return 1000 * (end[0] - begin[0]) / (end[1] - begin[1])


def live(folder: Path) -> Iterator[tuple[str, str]]:
    """Measure latency and jitter of `koemorph live` for a minute."""
    targets = ["--livelink", "127.0.0.1:9", "--vmc", "127.0.0.1:9"]
    targets += ["--jsonl", str(folder / "live.jsonl")]
    output, _ = run_koemorph("live", "--wav", minute_of_speech(folder), *targets, "--json")
    figures = json.loads(output)
    yield "live: sample in to packet out, p50", f"{figures['latency_p50_ms']} ms"
    yield "live: sample in to packet out, p99", f"{figures['latency_p99_ms']} ms"
    yield "live: jitter of sending, p99", f"{figures['jitter_p99_ms']} ms"


def batch(folder: Path) -> Iterator[tuple[str, str]]:
    """Animate a folder of 100 recordings with the default model."""
    recordings = folder / "recordings"
    recordings.mkdir()
    for index in range(100):
        shutil.copy(SAMPLE, recordings / f"{index}.wav")
    _, summary = run_koemorph("animate", recordings, "-o", folder / "out", "--jobs", "2")
    yield "batch, --jobs 2", summary.strip()


def preview(folder: Path, launch: Launch) -> Iterator[tuple[str, str]]:
    """Measure loading time, rendered fps and size of the page of a minute."""
    page_file = folder / "page.html"
    run_koemorph("preview", minute_of_speech(folder), "-o", page_file)
    browser = launch("--autoplay-policy=no-user-gesture-required")
    openings = []
    for _ in range(OPENINGS):
        page = open_page(browser, page_file.as_uri())
        wait(page, "!!window.koemorph?.loadTime")
        openings.append(page.evaluate("koemorph.loadTime") / 1000)
        page.close()
    page = open_page(browser, page_file.as_uri())
    wait(page, "!!window.koemorph?.loadTime")
    yield "preview page: loading time, median", f"{np.median(openings):.2f} s"
    page.keyboard.press("Space")
    wait(page, "koemorph.player.playing")
    yield "preview page: rendered fps", f"{fps(page):.0f}"
    yield "preview page: size", f"{page_file.stat().st_size / 1e6:.2f} MB"
    browser.close()


@contextmanager
def serving() -> Iterator[str]:
    """Run `koemorph serve`; yield the address that it prints."""
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
    """Measure the live page while speech plays into the browser's microphone."""
    browser = launch(*chromium.fake_microphone(SAMPLE))
    with serving() as address:
        page = open_page(browser, address)
        wait(page, "!!window.koemorph?.ready")
        page.click("#start")
        wait(page, "koemorph.connection?.frames > 90")
        yield "serve: rendered fps", f"{fps(page):.0f}"
        yield "serve: status on the page", page.text_content("#status") or ""
        browser.close()


def main() -> None:
    """Print one row per figure."""
    path = shutil.which("chromium") or sys.exit("Chromium is not installed: apt install chromium.")
    print(f"load before: {os.getloadavg()[0]:.1f}\n\n| measurement | value |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        launch = partial(chromium.launch, playwright, path)
        parts = {
            "live": live(folder),
            "batch": batch(folder),
            "preview": preview(folder, launch),
            "serve": serve(launch),
        }
        for part in sys.argv[1:] or parts:
            for name, value in parts[part]:
                print(f"| {name} | {value} |", flush=True)


if __name__ == "__main__":
    main()
