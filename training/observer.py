"""Progress bar, TensorBoard and log of a run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from .data import LabelledTrack
from .network import Network
from .pictures import attention_picture, curves_picture, stream_picture

LOG = logging.getLogger(__name__)


class Observer:
    """Reports a run; an observer that is not `active` (in other processes) does nothing."""

    def __init__(self, folder: Path, steps: int, done: int, *, bar: bool, active: bool) -> None:
        self.writer = SummaryWriter(str(folder / "logs")) if active else None
        self.progress = Progress(
            TextColumn("[progress.description]{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not (bar and active),
        )
        self.task = self.progress.add_task("training", total=steps, completed=done)

    def __enter__(self) -> Observer:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        if self.writer is not None:
            self.writer.close()

    def step(self, step: int, terms: Mapping[str, float], learning_rate: float) -> None:
        """Report an optimizer step: its loss terms and learning rate."""
        self.progress.update(
            self.task, completed=step, description=f"training, loss {terms['loss']:.5f}"
        )
        self._scalars("train", {**terms, "learning_rate": learning_rate}, step)

    def epoch(self, epoch: int, speed: Mapping[str, float]) -> None:
        """Report an epoch: its seconds, and seconds of audio per second."""
        self._scalars("speed", speed, epoch)
        if self.writer is not None:
            LOG.info(
                "epoch %d: %.1f s, %.0f x real time", epoch, speed["seconds"], speed["real_time"]
            )

    def waited(self, seconds: float) -> None:
        """Report how long an epoch waited for its batches."""
        if self.writer is not None:
            LOG.debug("waited %.2f s for data", seconds)

    def validation(self, epoch: int, measures: Mapping[str, float]) -> None:
        """Report a validation."""
        self._scalars("validation", measures, epoch)
        LOG.info(
            "epoch %d: %s",
            epoch,
            ", ".join(f"{key} {value:.3f}" for key, value in measures.items()),
        )

    def pictures(self, epoch: int, network: Network, track: LabelledTrack) -> None:
        """Draw curves, stream weights and attention for TensorBoard."""
        if self.writer is not None:
            self.writer.add_figure("curves", curves_picture(network, track), epoch)
            self.writer.add_figure("streams", stream_picture(network), epoch)
            self.writer.add_figure("attention", attention_picture(network, track.features), epoch)

    def _scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(f"{group}/{name}", value, step)
