"""A face over time, as every writer takes it and every reader gives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError


@dataclass(frozen=True, eq=False)
class Animation:
    """Frames of named weights.

    times: (T,) float64, seconds; for an animation made by KoeMorph frame k is at k / fps.
    weights: (T, N) float32, usually in [0, 1].
    names: the N columns' names; the 52 of `koemorph.blendshapes` unless it was retargeted.
    fps: frames a second.
    """

    times: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float32]
    names: tuple[str, ...] = BLENDSHAPES
    fps: int = 30

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.weights.shape != (len(self.times), len(self.names)):
            raise DataError(
                f"An animation needs T times and weights of shape (T, {len(self.names)}), "
                f"one column a name, not times {self.times.shape}, weights {self.weights.shape}."
            )
        if self.fps <= 0:
            raise DataError(
                f"An animation needs a positive number of frames a second, not {self.fps}."
            )

    def __len__(self) -> int:
        return len(self.times)

    @property
    def duration(self) -> float:
        """Seconds that all frames last together."""
        return len(self) / self.fps

    @property
    def end(self) -> float:
        """When the last frame ends, seconds: a capture may begin late and have gaps."""
        return float(self.times[-1]) + 1 / self.fps if len(self) else 0.0

    def __getitem__(self, name: str) -> npt.NDArray[np.float32]:
        """The curve of one blendshape, (T,); KeyError when there is none of that name."""
        try:
            return self.weights[:, self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def save(
        self,
        path: str | Path,
        format: str | None = None,
        rig: str | Path | None = None,
        node: str = "",
    ) -> None:
        """Write to a file; the format follows the file's extension unless it is named.

        `rig` is the .glb the animation is put on (GLB only), `node` the path from Unity's Animator
        to the mesh (.anim only). Raises OutputError when the format is unknown or the file cannot
        be written; nothing half-written is left behind.
        """
        from koemorph.outputs import WriteOptions, write

        options = WriteOptions(None if rig is None else Path(rig), node)
        write(self, Path(path), format, options)
