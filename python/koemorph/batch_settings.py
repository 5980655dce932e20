"""Settings that apply to all recordings of `koemorph animate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from koemorph.audio import RawFormat
from koemorph.model import DEFAULT_MODEL, find_model


@dataclass(frozen=True)
class Settings:
    """Settings that apply to all recordings; see `koemorph animate --help`.

    `channel` is the number of a channel, 1 the first, 0 for one output per channel, None for the
    average of all.
    """

    model: str | Path = DEFAULT_MODEL
    preset: str | None = None
    retarget: str | None = None
    format: str | None = None
    rig: Path | None = None
    node: str = ""
    channel: int | None = None
    raw: RawFormat | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the settings read, as far as they are given by path."""
        given = (find_model(self.model), self.preset, self.retarget, self.rig)
        return tuple(Path(one) for one in given if one is not None)
