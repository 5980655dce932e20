"""Compose the settings of a run with Hydra; errors become one message with the position."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from koemorph.errors import DataError

from .ranges import all_groups, all_settings, as_yaml

CONFIGS = Path(__file__).parent / "configs"
_TOP = ("defaults", "hydra")  # keys of Hydra in the files


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """Compose the settings of a run.

    Args:
        overrides: As on the command line, such as data.batch_size=4.

    Returns:
        Hydra's tree of settings, of types as config.Config.

    Raises:
        DataError: For unknown keys and choices, wrong types, and files that are not YAML.
    """
    check_files(CONFIGS)
    _check_choices(overrides)
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return compose("config", hydra_overrides(overrides))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        _raise_setting_error(error, overrides)


def check_settings(plain: Mapping[str, Any]) -> None:
    """Check a composed tree against the ranges of config.py.

    Args:
        plain: The tree, with references resolved.

    Raises:
        DataError: For the first setting that is unknown or out of range.
    """
    for key, value in leaves(plain):
        _check_value(key, value)


def resolved(config: DictConfig) -> dict[str, Any]:
    """Return the tree with every ${reference} resolved; DataError where there is no value."""
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        found = str(error).split("\n", maxsplit=1)[0].rstrip(".")
        raise DataError(
            f"{error.full_key}: the reference cannot be resolved ({found}). Give it a value.",
            code="bad_setting",
        ) from error
    return dict(plain)


def hydra_overrides(overrides: Sequence[str]) -> list[str]:
    """Rewrite overrides for Hydra, which adds to dictionaries only what `++` adds.

    Hydra accepts no line breaks, which long dictionaries may contain.
    """
    mappings = [key for key, setting in all_settings().items() if setting.range.mapping]

    def adds(override: str) -> bool:
        key = override.split("=", maxsplit=1)[0]
        return any(key == each or key.startswith(f"{each}.") for each in mappings)

    lines = [override.replace("\n", " ") for override in overrides]
    return [f"++{line}" if adds(line) else line for line in lines]


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values; a dictionary that is one setting is one value."""
    for name, value in tree.items():
        key = f"{path}{name}"
        if isinstance(value, dict) and value and key not in all_settings():
            yield from leaves(value, f"{key}.")
        else:
            yield key, value


def check_files(folder: Path) -> None:
    """Check the configuration files of a folder.

    Args:
        folder: Holds *.yaml and a folder of them for each group.

    Raises:
        DataError: With file and line, for what is not YAML, unknown or out of range.
    """
    for path in sorted(folder.rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = 1 if mark is None else mark.line + 1
            raise DataError(
                f"{path}, line {line}: not YAML: {error.problem}. Correct this line or the one "
                "before.",
                code="bad_yaml",
            ) from error
        if isinstance(root, yaml.MappingNode):
            is_global = path.parent == folder or "@package _global_" in text
            prefix = "" if is_global else f"{'.'.join(path.parent.relative_to(folder).parts)}."
            _check_node(root, prefix, path)


def _check_node(node: yaml.MappingNode, prefix: str, path: Path) -> None:
    for name, value in node.value:
        key = f"{prefix}{name.value}"
        if name.value in _TOP:
            continue
        if isinstance(value, yaml.MappingNode) and key in all_groups():
            _check_node(value, f"{key}.", path)
            continue
        plain = OmegaConf.to_container(OmegaConf.create(f"value: {_text(value)}"))
        assert isinstance(plain, dict)
        if isinstance(plain["value"], str) and "${" in plain["value"]:
            continue
        try:
            _check_value(key, plain["value"])
        except DataError as error:
            raise DataError(
                f"{path}, line {value.start_mark.line + 1}: {error}", code=error.code
            ) from None


def _text(node: yaml.Node) -> str:
    """A node as YAML in one line. OmegaConf parses it, because it reads 1e-3 as a number."""
    return yaml.serialize(node, width=10**6).strip().removesuffix("...").strip().replace("\n", " ")


def _check_value(key: str, value: Any) -> None:
    setting = all_settings().get(key)
    if setting is None:
        _raise_key_error(key, value)
    if not setting.range.contains(value):
        raise DataError(
            f"{key}={as_yaml(value)}: it must be {setting.range.words}.", code="bad_setting"
        )


def _raise_key_error(key: str, value: Any) -> NoReturn:
    """Raise a DataError for a key that is unknown or is a group of settings."""
    if key in all_groups():
        some, setting = next(
            pair for pair in all_settings().items() if pair[0].startswith(f"{key}.")
        )
        raise DataError(
            f"{key}={as_yaml(value)}: it is a group of settings. Set them one by one, such as "
            f"{some}={as_yaml(setting.default)}.",
            code="bad_setting",
        )
    raise DataError(f"unknown setting {key}: {_advice(key)}", code="unknown_setting")


def _advice(key: str) -> str:
    near = difflib.get_close_matches(key, all_settings(), n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"settings are given as key=value; {CONFIGS.with_name('config.py')} lists them."


def _check_choices(overrides: Sequence[str]) -> None:
    """DataError for a group whose file does not exist: group=NAME, +group=NAME."""
    for override in overrides:
        group, _, name = override.lstrip("+").partition("=")
        folder = CONFIGS / group
        if not group.isidentifier() or not folder.is_dir() or (folder / f"{name}.yaml").is_file():
            continue
        names = sorted(path.stem for path in folder.glob("*.yaml"))
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise DataError(
            f"{group}={name}: unknown choice. {hint}Choose {' or '.join(names)}, or leave it out.",
            code="unknown_choice",
        )


def _raise_setting_error(error: Exception, overrides: Sequence[str]) -> NoReturn:
    """Raise a DataError for a setting that Hydra or OmegaConf rejects."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    failed = getattr(cause, "full_key", None) or ""
    keys = [override.lstrip("+~").split("=", maxsplit=1)[0] for override in overrides]
    matching = [
        (key, override)
        for key, override in zip(keys, overrides, strict=True)
        if failed and f"{key}.".startswith(f"{failed}.")
    ]
    key, override = matching[-1] if matching else (failed, "")
    value = override.partition("=")[2] if override else getattr(cause, "value", "...")
    if override.startswith("~"):
        raise DataError(
            f"{override}: a setting cannot be removed. Leave this out.", code="bad_setting"
        ) from error
    setting = next((k for k in all_settings() if f"{failed}.".startswith(f"{k}.")), None)
    if setting is not None:
        words = all_settings()[setting].range.words
        raise DataError(f"{key}={value}: it must be {words}.", code="bad_setting") from error
    if key:
        _raise_key_error(key, value)
    found = str(error).split("\n", maxsplit=1)[0].rstrip(".")
    raise DataError(
        f"{found}. Settings are given as key=value; {CONFIGS.with_name('config.py')} lists them.",
        code="bad_setting",
    ) from error
