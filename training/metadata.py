"""Read and check metadata.json, the description of a v2.0 recording."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from koemorph.errors import DataError

# Keys whose value is a list of names.
NAMES = ("blendshape_names", "unlabelled")


def read_metadata(path: Path) -> dict[str, Any]:
    """Read the file; DataError with the file and the expected contents if it is invalid."""
    if not path.is_file():
        raise DataError(
            f"{path} is missing: a v2.0 recording needs it (its key source_fps at least).",
            code="file_not_found",
        )
    try:
        metadata = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path} is not JSON: {error}", code="invalid_json") from error
    if not isinstance(metadata, dict):
        raise DataError(f"{path} must contain a JSON object.", code="invalid_json")
    for key in NAMES:
        names = metadata.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(
                f'{path}: {key} must be a list of names, such as ["jawOpen"].', code="invalid_value"
            )
    fps = metadata.get("source_fps")
    if fps is not None and not _is_rate(fps):
        raise DataError(
            f"{path}: source_fps={json.dumps(fps)} must be a number above 0.", code="invalid_fps"
        )
    return metadata


def _is_rate(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value < math.inf
