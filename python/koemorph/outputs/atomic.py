"""Atomic file output: write a temporary file beside the target, then rename it."""

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


def _output_error(error: OSError, target: Path) -> OutputError:
    """Translate an OSError of writing `target`."""
    folder = target.parent
    code = errno.errorcode.get(error.errno or 0, "")
    known = {
        "ENOENT": ("folder_missing", f"the folder {folder} does not exist. Create it"),
        "ENOTDIR": ("not_a_folder", f"{folder} is not a folder. Choose another path"),
        "EISDIR": ("is_folder", "it is a folder. Give the name of a file in it"),
        "EACCES": ("no_permission", f"no permission to write in {folder}. Choose another folder"),
        "EPERM": ("no_permission", f"no permission to write in {folder}. Choose another folder"),
        "ENOSPC": ("disk_full", "the disk is full. Free some space"),
        "EROFS": ("read_only", f"{folder} is read-only. Choose another folder"),
        "ENAMETOOLONG": ("name_too_long", "its name is too long. Choose a shorter one"),
    }
    code, text = known.get(code, ("write_failed", error.strerror or str(error)))
    return OutputError(f"Cannot write {target}: {text}.", code=code)


def _replaceable(target: Path) -> bool:
    """Whether the target may be replaced by a rename: not a device or a pipe."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return stat.S_ISREG(mode)


# Temporary files with the process that writes each: a forked child must not remove its parent's.
_temporary_files: dict[Path, int] = {}


def remove_partial_files_on_signal() -> None:
    """Remove temporary files when SIGTERM or SIGHUP ends the process.

    Call it at a program's start. The process ends as without it, and existing signal handlers
    stay. It does nothing outside the main thread, where Python cannot set handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _remove_and_end)


def _remove_and_end(number: int, _: FrameType | None) -> None:
    for temporary, process in tuple(_temporary_files.items()):
        if process == os.getpid():
            with suppress(OSError):
                temporary.unlink()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block succeeds, else is removed.

    A symbolic link is followed and its target replaced. Devices and pipes are yielded directly.

    Args:
        path: The file to write.

    Yields:
        The path to write to.

    Raises:
        OutputError: The file cannot be written, before the block where possible. Codes:
            "folder_missing", "not_a_folder", "is_folder", "no_permission", "disk_full",
            "read_only", "name_too_long", "write_failed".
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        if _replaceable(target):
            final = target.resolve()
            temporary = final.parent / f".koemorph-{secrets.token_hex(8)}.part"
            _temporary_files[temporary] = os.getpid()
            # Not mkstemp(), which would ignore the umask.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            temporary.replace(final)
        else:
            yield target
    except OSError as error:
        raise _output_error(error, target) from error
    finally:
        if temporary is not None:
            with suppress(OSError):  # renamed on success
                temporary.unlink()
            _temporary_files.pop(temporary, None)


@contextmanager
def atomic_open(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Yield an open UTF-8 text file with LF line ends; otherwise like `atomic_path`.

    Args:
        path: The file to write.

    Yields:
        The open file.

    Raises:
        OutputError: As `atomic_path`.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        yield stream
