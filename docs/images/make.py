"""Make the README picture speaking.gif: the bundled sample, drawn by `koemorph preview`.

    python docs/images/make.py

Needs Chromium, ffmpeg and Playwright (`pip install -e ".[test]"`, `.ci/install-system-packages`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "python" / "koemorph" / "samples" / "librivox.wav"
OUTPUT = Path(__file__).with_name("speaking.gif")
FPS = 25
SECONDS = 6.0
SIZE = 320
CROP = "crop=0.72*ih:0.72*ih:(iw-0.72*ih)/2:0.05*ih"
SEEK = """async (time) => {
  const page = window.koemorph;
  await page.player.seek(time);
  const drawn = page.drawn;
  while (page.drawn < drawn + 2) await new Promise(requestAnimationFrame);
}"""
PALETTE = "split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"


def save_frames(page: Page, folder: Path) -> None:
    """Save one PNG of the stage for each frame."""
    # The page's security policy forbids wait_for_function.
    while not page.evaluate("Boolean(window.koemorph && window.koemorph.loadTime > 0)"):
        page.wait_for_timeout(50)
    page.add_style_tag(content="#start { display: none !important }")
    for index in range(round(SECONDS * FPS)):
        page.evaluate(
            SEEK,
            index / FPS,
        )
        page.locator(".stage").screenshot(path=folder / f"{index:04d}.png")


def main() -> None:
    """Render the page and encode the picture."""
    chromium, ffmpeg = shutil.which("chromium"), shutil.which("ffmpeg")
    if chromium is None or ffmpeg is None:
        sys.exit(
            "speaking.gif cannot be made: chromium and ffmpeg are needed (.ci/system-packages)."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        html = folder / "face.html"
        program = str(Path(sys.executable).with_name("koemorph"))
        subprocess.run([program, "preview", str(SAMPLE), "-o", str(html)], check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 800, "height": 640})
            page.goto(html.as_uri())
            save_frames(page, folder)
            browser.close()
        filters = f"{CROP},scale={SIZE}:{SIZE}:flags=lanczos,{PALETTE}"
        source = ["-framerate", str(FPS), "-i", str(folder / "%04d.png")]
        subprocess.run(
            [ffmpeg, "-y", "-loglevel", "error", *source, "-vf", filters, str(OUTPUT)], check=True
        )
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
