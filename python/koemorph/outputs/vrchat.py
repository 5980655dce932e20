"""VRChat avatars made for VRCFaceTracking: OSC to `/avatar/parameters/v2/<Name>`, port 9000.

The v2 parameters are VRCFaceTracking's unified expressions, plain and merged (JawX is right less
left), as https://docs.vrcft.io lists them under Tutorials > Avatars > Parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.outputs.network import Frame, UdpOutput
from koemorph.outputs.osc import bundles, message

DEFAULT_PORT = 9000
DEFAULT_PREFIX = "/avatar/parameters/v2/"
# 0 is shut, 0.75 open, 1 wide: VRCFaceTracking's EyeLid parameters.
_LID_OPEN = 0.75


def _sided(parameter: str, **gains: float) -> dict[str, dict[str, float]]:
    return {
        parameter + side: {name + side: gain for name, gain in gains.items()}
        for side in ("Left", "Right")
    }


# Parameter -> blendshapes and their gains; the sum is clamped to -1..1.
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
    **_sided("MouthSmile", mouthSmile=1),
    **_sided("MouthFrown", mouthFrown=1),
    **_sided("MouthSad", mouthFrown=1),
    **_sided("SmileFrown", mouthSmile=1, mouthFrown=-1),
    **_sided("SmileSad", mouthSmile=1, mouthFrown=-1),
    **_sided("MouthStretch", mouthStretch=1),
    **_sided("MouthDimple", mouthDimple=1),
    **_sided("MouthPress", mouthPress=1),
    **_sided("MouthUpperUp", mouthUpperUp=1),
    **_sided("MouthLowerDown", mouthLowerDown=1),
    **_sided("BrowDown", browDown=1),
    **_sided("BrowOuterUp", browOuterUp=1),
    "BrowInnerUp": {"browInnerUp": 1},
    "BrowUpLeft": {"browInnerUp": 0.5, "browOuterUpLeft": 0.5},
    "BrowUpRight": {"browInnerUp": 0.5, "browOuterUpRight": 0.5},
    "BrowExpressionLeft": {"browInnerUp": 0.5, "browOuterUpLeft": 0.5, "browDownLeft": -1},
    "BrowExpressionRight": {"browInnerUp": 0.5, "browOuterUpRight": 0.5, "browDownRight": -1},
    "CheekPuffLeft": {"cheekPuff": 1},
    "CheekPuffRight": {"cheekPuff": 1},
    "CheekPuffSuckLeft": {"cheekPuff": 1},
    "CheekPuffSuckRight": {"cheekPuff": 1},
    **_sided("CheekSquint", cheekSquint=1),
    **_sided("NoseSneer", noseSneer=1),
    "TongueOut": {"tongueOut": 1},
    **_sided("EyeSquint", eyeSquint=1),
    **_sided("EyeLid", eyeBlink=-_LID_OPEN, eyeWide=1 - _LID_OPEN),
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
    """Sends each frame's parameters in bundles; avatars ignore those they do not have."""

    def __init__(self, host: str, port: int, prefix: str = DEFAULT_PREFIX) -> None:
        super().__init__("vrchat", host, port)
        self._addresses = [prefix + name for name in PARAMETERS]

    def encode(self, frame: Frame) -> Iterable[bytes]:
        values = np.clip(_GAINS @ frame.weights + _OFFSETS, -1, 1)
        pairs = zip(self._addresses, values, strict=True)
        return bundles(message(address, float(value)) for address, value in pairs)
