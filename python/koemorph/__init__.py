"""KoeMorph: speech in, ARKit's 52 blendshape coefficients out."""

from koemorph.animation import Animation
from koemorph.coefficients import COEFFICIENTS
from koemorph.controls import Controls, load_preset
from koemorph.crowd import Crowd
from koemorph.egemaps import Egemaps, egemaps
from koemorph.errors import KoemorphError
from koemorph.model import Model
from koemorph.retarget import Retarget, load_map
from koemorph.stream import Stream

__all__ = [
    "COEFFICIENTS",
    "Animation",
    "Controls",
    "Crowd",
    "Egemaps",
    "KoemorphError",
    "Model",
    "Retarget",
    "Stream",
    "egemaps",
    "load_map",
    "load_preset",
]
