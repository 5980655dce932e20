"""Unity animation clips (.anim): text assets that drive a SkinnedMeshRenderer's blend shapes.

Unity's YAML dialect (own tags, flow maps for references) is not what YAML libraries write, so the
text is formatted here. Unity's weights are 0 to 100.

Source: clips saved by the Unity editor with text serialization;
https://docs.unity3d.com/Manual/UnityYAML.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph.animation import Animation
from koemorph.errors import DataError
from koemorph.outputs import WriteOptions, display_name
from koemorph.outputs.atomic import atomic_open

_SKINNED_MESH_RENDERER = 137
_LINEAR = 2
_LINEAR_BOTH = 1 | _LINEAR << 1 | _LINEAR << 5
"""The editor's tangent mode: bit 0 for broken tangents, then four bits a side."""
_TIME = ".9g"
"""All digits of Unity's 32-bit seconds; with fewer, late frames would have equal times."""
_TOLERANCE = 0.0099
"""Largest difference, of 100, between a left out frame and the line between its keys."""

_HEAD = """\
%YAML 1.1
%TAG !u! tag:unity3d.com,2011:
--- !u!74 &7400000
AnimationClip:
  m_ObjectHideFlags: 0
  m_CorrespondingSourceObject: {{fileID: 0}}
  m_PrefabInstance: {{fileID: 0}}
  m_PrefabAsset: {{fileID: 0}}
  m_Name: {name}
  serializedVersion: 6
  m_Legacy: 0
  m_Compressed: 0
  m_UseHighQualityCurve: 1
  m_RotationCurves: []
  m_CompressedRotationCurves: []
  m_EulerCurves: []
  m_PositionCurves: []
  m_ScaleCurves: []
"""
_MIDDLE = """\
  m_PPtrCurves: []
  m_SampleRate: {fps}
  m_WrapMode: 0
  m_Bounds:
    m_Center: {{x: 0, y: 0, z: 0}}
    m_Extent: {{x: 0, y: 0, z: 0}}
  m_ClipBindingConstant:
    genericBindings: []
    pptrCurveMapping: []
  m_AnimationClipSettings:
    serializedVersion: 2
    m_AdditiveReferencePoseClip: {{fileID: 0}}
    m_AdditiveReferencePoseTime: 0
    m_StartTime: 0
    m_StopTime: {stop}
    m_OrientationOffsetY: 0
    m_Level: 0
    m_CycleOffset: 0
    m_HasAdditiveReferencePose: 0
    m_LoopTime: 0
    m_LoopBlend: 0
    m_LoopBlendOrientation: 0
    m_LoopBlendPositionY: 0
    m_LoopBlendPositionXZ: 0
    m_KeepOriginalOrientation: 0
    m_KeepOriginalPositionY: 1
    m_KeepOriginalPositionXZ: 0
    m_HeightFromFeet: 0
    m_Mirror: 0
"""
_TAIL = """\
  m_EulerEditorCurves: []
  m_HasGenericRootTransform: 0
  m_HasMotionFloatCurves: 0
  m_Events: []
"""
_CURVE_TAIL = """\
      m_PreInfinity: 2
      m_PostInfinity: 2
      m_RotationOrder: 4
    attribute: {attribute}
    path: {path}
    classID: {class_id}
    script: {{fileID: 0}}
"""


def _needed_keys(
    times: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Return the indices of the keys to keep: linear between them, no value is off by more.

    One pass: a segment grows while its line passes all its values within the tolerance.
    """
    keep = [0]
    lowest, highest = -np.inf, np.inf  # slopes that pass the values since the last key
    points = list(zip(times.tolist(), values.tolist(), strict=True))
    for index in range(1, len(points)):
        start, origin = points[keep[-1]]
        span, change = points[index][0] - start, points[index][1] - origin
        if not lowest <= change / span <= highest:
            keep.append(index - 1)
            start, origin = points[index - 1]
            span, change = points[index][0] - start, points[index][1] - origin
            lowest, highest = -np.inf, np.inf
        lowest = max(lowest, (change - _TOLERANCE) / span)
        highest = min(highest, (change + _TOLERANCE) / span)
    if len(points) > 1:
        keep.append(len(points) - 1)
    return np.array(keep, np.intp)


def _keys(times: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> Iterator[str]:
    # The weights of tangents are left out: Unity's defaults, and a third of the file.
    kept = _needed_keys(times, values)
    times, values = times[kept], values[kept]
    slopes = np.diff(values) / np.diff(times)
    before = np.concatenate([slopes[:1], slopes]) if len(slopes) else np.zeros(1)
    after = np.concatenate([slopes, slopes[-1:]]) if len(slopes) else np.zeros(1)
    for time, value, slope_in, slope_out in zip(times, values, before, after, strict=True):
        yield (
            "      - serializedVersion: 3\n"
            f"        time: {time:{_TIME}}\n        value: {value:.6g}\n"
            f"        inSlope: {slope_in:.6g}\n        outSlope: {slope_out:.6g}\n"
            f"        tangentMode: {_LINEAR_BOTH}\n"
        )


def _curves(animation: Animation, node: str) -> Iterator[str]:
    times = animation.times
    for column, name in enumerate(animation.names):
        yield "  - curve:\n      serializedVersion: 2\n      m_Curve:\n"
        yield from _keys(times, animation.weights[:, column].astype(np.float64) * 100)
        # Every JSON string is a YAML string.
        yield _CURVE_TAIL.format(
            attribute=json.dumps(f"blendShape.{name}", ensure_ascii=False),
            path=json.dumps(node, ensure_ascii=False),
            class_id=_SKINNED_MESH_RENDERER,
        )


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """Write one curve per blend shape, linear between keys; `options.node` is the mesh's path.

    Raises:
        OutputError: The file cannot be written.
    """
    curves = "".join(_curves(animation, options.node)) if len(animation) else ""
    with atomic_open(path) as stream:
        stream.write(_HEAD.format(name=json.dumps(display_name(path), ensure_ascii=False)))
        # The player uses m_FloatCurves, the Animation window m_EditorCurves.
        stream.write("  m_FloatCurves:\n" + curves)
        stop = float(animation.times[-1]) if len(animation) else 0.0
        stream.write(_MIDDLE.format(fps=animation.fps, stop=f"{stop:{_TIME}}"))
        stream.write("  m_EditorCurves:\n" + curves)
        stream.write(_TAIL)


_CURVE = re.compile(r"^  - curve:$(.*?)^    attribute: (.+?)$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"^ +time: (\S+)\n +value: (\S+)$", re.MULTILINE)
_SAMPLE_RATE = re.compile(r"^  m_SampleRate: (\d+)", re.MULTILINE)


def read(path: Path) -> Animation:
    """Read the blend shape curves of a Unity clip, sampled at its sample rate.

    Raises:
        DataError: The file cannot be read (code "unreadable") or has no blend shape curves
            ("bad_anim").
    """
    try:
        text = path.read_text("utf-8").partition("m_EditorCurves:")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read {path}: {error}.", code="unreadable") from error
    rate = _SAMPLE_RATE.search(path.read_text("utf-8"))
    curves: dict[str, npt.NDArray[np.float64]] = {}
    for body, attribute in _CURVE.findall(text):
        name = json.loads(attribute) if attribute.startswith('"') else attribute
        keys = np.array(_KEY.findall(body), np.float64).reshape(-1, 2)
        if name.startswith("blendShape.") and len(keys):
            curves[name.removeprefix("blendShape.")] = keys
    if not curves or rate is None:
        raise DataError(
            f"Cannot read {path}: expected a Unity clip saved as text, with blendShape curves.",
            code="bad_anim",
        )
    fps = max(int(rate[1]), 1)
    start = min(keys[0, 0] for keys in curves.values())
    end = max(keys[-1, 0] for keys in curves.values())
    times = start + np.arange(round((end - start) * fps) + 1) / fps
    columns = [np.interp(times, keys[:, 0], keys[:, 1] / 100) for keys in curves.values()]
    return Animation(times, np.stack(columns, 1).astype(np.float32), tuple(curves), fps)
