"""Print the release notes of a version: its section of CHANGELOG.md.

    python packaging/release_notes.py [--tag vX.Y.Z]

With --tag, the tag must name the version in CMakeLists.txt.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ReleaseError(Exception):
    """The release is inconsistent; the message says what to do."""


def version() -> str:
    """Return the version in CMakeLists.txt, its single source."""
    text = (ROOT / "CMakeLists.txt").read_text("utf-8")
    found = re.search(r"project\(koemorph VERSION ([\d.]+)", text)
    if found is None:
        raise ReleaseError("CMakeLists.txt: no project(koemorph VERSION ...).")
    return found[1]


def check_tag(tag: str) -> None:
    """Raise ReleaseError unless `tag` names the version."""
    if tag != f"v{version()}":
        raise ReleaseError(
            f"Tag mismatch: tag {tag}, version {version()} in CMakeLists.txt. Change one of them."
        )


def notes(changelog: str, number: str) -> str:
    """Return the section of a version without its heading.

    Raises:
        ReleaseError: The changelog has no such section, or it is empty.
    """
    pattern = rf"^## \[{re.escape(number)}\][^\n]*\n(.*?)(?=^## \[|^\[[^\]]+\]: |\Z)"
    found = re.search(pattern, changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise ReleaseError(f"CHANGELOG.md: no text below ## [{number}]. Add the changes.")
    return found[1].strip() + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Print the release notes.")
    parser.add_argument("--tag", help="the tag that is released")
    options = parser.parse_args(arguments)
    try:
        if options.tag:
            check_tag(options.tag)
        sys.stdout.write(notes((ROOT / "CHANGELOG.md").read_text("utf-8"), version()))
    except ReleaseError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
