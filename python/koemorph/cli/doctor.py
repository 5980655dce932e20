"""`koemorph doctor`: what is here, what is not, and what to do about it."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from koemorph.cli.options import model_option
from koemorph.doctor import examine

_MARKS = {"ok": Text("✓", "green"), "missing": Text("–", "yellow"), "bad": Text("✗", "red")}


@click.command()
@model_option
def command(model: str | None) -> int:
    """Check libraries, models, microphones and ports; exit code 1 when something needed is bad."""
    table = Table(show_header=False, show_edge=False, box=None, padding=(0, 1))
    findings = list(examine(model))
    for finding in findings:
        table.add_row(_MARKS[finding.state], finding.what, Text(finding.text))
    Console().print(table)
    return int(any(finding.state == "bad" for finding in findings))
