"""`koemorph doctor`: check the installation."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from koemorph.cli.options import model_option
from koemorph.doctor import examine

# State -> its sign, its text on ASCII terminals, and its color.
_MARKS = {"ok": ("✓", "ok", "green"), "missing": ("–", "-", "yellow"), "bad": ("✗", "bad", "red")}


@click.command()
@model_option
def command(model: str | None) -> int:
    """Check the wheel, processor, libraries, models, microphones and ports.

    The exit code is 1 when something required is missing or fails.
    """
    # Folded, so that no text is cut.
    columns = ("", "", Column(overflow="fold"))
    table = Table(*columns, show_header=False, show_edge=False, box=None, padding=(0, 1))
    console = Console()
    findings = list(examine(model))
    for finding in findings:
        sign, word, color = _MARKS[finding.state]
        mark = Text(word if console.options.ascii_only else sign, color)
        table.add_row(mark, Text(finding.name), Text(finding.text))
    console.print(table)
    return int(any(finding.state == "bad" for finding in findings))
