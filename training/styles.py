"""Styles: manners of speaking that one network learns from sources that move differently."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError

from .network import Network, NetworkSettings


def style_shares(
    source: str, network: NetworkSettings, styles: Mapping[str, str]
) -> NDArray[np.float32]:
    """What a source speaks, as shares of the network's styles after the first, (styles - 1,).

    `styles` maps sources to styles; a source that is not named speaks the first one.
    """
    spoken = styles.get(source, network.styles[0])
    return np.array([spoken == name for name in network.styles[1:]], np.float32)


def speak(network: Network, text: str | None) -> None:
    """Makes a network speak a style as the command line names it: NAME, or NAME=0.7,OTHER=0.3.

    None leaves the first style. DataError names what is wrong.
    """
    if text is None:
        return
    try:
        named = [part.partition("=") for part in text.split(",")]
        network.speak({name.strip(): float(share or 1) for name, _, share in named})
    except ValueError as error:
        raise DataError(f"--style {text}: {error}.") from error
