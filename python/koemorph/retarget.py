"""Retargeting: from the 52 ARKit blend shapes to a rig's own, matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from koemorph import _native
from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.settings_files import names, read

RetargetMap = _native.RetargetMap


def maps() -> tuple[str, ...]:
    """Return the names of the bundled retarget maps."""
    return names("maps")


def load_retarget_map(name: str | Path, rig_names: Sequence[str] | None = None) -> RetargetMap:
    """Load a retarget map.

    Args:
        name: A bundled map's name or the path of a JSON file.
        rig_names: The names of a rig's blend shapes. The map's outputs are then these, in this
            order.

    Returns:
        The map. `names` are its outputs, `driven` is True for those that the map drives, and
        `unmatched_targets` lists the map's targets that the rig does not have.

    Raises:
        DataError: The file is missing, or is not a map; the message has the line and column.
    """
    text = read("maps", name)
    try:
        loaded = RetargetMap(text)
    except ValueError as error:
        raise DataError(f"{name}: {error}", code="invalid_map") from error
    if rig_names is not None:
        if isinstance(rig_names, str):
            raise DataError(
                f'rig_names is one string: "{rig_names}". Pass a list of names.',
                code="invalid_rig_names",
            )
        loaded.match_rig(list(rig_names))
    return loaded


def best_map(rig_names: Sequence[str]) -> RetargetMap:
    """Choose the bundled map that drives most of a rig's blend shapes.

    Args:
        rig_names: The names of the rig's blend shapes.

    Raises:
        DataError: No bundled map drives any of them.
    """
    fitted = [load_retarget_map(name, rig_names) for name in maps()]
    best = max(fitted, key=lambda one: (sum(one.driven), -len(one.unmatched_targets)))
    if not any(best.driven):
        found = ", ".join([*rig_names[:6], "..."][: len(rig_names)]) or "none"
        raise DataError(
            f"No bundled map matches the rig: it has {len(rig_names)} blend shapes ({found}). "
            f"Write a map like those in {Path(__file__).parent / 'maps'}.",
            code="no_matching_map",
        )
    return best


def apply_map(animation: Animation, target: RetargetMap | str | Path) -> Animation:
    """Retarget an animation.

    Args:
        animation: An animation of the 52 ARKit blend shapes, in any order.
        target: A map, a bundled map's name or the path of a JSON file.

    Returns:
        The animation of the rig's blend shapes.

    Raises:
        DataError: The animation does not have the 52 ARKit blend shapes, or the map is invalid.
    """
    if set(animation.names) != set(BLENDSHAPES):
        raise DataError(
            f"Cannot retarget the animation: it has {len(animation.names)} curves, the first "
            f"{animation.names[:1]}; the {len(BLENDSHAPES)} ARKit blend shapes are needed. Use an "
            "animation that was not retargeted.",
            code="not_arkit",
        )
    loaded = load_retarget_map(target) if isinstance(target, str | Path) else target
    order = [animation.names.index(name) for name in BLENDSHAPES]
    weights = loaded.apply(np.ascontiguousarray(animation.weights[:, order]))
    return Animation(animation.times, weights, loaded.names, animation.fps)


def arkit_animation(animation: Animation) -> Animation | None:
    """Return the animation with the 52 ARKit blend shapes, matched by name; None without any.

    Blend shapes that the animation lacks are 0.
    """
    if animation.names == BLENDSHAPES:
        return animation
    columns = _native.match_shape_names(list(BLENDSHAPES), list(animation.names))
    weights = np.zeros((len(animation), len(BLENDSHAPES)), np.float32)
    for source, column in enumerate(columns):
        if column >= 0:
            weights[:, column] = animation.weights[:, source]
    if all(column < 0 for column in columns):
        return None
    return Animation(animation.times, weights, BLENDSHAPES, animation.fps)
