"""Make the README picture speaking.gif: the bundled sample, drawn by `koemorph preview`.

    python docs/images/make.py

Needs Chromium and ffmpeg (`.ci/install-system-packages`, `pip install -e ".[test]"`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "python" / "koemorph" / "samples" / "librivox.wav"
OUTPUT = Path(__file__).with_name("speaking.gif")
FILTERS = (
    "fps=25,crop=0.74*ih:0.74*ih:(iw-0.74*ih)/2:0.03*ih,scale=320:320:flags=lanczos,"
    "split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
)


def main() -> None:
    """Render a video of the sample and encode the face as a GIF."""
    koemorph = str(Path(sys.executable).with_name("koemorph"))
    with tempfile.TemporaryDirectory() as name:
        page, video = Path(name) / "face.html", Path(name) / "face.mp4"
        command = [koemorph, "preview", str(SAMPLE), "-o", str(page), "--video", str(video)]
        subprocess.run(command, check=True)
        encode = ["ffmpeg", "-y", "-loglevel", "error", "-i", str(video), "-vf", FILTERS]
        subprocess.run([*encode, str(OUTPUT)], check=True)
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
