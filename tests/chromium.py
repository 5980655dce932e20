"""The system's Chromium, headless and without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

Wait = Callable[["Page", str], None]

FAKE_MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def launch(playwright: Playwright, chromium: str, *switches: str) -> Browser:
    """Start the Chromium at this path with further switches."""
    common = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[*common, *switches],
        timeout=180_000,  # ms; for a busy machine
    )


def fake_microphone(recording: Path) -> tuple[str, ...]:
    """Return switches for a permitted microphone that plays a WAV file repeatedly."""
    return (*FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={recording}")


def show(
    open_browser: Callable[..., Browser], wait_until: Wait, path: Path
) -> tuple[Page, list[str]]:
    """Open a preview page offline; return it and the list that its errors are added to."""
    context = open_browser("--autoplay-policy=no-user-gesture-required").new_context(
        offline=True, viewport={"width": 1280, "height": 800}
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    wait_until(page, "!!window.koemorph?.loadTime")
    return page, errors
