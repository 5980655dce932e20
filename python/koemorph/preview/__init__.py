"""A page that shows an animation: face, sound and curves in one file that needs no network."""

from __future__ import annotations

import base64
import gzip
import html
import json
import math
import re
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, GROUPS
from koemorph.errors import DataError
from koemorph.preview import sound as sounds
from koemorph.preview.mesh import pack
from koemorph.preview.sound import Sound

_COMMON = (
    "data.js",
    "pace.js",
    "mouth.js",
    "portrait.js",
    "rig.js",
    "stage.js",
    "timeline.js",
    "panel.js",
)
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


def page_file(name: str) -> str:
    """The text of one of the page's own files."""
    return (resources.files("koemorph.preview") / "page" / name).read_text("utf-8")


def assemble(title: str, data: dict[str, Any], mode: str, script: str, policy: str) -> str:
    """Put the page together; `mode` is "recorded" or "live" and `script` the file that runs it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "title": html.escape(title),
        "mode": mode,
        "policy": policy,
        "style": page_file("style.css"),
        # A "</script>" in a name would end the element.
        "data": text.replace("</", "<\\/"),
        "script": "\n".join(page_file(name) for name in (*_COMMON, script)),
    }
    # In one pass, so that a title that looks like a mark stays a title.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], page_file("page.html"))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _packed(data: bytes) -> str:
    return _text(gzip.compress(data, 9, mtime=0))


def _track(animation: Animation, most_seconds: float = math.inf) -> dict[str, Any]:
    """The curves at k / fps, as the page reads them: a capture's own times may have gaps."""
    if animation.names != BLENDSHAPES:
        raise DataError("A preview shows ARKit's 52 blendshapes; leave out the retargeting.")
    if not len(animation):
        raise DataError("There are no frames to show.")
    fps = animation.fps
    wanted = np.arange(round(min(animation.end, most_seconds) * fps)) / fps
    curves = [np.interp(wanted, animation.times, curve) for curve in animation.weights.T]
    values = np.round(np.clip(np.stack(curves, axis=1), 0, 1) * 255).astype(np.uint8)
    return {
        "names": animation.names,
        "fps": fps,
        "values": _packed(values.tobytes()),
    }


def _groups() -> dict[str, tuple[str, ...]]:
    """The parts of the face, those that speak first."""
    first = ("jaw", "mouth", "tongue", "cheeks", "brows", "eyes", "nose")
    return {group: GROUPS[group] for group in first}


def page_data(rig: Path | None) -> dict[str, Any]:
    """What both kinds of page know: the names, their groups, and the rig if there is one."""
    data: dict[str, Any] = {"blendshapes": BLENDSHAPES, "groups": _groups(), "rig": None}
    if rig is not None:
        info, numbers = pack(rig)
        data["rig"] = {**info, "data": _packed(numbers)}
    return data


def build_page(
    animation: Animation,
    title: str,
    sound: Sound | None = None,
    rig: Path | None = None,
    capture: Animation | None = None,
) -> str:
    """The page's HTML. Without sound it plays silently; a capture is shown beside the animation.

    Raises OutputError for a rig that cannot be shown and DataError for an animation that is
    retargeted or has no frames.
    """
    data = page_data(rig)
    duration = animation.end if sound is None else sound.duration
    data["duration"] = duration
    data["track"] = _track(animation)
    data["capture"] = None if capture is None else _track(capture, duration)
    data["audio"] = None if sound is None else _text(sounds.compressed(sound))
    data["peaks"] = "" if sound is None else _text(sounds.peaks(sound))
    mel, data["melBands"] = (b"", 1) if sound is None else sounds.mel_picture(sound)
    data["mel"] = _packed(mel)
    return assemble(title, data, "recorded", "player.js", _POLICY)
