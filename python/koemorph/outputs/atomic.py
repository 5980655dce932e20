"""Files that are there whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from koemorph.errors import OutputError


def _reason(error: OSError, target: Path) -> OutputError:
    folder = target.parent
    if isinstance(error, FileNotFoundError):
        text = f"the folder {folder} does not exist; create it first or choose another"
    elif isinstance(error, NotADirectoryError):
        text = f"{folder} is not a folder; choose another place"
    elif isinstance(error, IsADirectoryError):
        text = "it is a folder; give the name of a file in it"
    elif isinstance(error, PermissionError):
        text = f"this user may not write in {folder}; change that or choose another place"
    elif error.errno == errno.ENOSPC:
        text = "the disk is full; make room and try again"
    elif error.errno == errno.EROFS:
        text = f"{folder} is read-only; choose another place"
    elif error.errno == errno.ENAMETOOLONG:
        text = "its name is too long; choose a shorter one"
    else:
        text = error.strerror or str(error)
    return OutputError(f"Cannot write {target}: {text}.")


def _replaceable(target: Path) -> bool:
    """Whether renaming onto the target is right: not for /dev/stdout, a pipe or the like."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return stat.S_ISREG(mode)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path to write to, which becomes `path` when the block ends well, else is removed.

    A link is followed: what it points to is replaced. Raises OutputError before the block
    runs when the folder is missing, may not be written or `path` is a folder; and for an OSError
    inside.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        if _replaceable(target):
            final = target.resolve()
            temporary = final.parent / f".koemorph-{secrets.token_hex(8)}.part"
            # Made with open() rather than mkstemp() to have the user's usual permissions.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            temporary.replace(final)
            temporary = None
        else:
            yield target
    except OSError as error:
        raise _reason(error, target) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def atomic_open(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Like atomic_path, as an open UTF-8 text file with plain line feeds."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        yield stream
