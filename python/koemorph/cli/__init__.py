"""The `koemorph` command. The module of a subcommand is imported when it is used."""

from __future__ import annotations

import ast
import codecs
import importlib
import importlib.util
import io
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from koemorph.errors import KoemorphError, raise_missing_extra
from koemorph.outputs.atomic import remove_partial_files_on_signal

# Purpose -> subcommand -> (module with a click command `command`, pip extra it needs or None).
GROUPS: dict[str, dict[str, tuple[str, str | None]]] = {
    "Animate": {
        "animate": ("koemorph.cli.animate", None),
        "live": ("koemorph.cli.live", None),
        "retarget": ("koemorph.cli.retarget", None),
    },
    "Watch": {
        "preview": ("koemorph.cli.preview", None),
        "serve": ("koemorph.cli.serve", None),
    },
    "Inspect and measure": {
        "info": ("koemorph.cli.info", None),
        "doctor": ("koemorph.cli.doctor", None),
        "features": ("koemorph.cli.features", "features"),
        "bench": ("koemorph.cli.bench", None),
    },
    "Train": {
        "dataset": ("koemorph.training.cli.dataset", "train"),
        "evaluate": ("koemorph.training.cli.evaluate", "train"),
        "export": ("koemorph.training.cli.export", "train"),
        "inspect": ("koemorph.training.cli.inspect", "train"),
        "bench-training": ("koemorph.training.cli.bench", "train"),
    },
}
LOG_LEVELS = ("debug", "info", "warning", "error")
_LOG = logging.getLogger("koemorph")
COMMANDS = {name: module for group in GROUPS.values() for name, module in group.items()}


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it is used, so that `koemorph` starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module_name, extra = COMMANDS[cmd_name]
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if extra is None:
                raise
            raise_missing_extra(f"koemorph {cmd_name}", extra, error)
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for purpose, commands in GROUPS.items():
            rows = [(name.ljust(width), _summary(module)) for name, (module, _) in commands.items()]
            with formatter.section(purpose):
                formatter.write_dl(rows)


def _summary(module_name: str) -> str:
    """Return the first line of a command's docstring, without importing its module.

    Importing all modules would take seconds and fail without the extras.
    """
    spec = importlib.util.find_spec(module_name)
    assert spec is not None
    assert spec.origin is not None
    for node in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            return (ast.get_docstring(node) or "").partition("\n")[0].partition(":")[0].rstrip(".")
    return ""


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from koemorph import diagnostics

    click.echo(f"koemorph, version {diagnostics.installed_version('koemorph')}")
    if ctx.params["verbose"]:
        for name, text in diagnostics.report().items():
            click.echo(f"{name}: {text}")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
# Eager: parsed before --version, whose callback reads it, in any order of the two.
@click.option(
    "--verbose", is_flag=True, is_eager=True, help="With --version: add what a bug report needs."
)
@click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS, case_sensitive=False),
    help="Print log messages of this level and above to standard error; debug also prints the "
    "traceback of an error.  [default: warning]",
)
def cli(*, verbose: bool, log_level: str | None) -> None:
    """Convert speech audio to weights of the 52 ARKit blend shapes."""
    if verbose:
        raise click.UsageError("--verbose is an option of --version. Use --log-level info.")
    if log_level is not None:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        _LOG.setLevel(log_level.upper())


def _encode_fallback(error: UnicodeError) -> tuple[bytes, int]:
    """Codec error handler: the original bytes of a file name that is not UTF-8, otherwise "?"."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    codes = [code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else ord("?") for code in map(ord, text)]
    return bytes(codes), error.end


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. An error is printed to standard error; the exit code is then 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names and pipes are not always UTF-8.
        codecs.register_error("koemorph", _encode_fallback)
        sys.stdout.reconfigure(errors="koemorph")
    remove_partial_files_on_signal()
    try:
        status = cli.main(args=arguments, prog_name="koemorph", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KoemorphError, OSError) as error:
        click.echo(f"koemorph: {error}", err=True)
        _LOG.debug("traceback", exc_info=True)
        sys.exit(2)
    sys.exit(status if isinstance(status, int) else 0)
