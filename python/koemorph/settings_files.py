"""JSON files of retarget maps and presets: the bundled ones and the user's."""

from __future__ import annotations

from pathlib import Path

from koemorph.errors import DataError

PACKAGE = Path(__file__).parent


def names(folder: str) -> tuple[str, ...]:
    """Return the names of the bundled files in `folder` ("maps" or "presets"), sorted."""
    return tuple(sorted(path.stem for path in (PACKAGE / folder).glob("*.json")))


def read(folder: str, name: str | Path) -> bytes:
    """Return the content of a bundled file by name, or of the user's file by path.

    Raises:
        DataError: No such file can be read.
    """
    bundled = PACKAGE / folder / f"{name}.json"
    path = bundled if str(name) in names(folder) else Path(name)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise DataError(
            f'Cannot read "{name}": it is neither a file nor one of the bundled {folder} '
            f"({', '.join(names(folder))}). Use one of these names or the path of a JSON file.",
            code="file_not_found",
        ) from error
