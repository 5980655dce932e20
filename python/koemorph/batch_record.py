"""Record of what a batch has written: which recording and settings each output belongs to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from koemorph import settings_files
from koemorph.batch_plan import Job
from koemorph.batch_settings import Settings
from koemorph.model import find_model

# In the output folder. A line is appended for every finished output, so that an interrupted batch
# goes on where it stopped; the last line of an output counts.
RECORD_NAME = ".koemorph-batch.jsonl"


def _content(path: Path) -> str:
    """Return the hash of a file, "" if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def settings_fingerprint(settings: Settings) -> str:
    """Return a hash of everything but the recording that an output depends on."""
    known: dict[str, Any] = {
        "version": version("koemorph"),
        "model": _content(find_model(settings.model)),
        "format": settings.format,
        "node": settings.node,
        "channel": settings.channel,
        "raw": repr(settings.raw),
        "rig": None if settings.rig is None else _content(settings.rig),
    }
    for folder, name in (("presets", settings.preset), ("maps", settings.retarget)):
        content = b"" if name is None else settings_files.read(folder, name)
        known[folder] = None if name is None else hashlib.sha256(content).hexdigest()
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _recording(path: Path) -> list[object]:
    """Return what identifies a recording: its path, size and time of modification."""
    state = path.stat()
    return [str(path.absolute()), state.st_size, state.st_mtime_ns]


class BatchRecord:
    """The record of an output folder.

    Args:
        folder: The output folder.
        settings: Settings of the batch.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._path = folder / RECORD_NAME
        self._settings = settings_fingerprint(settings)
        self._known: dict[str, dict[str, Any]] = {}
        with suppress(OSError):
            for line in self._path.read_text("utf-8", errors="replace").splitlines():
                with suppress(ValueError, TypeError, KeyError):  # a line that was interrupted
                    entry = json.loads(line)
                    self._known[entry["output"]] = entry

    def _name(self, job: Job) -> str:
        return job.output.relative_to(self._folder).as_posix()

    def is_done(self, job: Job) -> bool:
        """Return whether all outputs of a job exist and are of this recording and settings."""
        entry = self._known.get(self._name(job))
        if entry is None or entry.get("settings") != self._settings:
            return False
        try:
            files = [self._folder / name for name in entry["files"]]
            return entry["recording"] == _recording(job.audio) and all(map(Path.is_file, files))
        except (OSError, KeyError, TypeError):
            return False

    def add(self, job: Job, files: Sequence[Path]) -> None:
        """Note that a job has written its outputs."""
        name = self._name(job)
        entry = {
            "output": name,
            "files": [path.relative_to(self._folder).as_posix() for path in files],
            "recording": _recording(job.audio),
            "settings": self._settings,
        }
        self._known[name] = entry
        # A new line first: the last one may be incomplete.
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(entry) + "\n")
