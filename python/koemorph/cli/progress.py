"""The progress bar and the counts of all commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar while the block runs, if standard error is a terminal.

    Args:
        title: Text before the bar.

    Yields:
        A function that sets the finished ratio, 0..1.
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(escape(title), total=1.0)
        yield lambda ratio: bar.update(task, completed=ratio)


def plural(count: int, noun: str) -> str:
    """Return the count and the noun, e.g. "1 recording" or "2 recordings"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def named_problem(path: Path, message: str) -> str:
    """Return a message that names the file once."""
    return message if str(path) in message else f"{path}: {message}"
