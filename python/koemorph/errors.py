"""Exceptions that KoeMorph raises on purpose."""

from __future__ import annotations

import re
from functools import partial
from importlib import metadata
from typing import NoReturn


class KoemorphError(Exception):
    """Base class of KoeMorph's errors.

    The message names what failed, what was found and what to do. The command line prints it
    without a traceback.

    Args:
        message: The message for the user.
        code: What failed, as a stable snake_case word for programs, e.g. "fps_mismatch".

    Attributes:
        code: The code.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own __reduce__ would leave the keyword argument out.
        return partial(type(self), code=self.code), self.args


class AudioError(KoemorphError):
    """Audio is missing, unreadable or of an unsupported kind."""


class ModelError(KoemorphError):
    """A model is missing, is not a KoeMorph model or cannot be run."""


class StreamError(KoemorphError):
    """A stream does not allow the call in its present state, e.g. `push` after `flush`."""


class OutputError(KoemorphError):
    """A result cannot be written or sent to its destination."""


class DataError(KoemorphError):
    """A data set, recording or settings file is missing or inconsistent."""


class MissingExtraError(KoemorphError):
    """An optional dependency is not installed; the message names the pip extra."""


class KoemorphWarning(UserWarning):
    """A call succeeded, but part of its result is lost.

    Args:
        message: The message for the user.
        code: What is lost, as a stable snake_case word for programs.

    Attributes:
        code: The code.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def install_command(extra: str) -> str:
    """Return the command that installs the packages of a pip extra, wherever KoeMorph is from.

    It names the packages: `pip install "koemorph[live]"` finds nothing before a release.
    """
    marker = re.compile(rf"""extra\s*==\s*["']{extra}["']""")
    try:
        required = [text.partition(";") for text in metadata.requires("koemorph") or ()]
    except metadata.PackageNotFoundError:
        required = []
    packages = [name.strip() for name, _, condition in required if marker.search(condition)]
    if not packages:
        return f'pip install ".[{extra}]", in KoeMorph\'s source folder'
    return "pip install " + " ".join(f'"{package}"' for package in packages)


def raise_missing_extra(command: str, extra: str, error: ModuleNotFoundError) -> NoReturn:
    """Translate the failed import of an optional dependency.

    Args:
        command: The command that needs the module.
        extra: The pip extra that installs it.
        error: The failed import.

    Raises:
        MissingExtraError: When the missing module is a third-party package.
        ModuleNotFoundError: `error` itself when the missing module belongs to KoeMorph.
    """
    if (error.name or "").startswith("koemorph"):
        raise error
    raise MissingExtraError(
        f"`{command}` needs the package {error.name}, which is not installed. "
        f'Install the extra "{extra}": {install_command(extra)}',
        code="missing_extra",
    ) from error
