"""What settings can be: which keys there are, and the values that each of them takes."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from koemorph.errors import DataError

from .strides import MODES

CONFIGS = Path(__file__).parent / "configs"
# Dictionaries by source: any name may be added to them.
BY_SOURCE = ("data.lead_seconds", "data.source_weights", "data.styles", "data.unlabelled")


@dataclass(frozen=True)
class Rule:
    """What a value must be: the words that follow "it must be", and whether it is so."""

    words: str
    holds: Callable[[Any], bool]


def _number(interval: str, *, whole: bool = False) -> Rule:
    """A number in an interval such as "(0, 1]"; whole: without a fraction."""
    low, high = map(float, interval[1:-1].split(","))

    def holds(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return False
        above = value > low if interval[0] == "(" else value >= low
        return above and (value < high if interval[-1] == ")" else value <= high)

    words = "a whole number" if whole else "a number"
    if high < math.inf:
        return Rule(f"{words} in {interval}", holds)
    return Rule(f"{words} {'above' if interval[0] == '(' else 'of at least'} {low:g}", holds)


def _list(rule: Rule, count: int = 0, *, rising: bool = False) -> Rule:
    """A list of such values, of so many where `count` is given; rising: none below the one before.

    A list that may be of any length is not empty.
    """

    def holds(value: Any) -> bool:
        if not isinstance(value, list) or not all(map(rule.holds, value)):
            return False
        return (len(value) == count if count else bool(value)) and (
            not rising or value == sorted(value)
        )

    size = f" of {count}" if count else ""
    order = " and none below the one before" if rising else ""
    return Rule(f"a list{size}, each {rule.words}{order}", holds)


def _not_all_zero(rule: Rule) -> Rule:
    return Rule(f"{rule.words}, not all 0", lambda value: rule.holds(value) and any(value))


def _by_source(rule: Rule, example: str) -> Rule:
    def holds(value: Any) -> bool:
        return isinstance(value, dict) and all(map(rule.holds, value.values()))

    return Rule(f"sources by name, each with {rule.words}, such as {example}", holds)


def _one_of(*words: str) -> Rule:
    return Rule(f"one of {', '.join(words)}", lambda value: value in words)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_names(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(map(_is_text, value)))


def _are_folders(value: Any) -> bool:
    folders = list(value.values()) if isinstance(value, dict) else value
    return bool(folders) and _are_names(folders)


TEXT = Rule("a text", _is_text)
SWITCH = Rule("true or false", lambda value: isinstance(value, bool))
LIST = Rule("a list of names, such as [a, b]", lambda v: isinstance(v, list) and _are_names(v))
NAMES = Rule("a blendshape's name or a list of names", _are_names)
FOLDERS = Rule("a folder, a list of folders, or {name: folder, ...}", _are_folders)
COUNT = _number("[1, inf)", whole=True)
COUNT_OR_NONE = _number("[0, inf)", whole=True)
SHARE = _number("[0, 1]")
NOT_NEGATIVE = _number("[0, inf)")
POSITIVE = _number("(0, inf)")
SECONDS = _number("[0, 600]")  # more is meant to be something else, and needs too much memory
DECIBELS = _list(_number("[-200, 200]"), 2, rising=True)
# As the core allows them.
CONTEXT, INTERVAL = _number("[0.1, 120]"), _number("[0.01, 10]")
AGES = _list(_number("[0, 60]"))

# Keys that are not here take what their defaults are: true or false, a text or a list of names.
# Null is possible where it is the default.
RULES: Mapping[str, Rule] = {
    "seed": _number(f"[0, {2**63})", whole=True),
    "checkpoint_path": TEXT,
    "data.train_data_dir": FOLDERS,
    "data.val_data_dir": FOLDERS,
    "data.validation_ratio": _number("[0, 0.5]"),
    "data.max_files": COUNT,
    "data.target_fps": COUNT,
    "data.window_frames": _number("[1, 8192]", whole=True),
    "data.sequence_seconds": _number("[0.1, 600]"),
    "data.track_seconds": NOT_NEGATIVE,
    "data.pause_seconds": _list(SECONDS, 2, rising=True),
    "data.cold_start_ratio": SHARE,
    "data.lead_seconds": _by_source(_number("[-1, 1]"), "{grid: 0.01}"),
    "data.source_weights": _by_source(NOT_NEGATIVE, "{grid: 0.5}"),
    "data.styles": _by_source(TEXT, "{grid: lively}"),
    "data.unlabelled": _by_source(NAMES, "{grid: [jawOpen]}"),
    "data.batch_size": COUNT,
    "data.num_workers": COUNT_OR_NONE,
    "data.stride_mode": _one_of(*MODES),
    "data.stride_frames": COUNT,
    "data.initial_stride": COUNT,
    "data.final_stride": COUNT,
    "data.dense_sampling_ratio": SHARE,
    "data.run_frames": COUNT,
    "data.augment.probability": SHARE,
    "data.augment.gain_db": DECIBELS,
    "data.augment.eq_db": _number("[0, 100]"),
    "data.augment.warp": _number("[0, 0.5]"),
    "data.augment.snr_db": DECIBELS,
    "features.lookahead_frames": _number("[0, 32]", whole=True),
    "features.detail_frames": _number("[0, 64]", whole=True),
    "features.emotion.context_window": CONTEXT,
    "features.emotion.update_interval": INTERVAL,
    "features.emotion.window_intervals": AGES,
    "model.d_model": COUNT,
    "model.channels": COUNT,
    "model.hidden": COUNT,
    "model.attention.num_heads": COUNT,
    "model.attention.emotion_dim": COUNT,
    "model.attention.emotion_tokens": COUNT,
    "model.dual_stream_attention.temperature": POSITIVE,
    "model.dual_stream_attention.fixed_weights": _not_all_zero(_list(SHARE, 2)),
    "model.fixed_alpha": _number("(0, 1)"),
    "model.emotion_config.context_window": CONTEXT,
    "model.emotion_config.update_interval": INTERVAL,
    "model.emotion_config.window_intervals": AGES,
    **{
        f"loss.{name}_weight": NOT_NEGATIVE
        for name in (
            "mse", "l1", "mouth", "expression", "temporal", "jaw_jerk", "amplitude", "closure"
        )
    },
    "loss.balance": SHARE,
    "loss.rig": TEXT,
    "training.max_epochs": COUNT,
    "training.max_steps_per_epoch": COUNT,
    "training.freeze_except": NAMES,
    "training.optimizer.lr": POSITIVE,
    "training.optimizer.weight_decay": NOT_NEGATIVE,
    "training.optimizer.betas": _list(_number("[0, 1)"), 2),
    "training.scheduler.name": _one_of("cosine", "linear", "constant"),
    "training.scheduler.warmup_steps": COUNT_OR_NONE,
    "training.scheduler.final_ratio": SHARE,
    "training.accumulate_grad_batches": COUNT,
    "training.gradient_clip": NOT_NEGATIVE,
    "training.ema_decay": SHARE,
    "training.expression_dropout": SHARE,
    "training.validate_every": COUNT,
    "training.checkpoint_every": COUNT_OR_NONE,
    "training.picture_every": COUNT_OR_NONE,
    "training.precision": _one_of("auto", "32-true", "bf16-mixed", "16-mixed"),
    # Lightning Fabric says which numbers, lists and words it takes, see train.py.
    "training.devices": Rule("given", lambda value: value is not None),
    "training.threads": COUNT,
}  # fmt: skip


def check_groups(given: Any) -> None:
    """DataError, naming the key, for a group of settings that was taken away, or is no group.

    Of a tree whose references are not resolved yet: they lead into groups.
    """
    _check_groups(given, _defaults(), "")


def _check_groups(given: Mapping[str, Any], usual: Mapping[str, Any], path: str) -> None:
    for name, group in usual.items():
        key = f"{path}{name}"
        if not isinstance(group, dict) or key in RULES:
            continue
        if name not in given:
            raise DataError(f"{key} was taken away: there is no run without it; leave ~{key} out.")
        value = given[name]
        if isinstance(value, dict):
            _check_groups(value, group, f"{key}.")
        elif not (isinstance(value, str) and "${" in value):
            some, usually = next(_leaves(group, f"{key}."))
            shown = "null" if value is None else value
            raise DataError(
                f"{key}={shown}: it holds several settings; give them one by one, such as "
                f"{some}={usually}."
            )


def check_values(plain: Mapping[str, Any]) -> None:
    """DataError, naming the key, for a setting that there is not, lacks, or cannot be so."""
    usual, given = dict(_leaves(_defaults())), dict(_leaves(plain))
    unknown = sorted(given.keys() - usual.keys())
    if unknown:
        raise DataError(f"there is no setting {unknown[0]}: {advice(unknown[0])}")
    for key, default in usual.items():
        if key not in given:
            raise DataError(f"{key} was taken away: give it a value.")
        value = given[key]
        if value is None and default is None:
            continue
        rule = RULES.get(key) or _rule_of(default)
        if not rule.holds(value):
            shown = "null" if value is None else value
            null = ", or null" if default is None else ""
            raise DataError(f"{key}={shown}: it must be {rule.words}{null}.")


def advice(key: str) -> str:
    """What to do about a key that is unknown."""
    near = difflib.get_close_matches(key, [name for name, _ in _leaves(_defaults())], n=1)
    if near and near[0] != key:
        return f"did you mean {near[0]}?"
    return f"settings are given as key=value; the keys are in {CONFIGS}."


def _rule_of(default: Any) -> Rule:
    if isinstance(default, bool):
        return SWITCH
    return LIST if isinstance(default, list) else TEXT


def _defaults() -> dict[str, Any]:
    """Every setting as it stands in the files."""
    top: Any = OmegaConf.to_container(OmegaConf.load(CONFIGS / "config.yaml"))
    tree = {key: value for key, value in top.items() if key not in ("defaults", "hydra")}
    files = {"data": "koemorph_v2"}
    for group in ("data", "features", "loss", "model", "training"):
        tree[group] = OmegaConf.load(CONFIGS / group / f"{files.get(group, 'default')}.yaml")
    plain: Any = OmegaConf.to_object(OmegaConf.create(tree))
    return dict(plain)


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values; what is one value to its rule is not taken apart."""
    for name, value in tree.items():
        key = f"{path}{name}"
        if isinstance(value, dict) and value and key not in RULES:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value
