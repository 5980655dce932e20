"""KoeMorph: speech in, ARKit's 52 blendshape coefficients out."""

from koemorph.errors import KoemorphError

__all__ = ["KoemorphError"]
