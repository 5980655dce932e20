"""Allowed values of the settings, from the annotations and ranges in config.py."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from .config import DEVICES, FOLDERS, NAMES, Config


@dataclass(frozen=True)
class Range:
    """The values of a setting.

    Attributes:
        words: They complete "it must be".
        contains: Whether a value is one of them.
        mapping: Whether keys may be added: the setting is a dictionary by source.
    """

    words: str
    contains: Callable[[Any], bool]
    mapping: bool = False


@dataclass(frozen=True)
class Setting:
    """One setting: its default, which may be a reference ${...}, its range and its meaning."""

    default: Any
    range: Range
    help: str


@cache
def all_settings() -> Mapping[str, Setting]:
    """Every setting by its dotted key, in order."""
    return dict(_settings(Config, ""))


@cache
def all_groups() -> frozenset[str]:
    """The dotted keys that hold several settings."""
    keys = all_settings()
    return frozenset(key.rsplit(".", n)[0] for key in keys for n in range(1, key.count(".") + 1))


def as_yaml(value: Any) -> str:
    """Return a value as it is written on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _settings(group: type, path: str) -> Iterator[tuple[str, Setting]]:
    hints = get_type_hints(group)
    defaults = group()
    for each in fields(group):
        key, annotation = f"{path}{each.name}", hints[each.name]
        if is_dataclass(annotation):
            yield from _settings(annotation, f"{key}.")  # type: ignore[arg-type]
            continue
        default = getattr(defaults, each.name)
        range_ = _nullable(annotation, default, each.metadata)
        yield key, Setting(default, range_, each.metadata["help"])


def _nullable(annotation: Any, default: Any, metadata: Mapping[str, Any]) -> Range:
    """The range of a setting; null is possible where the annotation or an untyped default is."""
    optional = default is None
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (each for each in get_args(annotation) if each is not type(None))
        optional = True
    plain = _range(annotation, metadata)
    if not optional:
        return plain
    return Range(f"{plain.words}, or null", lambda value: value is None or plain.contains(value))


def _range(annotation: Any, metadata: Mapping[str, Any]) -> Range:
    limits = metadata["range"]
    if isinstance(limits, tuple):
        return Range(f"one of {', '.join(limits)}", lambda value: value in limits)
    if annotation is Any:
        return Range(limits, _UNTYPED[limits])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return _mapping(_range(arguments[1], metadata), metadata["example"])
    if origin is list:
        names = arguments[0] is str
        return _LIST_OF_NAMES if names else _list(_range(arguments[0], metadata), metadata)
    if annotation in (bool, str):
        return _SWITCH if annotation is bool else _TEXT
    return _number(limits, whole=annotation is int)


def _number(interval: str, *, whole: bool) -> Range:
    low, high = map(float, interval[1:-1].split(","))

    def contains(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return False
        above = value > low if interval[0] == "(" else value >= low
        return above and (value < high if interval[-1] == ")" else value <= high)

    words = "a whole number" if whole else "a number"
    if high < math.inf:
        return Range(f"{words} in {interval}", contains)
    return Range(f"{words} {'above' if interval[0] == '(' else 'of at least'} {low:g}", contains)


def _list(element: Range, metadata: Mapping[str, Any]) -> Range:
    """A list; one that may be of any length is not empty."""
    length, ascending = metadata.get("length"), metadata.get("ascending", False)
    nonzero = metadata.get("nonzero", False)

    def contains(value: Any) -> bool:
        if not isinstance(value, list) or not all(map(element.contains, value)):
            return False
        return (
            (len(value) == length if length else bool(value))
            and (not ascending or value == sorted(value))
            and (not nonzero or any(value))
        )

    size = f" of {length}" if length else ""
    order = " and none below the one before" if ascending else ""
    zero = ", not all 0" if nonzero else ""
    return Range(f"a list{size}, each {element.words}{order}{zero}", contains)


def _mapping(element: Range, example: str) -> Range:
    return Range(
        f"sources by name, each with {element.words}, such as {example}",
        lambda value: isinstance(value, dict) and all(map(element.contains, value.values())),
        mapping=True,
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _names(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(map(_is_text, value)))


def _folders(value: Any) -> bool:
    folders = list(value.values()) if isinstance(value, dict) else value
    return bool(folders) and _names(folders)


# Lightning Fabric states which numbers, lists and words it accepts as devices.
_UNTYPED: Mapping[str, Callable[[Any], bool]] = {
    FOLDERS: _folders, NAMES: _names, DEVICES: lambda value: value is not None,
}  # fmt: skip
_SWITCH = Range("true or false", lambda value: isinstance(value, bool))
_TEXT = Range("a text", _is_text)
_LIST_OF_NAMES = Range(
    "a list of names, such as [a, b]", lambda value: isinstance(value, list) and _names(value)
)
