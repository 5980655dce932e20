"""From the 52 blendshapes to a rig's own shapes, by name."""

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
    """The names of the maps that ship with the package."""
    return names("maps")


def load_retarget_map(wanted: str | Path, rig_names: Sequence[str] | None = None) -> RetargetMap:
    """A map by its name or by the path of a JSON file, put in the order of `rig_names` if given.

    Its `names` are the outputs, `driven` says which of them the map moves, and
    `unmatched_targets` which of the map's targets the rig lacks.
    Raises DataError, with line and column, for what is no map.
    """
    text = read("maps", wanted)
    try:
        loaded = RetargetMap(text)
    except ValueError as error:
        raise DataError(f"{wanted}: {error}") from error
    if rig_names is not None:
        loaded.match_rig(shapes_of(rig_names))
    return loaded


def shapes_of(rig_names: Sequence[str]) -> list[str]:
    """The names of a rig's shapes; DataError for one text, whose letters nobody means."""
    if isinstance(rig_names, str):
        raise DataError(f'The rig is one text, "{rig_names}"; give the names of its shapes.')
    return list(rig_names)


def best_map(rig_names: Sequence[str]) -> RetargetMap:
    """The shipped map that moves most of a rig's shapes; DataError when none moves any."""
    if not rig_names:
        raise DataError("The rig has no shapes, and so no map moves any.")
    fitted = [load_retarget_map(name, rig_names) for name in maps()]
    best = max(fitted, key=lambda one: (sum(one.driven), -len(one.unmatched_targets)))
    if not any(best.driven):
        sample = ", ".join(list(rig_names)[:6])
        raise DataError(
            f"None of the rig's {len(rig_names)} shapes ({sample}, ...) is known; "
            f"write a map for it, as those in {Path(__file__).parent / 'maps'}."
        )
    return best


def apply_map(animation: Animation, target: RetargetMap | str | Path) -> Animation:
    """The animation of the rig's own shapes; `target` is a map, or what load_retarget_map takes.

    Raises DataError when the animation is not one of the 52 blendshapes.
    """
    if set(animation.names) != set(BLENDSHAPES):
        raise DataError(
            "Only an animation of ARKit's 52 blendshapes can be retargeted; this one has "
            f"{len(animation.names)} curves, the first called {animation.names[:1]}."
        )
    loaded = load_retarget_map(target) if isinstance(target, str | Path) else target
    order = [animation.names.index(name) for name in BLENDSHAPES]
    weights = loaded.apply(np.ascontiguousarray(animation.weights[:, order]))
    return Animation(animation.times, weights, loaded.names, animation.fps)
