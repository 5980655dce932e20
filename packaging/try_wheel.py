"""Check an installed KoeMorph: animate the bundled sample and print the versions.

    python packaging/try_wheel.py

Needs only the package and its required dependencies; the wheels of a release are tested with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import metadata
from importlib.resources import files
from pathlib import Path


def run(*arguments: str) -> str:
    """Run `koemorph` in a process of its own and return its standard output."""
    program = "import sys; from koemorph.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-I", "-c", program, *arguments]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True
    )
    return result.stdout


def main() -> int:
    print(run("--version", "--verbose"))
    sample = Path(str(files("koemorph") / "samples" / "librivox.wav"))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "face.jsonl"
        print(run("animate", str(sample), "-o", str(output)))
        frames = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    jaw = max(frame["blendshapes"][17] for frame in frames)  # jawOpen
    if len(frames) < 30 or not 0.1 < jaw <= 1.0:
        print(f"Wrong animation: {len(frames)} frames, largest jawOpen {jaw:.2f}", file=sys.stderr)
        return 1
    print(f"koemorph {metadata.version('koemorph')}: {len(frames)} frames, jawOpen <= {jaw:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
