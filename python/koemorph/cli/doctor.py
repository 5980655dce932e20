"""`koemorph doctor`: what is here, what is not, and what to do about it."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from koemorph.cli.options import model_option
from koemorph.doctor import examine

# State -> its mark, the same in letters for those who cannot read it, and its colour.
_MARKS = {"ok": ("✓", "ok", "green"), "missing": ("–", "-", "yellow"), "bad": ("✗", "bad", "red")}


@click.command()
@model_option
def command(model: str | None) -> int:
    """Check libraries, models, microphones and ports; exit code 1 when something needed is bad."""
    # Folded: what to do is told whole.
    columns = ("", "", Column(overflow="fold"))
    table = Table(*columns, show_header=False, show_edge=False, box=None, padding=(0, 1))
    console = Console()
    findings = list(examine(model))
    for finding in findings:
        sign, word, color = _MARKS[finding.state]
        mark = Text(word if console.options.ascii_only else sign, color)
        table.add_row(mark, Text(finding.what), Text(finding.text))
    console.print(table)
    return int(any(finding.state == "bad" for finding in findings))
