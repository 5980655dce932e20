"""`koemorph dataset` in this process."""

from __future__ import annotations

from click.testing import CliRunner

from koemorph.training.cli.dataset import command


def run(*arguments: object) -> tuple[int, str]:
    """Run koemorph dataset; return its return value and output. Errors are raised."""
    result = CliRunner().invoke(
        command, [str(argument) for argument in arguments], standalone_mode=False
    )
    if result.exception is not None:
        raise result.exception
    return result.return_value or 0, result.output
