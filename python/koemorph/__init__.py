"""KoeMorph: speech in, ARKit's 52 blendshape weights out."""

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls, load_preset
from koemorph.stream_batch import StreamBatch
from koemorph.egemaps import Egemaps, egemaps
from koemorph.errors import KoemorphError
from koemorph.model import Model
from koemorph.retarget import Retarget, load_map
from koemorph.stream import Stream

__all__ = [
    "BLENDSHAPES",
    "Animation",
    "Controls",
    "StreamBatch",
    "Egemaps",
    "KoemorphError",
    "Model",
    "Retarget",
    "Stream",
    "egemaps",
    "load_map",
    "load_preset",
]
