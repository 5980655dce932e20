"""Standard error without the messages of decoders."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What mpg123, which libsndfile contains, writes.
_DECODER_LINE = re.compile(
    rb"^(\[src/libmpg123|Note: |Warning: (Xing|Encountered|Big|Cannot|Real|Hit|LFS)|"
    rb"main\.|error: |warning: ).*$"
)
_STDERR = 2
_lock = threading.Lock()


@contextmanager
def quiet_decoder(active: bool) -> Iterator[None]:
    """Discard what a decoder writes to standard error while the block runs.

    The descriptor belongs to the whole process: lines that other threads write meanwhile are
    written when the block ends.

    Args:
        active: Whether to do anything.
    """
    if not active:
        yield
        return
    with _lock:
        try:
            original = os.dup(_STDERR)
        except OSError:  # closed
            yield
            return
        with tempfile.TemporaryFile() as caught:
            try:
                os.dup2(caught.fileno(), _STDERR)
                yield
            finally:
                os.dup2(original, _STDERR)
                os.close(original)
                caught.seek(0)
                lines = caught.read().splitlines(keepends=True)
                others = b"".join(line for line in lines if not _DECODER_LINE.match(line))
                if others:
                    os.write(_STDERR, others)
