"""The 52 ARKit blend shapes: names, order and groups.

The order is that of Live Link Face (`eyeBlinkLeft` first, `tongueOut` last). Other programs use
other orders, so all outputs match blend shapes by name.
"""

from __future__ import annotations

from types import MappingProxyType

BLENDSHAPES: tuple[str, ...] = (
    "eyeBlinkLeft",
    "eyeLookDownLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookUpLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "eyeBlinkRight",
    "eyeLookDownRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "eyeLookUpRight",
    "eyeSquintRight",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)

INDEX = MappingProxyType({name: index for index, name in enumerate(BLENDSHAPES)})
"""Position of each name in BLENDSHAPES."""


def pascal_case(name: str) -> str:
    """Return the name in Live Link's and MetaHuman's spelling: `jawOpen` becomes `JawOpen`."""
    return name[:1].upper() + name[1:]


PASCAL_NAMES: tuple[str, ...] = tuple(pascal_case(name) for name in BLENDSHAPES)

# Live Link Face sends these nine after the 52, in radians. KoeMorph sends zeros.
LIVE_LINK_ROTATIONS: tuple[str, ...] = (
    "HeadYaw",
    "HeadPitch",
    "HeadRoll",
    "LeftEyeYaw",
    "LeftEyePitch",
    "LeftEyeRoll",
    "RightEyeYaw",
    "RightEyePitch",
    "RightEyeRoll",
)


def _starting_with(*prefixes: str) -> tuple[str, ...]:
    return tuple(name for name in BLENDSHAPES if name.startswith(prefixes))


GROUPS = MappingProxyType(
    {
        "eyes": _starting_with("eye"),
        "jaw": _starting_with("jaw"),
        "mouth": _starting_with("mouth"),
        "brows": _starting_with("brow"),
        "cheeks": _starting_with("cheek"),
        "nose": _starting_with("nose"),
        "tongue": _starting_with("tongue"),
    }
)
"""Blend shapes by part of the face; each is in exactly one group."""
