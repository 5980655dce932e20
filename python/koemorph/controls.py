"""Controls of a stream and presets of them."""

from __future__ import annotations

from pathlib import Path

from koemorph import _native
from koemorph.errors import DataError
from koemorph.settings_files import names, read

# The fields are those of koemorph_controls in koemorph.h, which documents units and ranges.
# `multiplier`, `offset`, `minimum`, `maximum`, `active` and `cancel_group` are arrays (52,).
Controls = _native.Controls


MICROPHONE_PRESET = "microphone"
"""The default preset of microphones."""


def presets() -> tuple[str, ...]:
    """Return the names of the bundled presets."""
    return names("presets")


def load_preset(name: str | Path) -> Controls:
    """Load a preset.

    Args:
        name: A bundled preset's name or the path of a JSON file.

    Returns:
        The preset's controls.

    Raises:
        DataError: The file is missing, or is not a preset; the message has the line and column.
    """
    text = read("presets", name)
    try:
        return Controls(text)
    except ValueError as error:
        raise DataError(f"{name}: {error}", code="invalid_preset") from error


DEFAULT_PRESET = "natural"
"""Preset of recordings and streams; "raw" is the model's output unchanged."""


def choose_controls(preset: str | Path | None, controls: Controls | None) -> Controls:
    """Return `controls`, else the preset's, else those of DEFAULT_PRESET.

    Raises:
        DataError: Both are given, or the preset is invalid.
    """
    if preset is None:
        return load_preset(DEFAULT_PRESET) if controls is None else controls
    if controls is not None:
        raise DataError(
            f"Conflicting arguments: both preset ({preset}) and controls are given. Pass one of "
            "them; load_preset returns the controls of a preset.",
            code="preset_and_controls",
        )
    return load_preset(preset)
