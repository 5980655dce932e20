"""Animations: frames of named weights, as all readers and writers use them."""

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

    Attributes:
        times: (frames,) float64, seconds. KoeMorph computes frame k for k / fps.
        weights: (frames, names) float32, usually in [0, 1].
        names: Name of each column: `koemorph.BLENDSHAPES`, or a rig's blend shapes after
            retargeting.
        fps: Frames per second.
    """

    times: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float32]
    names: tuple[str, ...] = BLENDSHAPES
    fps: int = 30

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.weights.shape != (len(self.times), len(self.names)):
            raise DataError(
                f"Animation shape mismatch: times {self.times.shape}, weights "
                f"{self.weights.shape}, {len(self.names)} names. Pass times (frames,) and weights "
                f"(frames, {len(self.names)}).",
                code="shape_mismatch",
            )
        if self.fps <= 0:
            raise DataError(
                f"Invalid fps of an animation: {self.fps}. Pass a number above 0.",
                code="invalid_fps",
            )

    def __len__(self) -> int:
        return len(self.times)

    @property
    def duration(self) -> float:
        """Number of frames / fps, seconds."""
        return len(self) / self.fps

    @property
    def end(self) -> float:
        """End of the last frame, seconds. A capture may begin late and have gaps."""
        return float(self.times[-1]) + 1 / self.fps if len(self) else 0.0

    def __getitem__(self, name: str) -> npt.NDArray[np.float32]:
        """Return the curve (frames,) of a blend shape; KeyError for an unknown name."""
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
        """Write the animation to a file, completely or not at all.

        Args:
            path: The file.
            format: Name of the format; None chooses it by the file's extension.
            rig: The .glb that receives the animation (GLB only).
            node: Path from Unity's Animator to the mesh (.anim only).

        Raises:
            OutputError: The format is unknown or the file cannot be written.
        """
        from koemorph.outputs import WriteOptions, write

        options = WriteOptions(None if rig is None else Path(rig), node)
        write(self, Path(path), format, options)
