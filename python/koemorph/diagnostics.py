"""Facts about the installation and the machine, for bug reports."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from koemorph import _native
from koemorph.model import bundled_models

PACKAGES = ("numpy", "soundfile", "onnxruntime", "aiohttp", "python-osc", "sounddevice", "torch")


def installed_version(package: str) -> str:
    """Return the version of an installed distribution, "not installed" without it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def system() -> str:
    """Return the operating system with its C library, and the Python interpreter."""
    library = " ".join(platform.libc_ver()).strip()
    os_name = f"{platform.system()} {platform.release()} {platform.machine()}"
    python = f"{platform.python_implementation()} {sys.version.split()[0]}"
    return ", ".join(filter(None, [os_name, library, python]))


def instruction_sets() -> list[str]:
    """Return the sets of inference kernels that this processor can run, the used one first.

    "avx512", "avx2", "baseline" (what every processor of the architecture has), "scalar".
    """
    return list(_native.onnx_kernels())


def wheel() -> str:
    """Return how the package was installed: its wheel's tag, or that it is editable."""
    try:
        distribution = metadata.distribution("koemorph")
    except metadata.PackageNotFoundError:
        return "not installed with pip"
    if '"editable": true' in (distribution.read_text("direct_url.json") or ""):
        return "editable"
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
    return "wheel " + (", ".join(tags) or "without a tag")


def report() -> dict[str, str]:
    """Return what a bug report needs, by name."""
    return {
        "installation": f"{wheel()}, {Path(_native.__file__).parent}",
        "system": system(),
        "processor": f"{os.cpu_count()} cores, kernels {instruction_sets()[0]} "
        f"(available: {', '.join(instruction_sets())})",
        "models": ", ".join(bundled_models()),
        "packages": ", ".join(f"{name} {installed_version(name)}" for name in PACKAGES),
    }
