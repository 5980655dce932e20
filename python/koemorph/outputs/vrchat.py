"""VRChat avatars made for VRCFaceTracking: OSC to `/avatar/parameters/v2/<Name>`, port 9000.

The v2 parameters are VRCFaceTracking's unified expressions, single and merged (JawX is right
minus left).

Source: https://docs.vrcft.io, Tutorials > Avatars > Parameters
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.outputs.network import Frame, UdpOutput
from koemorph.outputs.osc import bundles, message

DEFAULT_PORT = 9000
DEFAULT_PREFIX = "/avatar/parameters/v2/"
# VRCFaceTracking's EyeLid parameters: 0 is closed, 0.75 open, 1 wide.
_LID_OPEN = 0.75


def _left_and_right(parameter: str, **gains: float) -> dict[str, dict[str, float]]:
    return {
        parameter + side: {name + side: gain for name, gain in gains.items()}
        for side in ("Left", "Right")
    }


# Parameter -> gains of blend shapes; the sum is clamped to -1..1.
PARAMETERS: Mapping[str, Mapping[str, float]] = {
    "JawOpen": {"jawOpen": 1},
    "JawForward": {"jawForward": 1},
    "JawX": {"jawRight": 1, "jawLeft": -1},
    "JawZ": {"jawForward": 1},
    "MouthClosed": {"mouthClose": 1},
    "LipFunnel": {"mouthFunnel": 1},
    "LipPucker": {"mouthPucker": 1},
    "LipSuckUpper": {"mouthRollUpper": 1},
    "LipSuckLower": {"mouthRollLower": 1},
    "MouthX": {"mouthRight": 1, "mouthLeft": -1},
    "MouthRaiserUpper": {"mouthShrugUpper": 1},
    "MouthRaiserLower": {"mouthShrugLower": 1},
    "MouthUpperUp": {"mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5},
    "MouthLowerDown": {"mouthLowerDownLeft": 0.5, "mouthLowerDownRight": 0.5},
    "MouthOpen": {
        "mouthUpperUpLeft": 0.25,
        "mouthUpperUpRight": 0.25,
        "mouthLowerDownLeft": 0.25,
        "mouthLowerDownRight": 0.25,
    },
    **_left_and_right("MouthSmile", mouthSmile=1),
    **_left_and_right("MouthFrown", mouthFrown=1),
    **_left_and_right("MouthSad", mouthFrown=1),
    **_left_and_right("SmileFrown", mouthSmile=1, mouthFrown=-1),
    **_left_and_right("SmileSad", mouthSmile=1, mouthFrown=-1),
    **_left_and_right("MouthStretch", mouthStretch=1),
    **_left_and_right("MouthDimple", mouthDimple=1),
    **_left_and_right("MouthPress", mouthPress=1),
    **_left_and_right("MouthUpperUp", mouthUpperUp=1),
    **_left_and_right("MouthLowerDown", mouthLowerDown=1),
    **_left_and_right("BrowDown", browDown=1),
    **_left_and_right("BrowOuterUp", browOuterUp=1),
    "BrowInnerUp": {"browInnerUp": 1},
    "BrowUpLeft": {"browInnerUp": 0.5, "browOuterUpLeft": 0.5},
    "BrowUpRight": {"browInnerUp": 0.5, "browOuterUpRight": 0.5},
    "BrowExpressionLeft": {"browInnerUp": 0.5, "browOuterUpLeft": 0.5, "browDownLeft": -1},
    "BrowExpressionRight": {"browInnerUp": 0.5, "browOuterUpRight": 0.5, "browDownRight": -1},
    "CheekPuffLeft": {"cheekPuff": 1},
    "CheekPuffRight": {"cheekPuff": 1},
    "CheekPuffSuckLeft": {"cheekPuff": 1},
    "CheekPuffSuckRight": {"cheekPuff": 1},
    **_left_and_right("CheekSquint", cheekSquint=1),
    **_left_and_right("NoseSneer", noseSneer=1),
    "TongueOut": {"tongueOut": 1},
    **_left_and_right("EyeSquint", eyeSquint=1),
    **_left_and_right("EyeLid", eyeBlink=-_LID_OPEN, eyeWide=1 - _LID_OPEN),
    "EyeLeftX": {"eyeLookInLeft": 1, "eyeLookOutLeft": -1},
    "EyeRightX": {"eyeLookOutRight": 1, "eyeLookInRight": -1},
    "EyeLeftY": {"eyeLookUpLeft": 1, "eyeLookDownLeft": -1},
    "EyeRightY": {"eyeLookUpRight": 1, "eyeLookDownRight": -1},
}

_OFFSETS = np.array([_LID_OPEN * name.startswith("EyeLid") for name in PARAMETERS], np.float32)
_GAINS = np.zeros((len(PARAMETERS), len(BLENDSHAPES)), np.float32)
for _row, _gains in enumerate(PARAMETERS.values()):
    for _name, _gain in _gains.items():
        _GAINS[_row, INDEX[_name]] = _gain


class VrchatOutput(UdpOutput):
    """Sends each frame's parameters in bundles; avatars ignore parameters they lack."""

    def __init__(self, host: str, port: int, prefix: str = DEFAULT_PREFIX) -> None:
        super().__init__("vrchat", host, port)
        self._addresses = [prefix + name for name in PARAMETERS]

    def encode(self, frame: Frame) -> Iterable[bytes]:
        values = np.clip(_GAINS @ frame.weights + _OFFSETS, -1, 1)
        pairs = zip(self._addresses, values, strict=True)
        return bundles(message(address, float(value)) for address, value in pairs)
