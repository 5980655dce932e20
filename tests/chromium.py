"""The system's Chromium, headless and without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

FAKE_MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def launch(playwright: Playwright, chromium: str, *switches: str) -> Browser:
    """Start the Chromium at this path with further switches."""
    common = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[*common, *switches],
        timeout=180_000,  # ms; a busy machine takes its time
    )


def speaking(recording: Path) -> tuple[str, ...]:
    """Switches for a microphone that plays a WAV file over and over, to whoever asks."""
    return (*FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={recording}")
