"""Copy the built library of a plugin's platform.

    python packaging/collect_library.py BUILD FILE DESTINATION

FILE is its name in the plugins. On iOS it is the static library of the core, which CMake names
libkoemorph_static.a.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def find(build: Path, name: str) -> Path:
    """Return the library in a build folder.

    Raises:
        FileNotFoundError: There is none, or more than one.
    """
    built = "libkoemorph_static.a" if name.endswith(".a") else name
    found = {path.resolve() for path in build.rglob(built)}
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} files {built} in {build}, expected 1")
    return found.pop()


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    destination = Path(arguments[2])
    destination.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy(find(Path(arguments[0]), arguments[1]), destination / arguments[1])
    except FileNotFoundError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
