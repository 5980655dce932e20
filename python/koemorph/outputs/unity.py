"""Unity animation clips (.anim): text assets that drive a SkinnedMeshRenderer's blend shapes.

Unity's YAML is a dialect (its own tags, flow maps for references) that YAML libraries read but do
not write, so the text is put together here. Weights become Unity's 0 to 100.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph.animation import Animation
from koemorph.outputs import WriteOptions, display_name
from koemorph.outputs.atomic import atomic_open

_SKINNED_MESH_RENDERER = 137
_LINEAR = 2
_LINEAR_BOTH = 1 | _LINEAR << 1 | _LINEAR << 5
"""The editor's tangent mode: bit 0 for tangents that are broken, then four bits a side."""
_TIME = ".9g"
"""All the digits of Unity's 32-bit seconds: with fewer, frames would run into each other."""
_TOLERANCE = 0.005
"""How far, of 100, a key may be from its neighbours and still be left out."""

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


def _needed_keys(values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Indices of the keys to keep: the ends, and every one that leaves a level stretch."""
    flat = np.abs(np.diff(values)) < _TOLERANCE
    keep = np.ones(len(values), bool)
    keep[1:-1] = ~(flat[:-1] & flat[1:])
    # Slow drifts are flat step by step: return to them once they have gone far enough.
    anchor = 0
    for index in range(1, len(values) - 1):
        if not keep[index] and abs(values[index] - values[anchor]) >= _TOLERANCE:
            keep[index] = True
        if keep[index]:
            anchor = index
    return np.flatnonzero(keep)


def _keys(times: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> Iterator[str]:
    kept = _needed_keys(values)
    times, values = times[kept], values[kept]
    slopes = np.diff(values) / np.diff(times)
    before = np.concatenate([slopes[:1], slopes]) if len(slopes) else np.zeros(1)
    after = np.concatenate([slopes, slopes[-1:]]) if len(slopes) else np.zeros(1)
    for time, value, slope_in, slope_out in zip(times, values, before, after, strict=True):
        yield (
            "      - serializedVersion: 3\n"
            f"        time: {time:{_TIME}}\n        value: {value:.6g}\n"
            f"        inSlope: {slope_in:.6g}\n        outSlope: {slope_out:.6g}\n"
            f"        tangentMode: {_LINEAR_BOTH}\n        weightedMode: 0\n"
            "        inWeight: 0.33333334\n        outWeight: 0.33333334\n"
        )


def _curves(animation: Animation, node: str) -> Iterator[str]:
    times = animation.times
    for column, name in enumerate(animation.names):
        yield "  - curve:\n      serializedVersion: 2\n      m_Curve:\n"
        yield from _keys(times, animation.weights[:, column].astype(np.float64) * 100)
        # JSON strings are YAML strings, whatever the name holds.
        yield _CURVE_TAIL.format(
            attribute=json.dumps(f"blendShape.{name}", ensure_ascii=False),
            path=json.dumps(node, ensure_ascii=False),
            class_id=_SKINNED_MESH_RENDERER,
        )


def write(animation: Animation, path: Path, options: WriteOptions) -> None:
    """One curve a name, linear between keys; `options.node` is the mesh's path in the rig."""
    curves = "".join(_curves(animation, options.node)) if len(animation) else ""
    with atomic_open(path) as stream:
        stream.write(_HEAD.format(name=json.dumps(display_name(path), ensure_ascii=False)))
        # Unity plays m_FloatCurves and its Animation window shows m_EditorCurves.
        stream.write("  m_FloatCurves:\n" + curves)
        stop = float(animation.times[-1]) if len(animation) else 0.0
        stream.write(_MIDDLE.format(fps=animation.fps, stop=f"{stop:{_TIME}}"))
        stream.write("  m_EditorCurves:\n" + curves)
        stream.write(_TAIL)
