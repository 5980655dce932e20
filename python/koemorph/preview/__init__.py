"""The preview page: face or rig, audio and curves in one HTML file that works offline."""

from __future__ import annotations

import base64
import gzip
import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, GROUPS
from koemorph.edits import OPERATIONS, REGIONS, Edit, apply_edits
from koemorph.errors import DataError
from koemorph.preview import sound as sounds
from koemorph.preview.mesh import pack
from koemorph.preview.sound import Sound
from koemorph.retarget import RetargetMap, apply_map, arkit_animation

_COMMON_SCRIPTS = (
    "data.js",
    "pace.js",
    "mouth.js",
    "portrait.js",
    "camera.js",
    "rig.js",
    "stage.js",
    "timeline.js",
    "panel.js",
)
_PLAYER_SCRIPTS = ("recorder.js", "edits.js", "player.js")
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "media-src blob:"
)
_EXPORT_POLICY = _POLICY + "; connect-src 'self'"
# The groups that move most in speech come first.
_GROUP_ORDER = ("jaw", "mouth", "tongue", "cheeks", "brows", "eyes", "nose")


@dataclass(frozen=True)
class Take:
    """An animation with the name that the page shows."""

    label: str
    animation: Animation


@dataclass(frozen=True)
class VideoSettings:
    """Frames per second and size in pixels of an exported video."""

    fps: int = 30
    width: int = 1280
    height: int = 720


def page_file(name: str) -> str:
    """Return the text of one of the page's source files."""
    return (resources.files("koemorph.preview") / "page" / name).read_text("utf-8")


def assemble(
    title: str, data: dict[str, Any], mode: str, scripts: Sequence[str], policy: str
) -> str:
    """Assemble a page.

    Args:
        title: The page's title.
        data: What the scripts read as DATA.
        mode: "recorded" or "live", for the style sheet.
        scripts: Names of script files after the common ones; the last one starts the page.
        policy: Content Security Policy.

    Returns:
        The HTML text.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "title": html.escape(title),
        "mode": mode,
        "policy": policy,
        "style": page_file("style.css"),
        # "</script>" in a name would end the element.
        "data": text.replace("</", "<\\/"),
        "script": "\n".join(page_file(name) for name in (*_COMMON_SCRIPTS, *scripts)),
    }
    # In one pass, so that a title that contains a placeholder is not expanded.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], page_file("page.html"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _compressed(data: bytes) -> str:
    return _base64(gzip.compress(data, 9, mtime=0))


def _track(animation: Animation, max_seconds: float = math.inf) -> dict[str, Any]:
    """Resample an animation to times k / fps, as the page's Track reads it.

    A capture's own times may start late and have gaps.
    """
    fps = animation.fps
    times = np.arange(max(1, round(min(animation.end, max_seconds) * fps))) / fps
    curves = [np.interp(times, animation.times, curve) for curve in animation.weights.T]
    values = np.round(np.clip(np.stack(curves, axis=1), 0, 1) * 255).astype(np.uint8)
    return {"names": animation.names, "fps": fps, "values": _compressed(values.tobytes())}


def _take(
    take: Take, retarget: RetargetMap | None, has_rig: bool, end: float, edits: Sequence[Edit]
) -> dict[str, Any]:
    """Describe a take for the page."""
    if not len(take.animation):
        raise DataError(f'Cannot show "{take.label}": it has no frames.', code="no_frames")
    face = arkit_animation(take.animation)
    rig = None
    if face is not None and retarget is not None:
        rig = apply_map(apply_edits(face, edits), retarget)
    elif face is None and has_rig:
        rig = take.animation
    elif face is None:
        raise DataError(
            f'Cannot show "{take.label}": its curves ({", ".join(take.animation.names[:3])}, ...) '
            "are not ARKit blend shapes. Use --rig with the rig they are for.",
            code="not_arkit52",
        )
    return {
        "label": take.label,
        "track": None if face is None else _track(face, end),
        "rigTrack": None if rig is None else _track(rig, end),
    }


def page_data(
    rig: Path | None, names: tuple[str, ...] = BLENDSHAPES, groups: bool = True
) -> dict[str, Any]:
    """Return the data that recorded and live pages share.

    Args:
        rig: A .glb, .gltf or .vrm, or None.
        names: Names that move the rig.
        groups: Whether the panel lists the 52 blend shapes by group, else `names`.

    Raises:
        OutputError: The rig cannot be shown; see `koemorph.preview.mesh.pack`.
    """
    listed = {group: GROUPS[group] for group in _GROUP_ORDER} if groups else {"curves": names}
    data: dict[str, Any] = {"blendshapes": BLENDSHAPES, "groups": listed, "rig": None}
    if rig is not None:
        info, arrays = pack(rig, names)
        data["rig"] = {**info, "data": _compressed(arrays)}
    return data


def build_page(
    takes: Sequence[Take],
    title: str,
    sound: Sound | None = None,
    rig: Path | None = None,
    retarget: RetargetMap | None = None,
    video: VideoSettings | None = None,
    edits: Sequence[Edit] = (),
) -> str:
    """Build the preview page.

    Args:
        takes: One or more takes, shown side by side under their labels. They play from time 0.
        title: The page's title.
        sound: The audio; without it the page plays silently.
        rig: A .glb, .gltf or .vrm that the takes move, or None for the drawn face only.
        retarget: A retarget map whose outputs move the rig, instead of the 52 blend shapes.
        edits: Edits of the first take. The page applies them and can change them; with a map the
            rig shows these.
        video: Settings of a page that sends its frames to `koemorph.preview.video`.

    Returns:
        The HTML text.

    Raises:
        OutputError: The rig cannot be shown.
        DataError: A take has no frames (code "no_frames"), or neither ARKit blend shapes nor a
            rig ("not_arkit52").
    """
    duration = max(take.animation.end for take in takes) if sound is None else sound.duration
    shown = [
        _take(take, retarget, rig is not None, duration, () if index else edits)
        for index, take in enumerate(takes)
    ]
    driving = shown[0]["rigTrack"] or shown[0]["track"]
    has_face = all(take["track"] for take in shown)
    data = page_data(rig, tuple(driving["names"]), has_face)
    data |= {"duration": duration, "takes": shown}
    data["edits"] = [vars(edit) for edit in edits]
    data["regions"] = {region: GROUPS.get(region, BLENDSHAPES) for region in REGIONS}
    data["operations"] = OPERATIONS
    data["export"] = None if video is None else vars(video)
    data["audio"] = None if sound is None else _base64(sounds.encode_mp3(sound))
    data["peaks"] = "" if sound is None else _base64(sounds.peaks(sound))
    mel, data["melBands"] = (b"", 1) if sound is None else sounds.mel_image(sound)
    data["mel"] = _compressed(mel)
    policy = _POLICY if video is None else _EXPORT_POLICY
    return assemble(title, data, "recorded", _PLAYER_SCRIPTS, policy)
