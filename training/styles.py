"""Speaking styles: one network learns several, from sources that move differently."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError

from .network import Network
from .network_settings import NetworkSettings


def style_ratios(
    source: str, network: NetworkSettings, styles: Mapping[str, str]
) -> NDArray[np.float32]:
    """Return the style of a source as ratios of the network's styles after the first.

    Args:
        source: The name of a source of recordings.
        network: Names the styles.
        styles: Maps sources to styles; a source that is not named has the first style.

    Returns:
        (styles - 1,).
    """
    style = styles.get(source, network.styles[0])
    return np.array([style == name for name in network.styles[1:]], np.float32)


def set_style(network: Network, text: str | None) -> None:
    """Set the style of a network as the option --style names it.

    Args:
        network: Is changed.
        text: NAME, or a mixture NAME=0.7,OTHER=0.3; None leaves the first style.

    Raises:
        DataError: For an unknown style, and for ratios that do not sum to 1.
    """
    if text is None:
        return
    try:
        named = [part.partition("=") for part in text.split(",")]
        network.set_style({name.strip(): float(ratio or 1) for name, _, ratio in named})
    except ValueError as error:
        raise DataError(f"--style {text}: {error}.", code="invalid_option") from error
