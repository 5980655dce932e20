"""Check the contents of wheels.

    python packaging/check_wheel.py WHEEL...

A wheel has at most 9 MB (macOS: 10 MB for two processors), contains what animating files needs
and no files of training runs or development, and needs no C++ library of the system (Linux).
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

LARGEST = 9_000_000  # bytes
LARGEST_UNIVERSAL = 10_000_000  # macOS: the programs of both processors
REQUIRED = (
    r"koemorph/_native\..*(so|pyd)",
    r"koemorph/bin/benchmark(\.exe)?",
    r"koemorph/models/koemorph-30\.onnx",
    r"koemorph/models/MODEL_CARD\.md",
    r"koemorph/maps/vrm1\.json",
    r"koemorph/presets/natural\.json",
    r"koemorph/samples/librivox\.wav",
    r"koemorph/training/__init__\.py",
    r"koemorph/py\.typed",
    r"koemorph-[^/]+\.dist-info/licenses/LICENSE",
)
UNWANTED = re.compile(
    r"\.safetensors$|\.ipynb$|\.clang-format$|\.(cc|h|cpp)$|__pycache__|(^|/)tests?/"
)
RUNTIME = re.compile(rb"libstdc\+\+\.so|libc\+\+\.so")


def check_names(names: list[str]) -> list[str]:
    """Return what is missing in the file names of a wheel, and what must not be there."""
    problems = [
        f"no file {pattern}"
        for pattern in REQUIRED
        if not any(re.fullmatch(pattern, name) for name in names)
    ]
    return problems + [f"unwanted file {name}" for name in names if UNWANTED.search(name)]


def check_wheel(path: Path) -> list[str]:
    """Return the problems of a wheel."""
    problems = []
    largest = LARGEST_UNIVERSAL if "universal2" in path.name else LARGEST
    if path.stat().st_size > largest:
        problems.append(f"{path.stat().st_size} bytes, at most {largest} are allowed")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        problems += check_names(names)
        for name in names:
            if "linux" in path.name and re.search(r"/_native\.", name):
                found = RUNTIME.search(archive.read(name))
                if found:
                    problems.append(f"{name} needs {found.group().decode()}")
    return problems


def main(arguments: list[str]) -> int:
    failed = not arguments
    for path in map(Path, arguments):
        for problem in check_wheel(path):
            failed = True
            print(f"{path.name}: {problem}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
