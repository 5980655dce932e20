"""Files that are there whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
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


# With the process that writes each: a fork is ended without an end of its parent's.
_unfinished: dict[Path, int] = {}


def remove_partial_files_on_signal() -> None:
    """Have what is half-written removed, too, where the process is ended or its terminal closed.

    For a program's beginning; it ends as it would have. Signals that it heeds itself stay its own.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # where nothing may be said about signals
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _remove_and_end)


def _remove_and_end(number: int, _: FrameType | None) -> None:
    for temporary, process in tuple(_unfinished.items()):
        if process == os.getpid():
            with suppress(OSError):
                temporary.unlink()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


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
            _unfinished[temporary] = os.getpid()
            # Made with open() rather than mkstemp() to have the user's usual permissions.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            temporary.replace(final)
        else:
            yield target
    except OSError as error:
        raise _reason(error, target) from error
    finally:
        if temporary is not None:
            with suppress(OSError):  # it is not there any more where all went well
                temporary.unlink()
            _unfinished.pop(temporary, None)


@contextmanager
def atomic_open(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Like atomic_path, as an open UTF-8 text file with plain line feeds."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        yield stream
