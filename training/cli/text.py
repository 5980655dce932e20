"""Text of command line reports."""

from __future__ import annotations


def count_text(count: int, noun: str) -> str:
    """Write a count with its noun: "1 problem", "2 problems".

    Args:
        count: how many.
        noun: in the singular.

    Returns:
        The text.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
