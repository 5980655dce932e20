"""Write the table of `koemorph bench` to a Markdown file, with the machine and the date."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from koemorph import _native


def load() -> float | None:
    """Return the load average of the last minute, None on systems without one."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def machine() -> str:
    """Return the CPU's name, as far as it is known, and the number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        entries = (line.partition(":") for line in cpuinfo.read_text().splitlines())
        names = [value.strip() for key, _, value in entries if key.strip() == "model name"]
        name = names[0] if names else name
    return f"{name} ({platform.machine()}), {os.cpu_count()} cores, {platform.system()}"


def record(
    file: IO[str],
    found: Sequence[dict[str, Any]],
    columns: Sequence[Sequence[tuple[str, str]]],
    load_before: float | None,
) -> None:
    """Write the table: for each model in `found` one column of rows (name, value)."""
    loads = [
        "unknown" if figure is None else f"{figure:.1f} {when}"
        for figure, when in ((load_before, "before"), (load(), "after"))
    ]
    lines = [
        "# Measured",
        "",
        f"By `koemorph bench --record` {_native.version()} on {time.strftime('%Y-%m-%d')}.",
        f"{machine()}. Load average: {', '.join(loads)}.",
        "",
        "| measurement | " + " | ".join(f"{of['model']}, {of['fps']} fps" for of in found) + " |",
        "| --- |" + " ---: |" * len(found),
    ]
    for cells in zip(*columns, strict=True):
        name = cells[0][0]
        what = name.strip() if name == name.lstrip() else f"&emsp;{name.strip()}"
        lines.append(f"| {what} | " + " | ".join(value for _, value in cells) + " |")
    file.write("\n".join(lines) + "\n")
