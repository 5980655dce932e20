"""Edits of single moments of an animation: a time range, a shape or region, an operation."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, GROUPS
from koemorph.errors import DataError

OPERATIONS = ("set", "add", "multiply", "hold", "smooth", "shift")
REGIONS = (*GROUPS, "all")
_WITHOUT_VALUE = ("hold",)
_IN_SECONDS = ("smooth", "shift")
_MAX_SECONDS = 10.0
_TIME_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Edit:
    """One edit.

    Attributes:
        start: Start of the range, seconds.
        end: End of the range, seconds; the frame at the end is included.
        target: An ARKit blend shape or a region (mouth, jaw, cheeks, eyes, brows, nose, tongue,
            all).
        operation: set (to `value`), add, multiply, hold (the weight at `start`), smooth (mean over
            `value` seconds) or shift (later by `value` seconds, earlier if negative).
        value: The operation's value; hold has none.
        fade_in: Seconds from `start` in which the edit grows from no effect to full effect.
        fade_out: Seconds before `end` in which it fades.
    """

    start: float
    end: float
    target: str
    operation: str
    value: float = 0.0
    fade_in: float = 0.0
    fade_out: float = 0.0

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise DataError(f"Invalid edit: {problem}", code="invalid_edit")

    def _problems(self) -> Iterator[str]:
        """Yield what is invalid."""
        numbers = ("start", "end", "value", "fade_in", "fade_out")
        for name in numbers:
            if not math.isfinite(getattr(self, name)):
                yield f"{name} is {getattr(self, name)}, expected a finite number."
        if not 0 <= self.start < self.end:
            yield f"start {self.start} and end {self.end}, expected 0 <= start < end."
        if self.target not in BLENDSHAPES and self.target not in REGIONS:
            yield (
                f'target "{self.target}", expected one of the 52 blend shapes or of '
                f"{', '.join(REGIONS)}."
            )
        if self.operation not in OPERATIONS:
            yield f'operation "{self.operation}", expected one of {", ".join(OPERATIONS)}.'
        if min(self.fade_in, self.fade_out) < 0 or (
            self.fade_in + self.fade_out > self.end - self.start + _TIME_TOLERANCE
        ):
            yield (
                f"fade_in {self.fade_in} and fade_out {self.fade_out}, expected numbers from 0 "
                f"whose sum is at most the duration {self.end - self.start:g}."
            )
        if self.operation in _IN_SECONDS and abs(self.value) > _MAX_SECONDS:
            yield f"value {self.value}, expected at most {_MAX_SECONDS:g} seconds."
        if self.operation == "smooth" and self.value <= 0:
            yield f"value {self.value}, expected more than 0 seconds for smooth."

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the indices of the names that the edit changes."""
        if self.target == "all":
            return list(range(len(names)))
        group = GROUPS.get(self.target, (self.target,))
        return [index for index, name in enumerate(names) if name in group]


def load_edits(path: str | Path) -> tuple[Edit, ...]:
    """Read edits from a CSV or JSON file.

    A CSV file has a header with the names start, end, target, operation and, as needed, value,
    fade_in and fade_out. A JSON file is {"koemorph": "edits", "version": 1, "edits": [...]} with
    objects of the same names.

    Args:
        path: The file; the extension .json selects JSON.

    Returns:
        The edits, in the file's order.

    Raises:
        DataError: The file cannot be read (code "unreadable") or an edit is invalid
            ("invalid_edit"); the message has the line of a CSV file, the number of a JSON edit.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise DataError(
            f"Cannot read the edits {path}: {error.strerror}. Check the path.", code="unreadable"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"Cannot read the edits {path}: expected UTF-8 text.", code="unreadable"
        ) from error
    rows = _json_rows(text, path) if path.suffix.lower() == ".json" else _csv_rows(text, path)
    return tuple(_edit(row, place) for place, row in rows)


def _csv_rows(text: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    lines = csv.reader(text.splitlines())
    header = [name.strip().lower() for name in next(lines, [])]
    known = [field.name for field in fields(Edit)]
    for name in known[:4]:
        if name not in header:
            raise DataError(
                f'{path}, line 1: no column "{name}", expected {", ".join(known)}.',
                code="invalid_edit",
            )
    for cells in lines:
        if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
            continue
        place = f"{path}, line {lines.line_num}"
        if len(cells) > len(header):
            raise DataError(
                f"{place}: {len(cells)} values, expected {len(header)}.", code="invalid_edit"
            )
        row = zip(header, (cell.strip() for cell in cells), strict=False)
        yield place, {name: cell for name, cell in row if cell}


def _json_rows(text: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path}: invalid JSON: {error}.", code="invalid_edit") from error
    rows = content.get("edits") if isinstance(content, dict) else None
    if not isinstance(rows, list) or content.get("koemorph") != "edits":
        raise DataError(
            f'{path}: expected {{"koemorph": "edits", "version": 1, "edits": [...]}}.',
            code="invalid_edit",
        )
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, edit {number}: expected an object.", code="invalid_edit")
        yield f"{path}, edit {number}", row


def _edit(row: Mapping[str, Any], place: str) -> Edit:
    known = {field.name for field in fields(Edit)}
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name not in known:
            raise DataError(
                f'{place}: unknown "{name}", expected {", ".join(sorted(known))}.',
                code="invalid_edit",
            )
        if name in ("target", "operation"):
            values[name] = str(value)
            continue
        try:
            values[name] = float(value)
        except (TypeError, ValueError) as error:
            raise DataError(
                f'{place}: {name} is "{value}", expected a number.', code="invalid_edit"
            ) from error
    needed = ["start", "end", "target", "operation"]
    if values.get("operation") not in _WITHOUT_VALUE:
        needed.append("value")
    for name in needed:
        if name not in values:
            raise DataError(f"{place}: {name} is missing.", code="invalid_edit")
    try:
        return Edit(**values)
    except DataError as error:
        raise DataError(f"{place}: {error}", code=error.code) from error


def apply_edits(animation: Animation, edits: Sequence[Edit]) -> Animation:
    """Apply edits in their order.

    Args:
        animation: An animation; shapes that it lacks are skipped.
        edits: The edits.

    Returns:
        The edited animation, with weights in [0, 1] where an edit applies.
    """
    weights = animation.weights.astype(np.float64)
    times = animation.times
    for edit in edits:
        strength = _strength(edit, times)[:, None]
        columns = edit.columns(animation.names)
        changed = _changed(edit, times, weights[:, columns])
        mixed = weights[:, columns] + strength * (changed - weights[:, columns])
        weights[:, columns] = np.where(strength > 0, np.clip(mixed, 0, 1), weights[:, columns])
    return Animation(times, weights.astype(np.float32), animation.names, animation.fps)


def _strength(edit: Edit, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the effect of an edit at each time, 0 outside its range and 1 between its fades."""
    rising = (times - edit.start) / edit.fade_in if edit.fade_in else np.ones(len(times))
    falling = (edit.end - times) / edit.fade_out if edit.fade_out else np.ones(len(times))
    inside = (times >= edit.start - _TIME_TOLERANCE) & (times <= edit.end + _TIME_TOLERANCE)
    return np.where(inside, np.clip(np.minimum(rising, falling), 0, 1), 0)


def _changed(
    edit: Edit, times: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the weights at full effect."""
    if edit.operation == "set":
        return np.full_like(weights, edit.value)
    if edit.operation == "add":
        return weights + edit.value
    if edit.operation == "multiply":
        return weights * edit.value
    if edit.operation == "hold":
        return np.broadcast_to(_at(times, weights, np.array([edit.start])), weights.shape)
    if edit.operation == "shift":
        return _at(times, weights, times - edit.value)
    half = edit.value / 2
    offsets = np.linspace(-half, half, 9)
    smooth = np.zeros_like(weights)
    for offset in offsets:
        smooth += _at(times, weights, times + offset) / len(offsets)
    return smooth


def _at(
    times: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the weights (wanted, columns) at other times, linear between frames."""
    if not weights.shape[1]:
        return np.zeros((len(wanted), 0))
    return np.stack([np.interp(wanted, times, curve) for curve in weights.T], axis=1)
