"""The `koemorph` command. Each sub-command is a module that is loaded when it is called."""

from __future__ import annotations

import ast
import codecs
import importlib
import importlib.util
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from koemorph.errors import KoemorphError, raise_missing_extra
from koemorph.outputs.atomic import remove_partial_files_on_signal

# Sub-command -> (module, pip extra it needs or None). The module has a click command `command`.
COMMANDS: dict[str, tuple[str, str | None]] = {
    "animate": ("koemorph.cli.animate", None),
    "bench": ("koemorph.cli.bench", None),
    "live": ("koemorph.cli.live", "live"),
    "preview": ("koemorph.cli.preview", None),
    "serve": ("koemorph.cli.serve", "live"),
    "doctor": ("koemorph.cli.doctor", None),
    "features": ("koemorph.cli.features", "features"),
    "info": ("koemorph.cli.info", None),
    "retarget": ("koemorph.cli.retarget", None),
    "dataset": ("koemorph.training.cli.dataset", "train"),
    "export": ("koemorph.training.cli.export", "train"),
    "evaluate": ("koemorph.training.cli.evaluate", "train"),
    "inspect": ("koemorph.training.cli.inspect", "train"),
    "bench-training": ("koemorph.training.cli.bench", "train"),
}


class LazyGroup(click.Group):
    """A group that imports a sub-command only when it is used, so that `koemorph` starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

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
        summaries = {name: _summary(COMMANDS[name][0]) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl(list(summaries.items()))


def _summary(module_name: str) -> str:
    """The first sentence about a module's command, from its source.

    Importing all of them would take seconds and fail where an extra is not installed.
    """
    spec = importlib.util.find_spec(module_name)
    assert spec is not None
    assert spec.origin is not None
    for node in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            return (ast.get_docstring(node) or "").partition("\n")[0].partition(":")[0].rstrip(".")
    return ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="koemorph")
def cli() -> None:
    """Speech in, a living face out: audio to ARKit's 52 blendshape weights."""


def _as_it_can_be(error: UnicodeError) -> tuple[bytes, int]:
    """For a codec: the bytes of a file's name that is no UTF-8, "?" for what cannot be written."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    told = [code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else ord("?") for code in map(ord, text)]
    return bytes(told), error.end


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors become one sentence on standard error and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name need not be UTF-8, nor what a pipe takes.
        codecs.register_error("koemorph", _as_it_can_be)
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
        sys.exit(2)
    sys.exit(status if isinstance(status, int) else 0)
