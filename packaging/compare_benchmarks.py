"""Compare the figures of two states of the code, measured in alternation on one machine.

    python packaging/compare_benchmarks.py --base BASE.json... --head HEAD.json... [--limit 1.15]

Each file is the output of `koemorph bench --json --no-peer`. Of each figure the least of the runs
counts: other programs only make it larger. Prints a Markdown table. The exit code is 1 when a
figure of --head is more than --limit times that of --base.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

# Figure -> its unit; of each, less is better.
FIGURES = {
    "real_time_factor": "",
    "stage_mel": "",
    "stage_egemaps": "",
    "stage_model": "",
    "peak_bytes": "bytes",
    "bytes_per_further_stream": "bytes",
    "bytes_per_stream_of_batch": "bytes",
}

Figures = dict[tuple[str, str], float]


def least(runs: list[list[dict[str, object]]]) -> Figures:
    """Return the least value of each figure by (model, figure)."""
    found: Figures = {}
    for models in runs:
        for model in models:
            for figure in FIGURES:
                value = model.get(figure)
                if isinstance(value, int | float):
                    key = (str(model["model"]), figure)
                    found[key] = min(found.get(key, float("inf")), float(value))
    return found


def compare(base: Figures, head: Figures, limit: float) -> tuple[str, list[str]]:
    """Return the table of the figures that both states have, and those above the limit."""
    lines = ["| model | figure | base | head | head / base |", "| --- | --- | --- | --- | --- |"]
    slower = []
    for model, figure in sorted(base.keys() & head.keys()):
        before, after = base[model, figure], head[model, figure]
        ratio = after / before if before > 0 else 1.0
        lines.append(f"| {model} | {figure} | {before:.6g} | {after:.6g} | {ratio:.2f} |")
        if ratio > limit:
            slower.append(f"{model} {figure}: {ratio:.2f} times the base, limit {limit}")
    return "\n".join(lines) + "\n", slower


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare the figures of two states of the code.")
    for name in ("--base", "--head"):
        parser.add_argument(name, nargs="+", type=Path, required=True)
    parser.add_argument("--limit", type=float, default=1.15)
    options = parser.parse_args(arguments)
    base, head = (
        least([json.loads(path.read_text("utf-8")) for path in paths])
        for paths in (options.base, options.head)
    )
    table, slower = compare(base, head, options.limit)
    print(table)
    for line in slower:
        print(line, file=sys.stderr)
    return int(bool(slower))


if __name__ == "__main__":
    sys.exit(main())
