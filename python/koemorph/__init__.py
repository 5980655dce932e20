"""KoeMorph: speech in, ARKit's 52 blendshape coefficients out."""

from koemorph.animation import Animation
from koemorph.coefficients import COEFFICIENTS
from koemorph.egemaps import Egemaps, egemaps
from koemorph.errors import KoemorphError
from koemorph.model import Model, Stream

__all__ = ["COEFFICIENTS", "Animation", "Egemaps", "KoemorphError", "Model", "Stream", "egemaps"]
