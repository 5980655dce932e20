"""The table of `koemorph bench` as a Markdown file that says where and when it was measured."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from koemorph import _native


def load() -> float | None:
    """How many programs wanted the processor in the last minute; None where no system says."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def machine() -> str:
    """The processor's name, as far as the system tells, and how many cores there are."""
    name = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        entries = (line.partition(":") for line in about.read_text().splitlines())
        names = [value.strip() for key, _, value in entries if key.strip() == "model name"]
        name = names[0] if names else name
    return f"{name} ({platform.machine()}), {os.cpu_count()} cores, {platform.system()}"


def record(
    file: IO[str],
    found: Sequence[dict[str, Any]],
    columns: Sequence[Sequence[tuple[str, str]]],
    load_before: float | None,
) -> None:
    """Write the table: of each model in `found` its rows (what, how much), named alike."""
    loads = [
        "unknown" if figure is None else f"{figure:.1f} {when}"
        for figure, when in ((load_before, "before"), (load(), "after"))
    ]
    lines = [
        "# Measured",
        "",
        f"By `koemorph bench --record` {_native.version()} on {time.strftime('%Y-%m-%d')}.",
        f"{machine()}. Load (programs that wanted a core): {', '.join(loads)}.",
        "",
        "| what | " + " | ".join(f"{of['model']}, {of['fps']} fps" for of in found) + " |",
        "| --- |" + " ---: |" * len(found),
    ]
    for cells in zip(*columns, strict=True):
        name = cells[0][0]
        what = name.strip() if name == name.lstrip() else f"&emsp;{name.strip()}"
        lines.append(f"| {what} | " + " | ".join(value for _, value in cells) + " |")
    file.write("\n".join(lines) + "\n")
