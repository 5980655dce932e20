"""Retarget maps and presets: the JSON files that ship with the package, and the user's own."""

from __future__ import annotations

from pathlib import Path

from koemorph.errors import DataError

PACKAGE = Path(__file__).parent


def names(kind: str) -> tuple[str, ...]:
    """The names of what ships in the package's folder `kind` ("maps", "presets"), sorted."""
    return tuple(sorted(path.stem for path in (PACKAGE / kind).glob("*.json")))


def read(kind: str, wanted: str | Path) -> bytes:
    """The bytes of a shipped file by its name, or of the user's own by its path.

    Raises DataError when there is neither.
    """
    shipped = PACKAGE / kind / f"{wanted}.json"
    path = shipped if str(wanted) in names(kind) else Path(wanted)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: no file has such a name
        raise DataError(
            f'There is no file "{wanted}" and none of the {kind} that ship is called so; '
            f"they are {', '.join(names(kind))}."
        ) from error
