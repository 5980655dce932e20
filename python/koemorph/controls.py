"""How a voice moves a face: the settings of a stream, and named presets of them."""

from __future__ import annotations

from pathlib import Path

from koemorph import _native
from koemorph.errors import DataError
from koemorph.settings_files import names, read

# The fields are those of koemorph_controls in koemorph.h, which documents units and ranges;
# `multiplier`, `offset`, `minimum`, `maximum`, `active` and `cancel_group` are arrays (52,).
Controls = _native.Controls


def presets() -> tuple[str, ...]:
    """The names of the presets that ship with the package."""
    return names("presets")


def load_preset(wanted: str | Path) -> Controls:
    """The controls of a preset, by its name or by the path of a JSON file.

    Raises DataError, with line and column, for what is no preset.
    """
    text = read("presets", wanted)
    try:
        return Controls(text)
    except ValueError as error:
        raise DataError(f"{wanted}: {error}") from error


def choose_controls(preset: str | Path | None, controls: Controls | None) -> Controls:
    """The controls given, else the preset's, else the defaults; DataError when both are given."""
    if preset is None:
        return Controls() if controls is None else controls
    if controls is not None:
        raise DataError("Give either a preset or controls; load_preset turns one into the other.")
    return load_preset(preset)
