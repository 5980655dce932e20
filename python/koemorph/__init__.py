"""KoeMorph: speech in, ARKit's 52 blend shape weights out."""

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES
from koemorph.controls import Controls, load_preset
from koemorph.egemaps import EgemapsStream, compute_egemaps
from koemorph.errors import KoemorphError, KoemorphWarning
from koemorph.model import Model
from koemorph.player import Player
from koemorph.retarget import RetargetMap, load_retarget_map
from koemorph.stream import Stream
from koemorph.stream_batch import StreamBatch

__all__ = [
    "BLENDSHAPES",
    "Animation",
    "Controls",
    "EgemapsStream",
    "KoemorphError",
    "KoemorphWarning",
    "Model",
    "Player",
    "RetargetMap",
    "Stream",
    "StreamBatch",
    "compute_egemaps",
    "load_preset",
    "load_retarget_map",
]
