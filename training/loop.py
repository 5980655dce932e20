"""The training loop, from batches to checkpoints.

Only `BatchSampler.batch` uses random numbers, and it depends on (seed, epoch, step) only: a resumed
run equals an uninterrupted one, and several processes that split a batch equal one process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from koemorph.errors import ModelError

from .checkpoints import Description, save_checkpoint
from .data import Batch, BatchSampler
from .losses import FaceLoss
from .network import Network
from .observer import Observer
from .optimization import learning_rate, optimizer_tensors, update_average
from .predict import smooth_runs
from .resume import Progress
from .settings import Settings
from .training_data import TrainingData
from .validate import validate


class LossModule(nn.Module):
    """Computes the loss terms of a batch; a module, so that Fabric can share its gradients."""

    def __init__(self, network: Network, loss: FaceLoss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(self, batch: Batch, total: Tensor) -> dict[str, Tensor]:
        """Compute the loss terms by name; total: labels of the whole batch."""
        outputs = self.network.forward_sequence(
            batch.mel, batch.detail, batch.positions, batch.expression, batch.style
        )

        def runs(table: Tensor) -> Tensor:
            rows, frames, width = table.shape
            return table.reshape(rows, frames // batch.run, batch.run, width)

        raw = runs(outputs)
        # The smoothing of a run starts from its own first frame. A captured predecessor would
        # contain most of the target: alpha would become too large, and streams would lag.
        before = batch.previous if batch.run == 1 else raw[:, :, 0]
        smoothed = smooth_runs(self.network, raw, before)
        terms: dict[str, Tensor] = self.loss(
            smoothed, runs(batch.target), runs(batch.labelled), total
        )
        return terms


@dataclass
class Trainer:
    """A run: its parts, assembled in train.py, and the loop over epochs.

    Attributes:
        settings: Of the run.
        data: The prepared recordings.
        sampler: Draws batches.
        network: Is trained.
        average: Holds the averaged weights.
        optimizer: Of the network.
        loss: Of its outputs.
        progress: Epochs and steps done.
        folder: Gets checkpoints/.
        fabric: The launched processes.
    """

    settings: Settings
    data: TrainingData
    sampler: BatchSampler
    network: Network
    average: Network
    optimizer: torch.optim.Optimizer
    loss: FaceLoss
    progress: Progress
    folder: Path
    fabric: Fabric

    def __post_init__(self) -> None:
        training = self.settings.training
        self.batches = training.max_steps_per_epoch or self.sampler.steps_per_epoch
        per_epoch = math.ceil(self.batches / training.accumulate_grad_batches)
        self.steps = per_epoch * training.max_epochs
        self.module, self.wrapped = self.fabric.setup(
            LossModule(self.network, self.loss), self.optimizer
        )
        self.average.to(self.fabric.device)

    def fit(self, observer: Observer) -> dict[str, float]:
        """Train to the last epoch.

        Args:
            observer: Called after steps, epochs and validations.

        Returns:
            The measures of the last validation.

        Raises:
            ModelError: Where the loss is not finite.
        """
        training, progress = self.settings.training, self.progress
        measures: dict[str, float] = {}
        while progress.epoch < training.max_epochs:
            begin = time.perf_counter()
            self.module.train()
            for terms in self._epoch(observer):
                if not math.isfinite(terms["loss"]):
                    raise ModelError(
                        f"the run has diverged: the loss of step {progress.step} is "
                        f"{terms['loss']}. Lower training.optimizer.lr "
                        f"({training.optimizer.lr:g}).",
                        code="diverged",
                    )
                observer.step(progress.step, terms, self.optimizer.param_groups[0]["lr"])
            seconds = time.perf_counter() - begin
            progress.epoch += 1
            observer.epoch(progress.epoch, self._speed(seconds))
            last = progress.epoch == training.max_epochs
            if self.fabric.is_global_zero:
                if last or progress.epoch % training.validate_every == 0:
                    measures = self._validate(observer)
                self._save(last)
            self.fabric.barrier()
        return measures

    def _speed(self, seconds: float) -> Mapping[str, float]:
        sampler = self.sampler
        frames = self.batches * sampler.batch_size * sampler.sequence_frames
        return {
            "seconds": seconds,
            "real_time": frames / self.settings.features.fps / seconds,
        }

    def _epoch(self, observer: Observer) -> Iterator[dict[str, float]]:
        """The loss terms of each optimizer step, over all processes."""
        accumulate = self.settings.training.accumulate_grad_batches
        rank, world = self.fabric.global_rank, self.fabric.world_size
        rows = self.sampler.batch_size // world
        gathered: dict[str, Tensor] = {}
        waited = 0.0
        for number, (whole, seconds) in enumerate(self._batches()):
            waited += seconds
            # The sums of all processes are divided by the labels of the whole batch.
            total = whole.labelled.sum().clamp(min=1.0).to(self.fabric.device)
            own = whole.rows(rank * rows, (rank + 1) * rows).to(
                self.fabric.device, pin=self.settings.data.pin_memory
            )
            update = number + 1 == self.batches or (number + 1) % accumulate == 0
            # The last update of an epoch may have fewer batches.
            batches = min(accumulate, self.batches - number // accumulate * accumulate)
            with self.fabric.no_backward_sync(self.module, enabled=not update):
                terms = self.module(own, total)
                # Fabric averages the gradients of processes; the sum is needed.
                self.fabric.backward(terms["loss"] * world / batches)
            for name, value in terms.items():
                before = gathered.get(name, torch.zeros((), device=value.device))
                gathered[name] = before + value.detach() / batches
            if update:
                self._update()
                yield {name: self._summed(value) for name, value in gathered.items()}
                gathered = {}
        observer.waited(waited)

    def _summed(self, value: Tensor) -> float:
        """The sum of a number over the processes."""
        total = self.fabric.all_reduce(value, reduce_op="sum")
        assert isinstance(total, Tensor)
        return float(total)

    def _batches(self) -> Iterator[tuple[Batch, float]]:
        """Yield the batches of this epoch, each with the seconds that the loop waited for it."""
        workers = self.settings.data.num_workers
        if workers == 0:
            for number in range(self.batches):
                begin = time.perf_counter()
                batch = self._make(number)
                yield batch, time.perf_counter() - begin
            return
        with ThreadPoolExecutor(workers) as pool:
            ahead = min(workers + 1, self.batches)
            pending = [pool.submit(self._make, number) for number in range(ahead)]
            for number in range(self.batches):
                begin = time.perf_counter()
                batch = pending.pop(0).result()
                if number + ahead < self.batches:
                    pending.append(pool.submit(self._make, number + ahead))
                yield batch, time.perf_counter() - begin

    def _make(self, number: int) -> Batch:
        return self.sampler.batch(
            self.progress.epoch, number, epochs=self.settings.training.max_epochs
        )

    def _update(self) -> None:
        training, progress = self.settings.training, self.progress
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(training, progress.step, self.steps)
        if training.gradient_clip:
            # Mixed precision skips steps whose scaled gradients overflow.
            self.fabric.clip_gradients(
                self.module,
                self.wrapped,
                max_norm=training.gradient_clip,
                error_if_nonfinite=False,
            )
        self.wrapped.step()
        self.wrapped.zero_grad()
        progress.step += 1
        update_average(self.average, self.network, training.ema_decay, progress.step)

    def _validate(self, observer: Observer) -> dict[str, float]:
        training, progress = self.settings.training, self.progress
        network = self.average if training.ema_decay else self.network
        measures = validate(network, self.data.validation, self.settings.data.styles)
        observer.validation(progress.epoch, measures)
        if training.picture_every and progress.epoch % training.picture_every == 0:
            observer.pictures(progress.epoch, network, self.data.validation[0])
        if measures["error"] < progress.best:
            progress.best = measures["error"]
            self._write("best")
        return measures

    def _save(self, last: bool) -> None:
        every = self.settings.training.checkpoint_every
        if every and (last or self.progress.epoch % every == 0):
            self._write(f"epoch_{self.progress.epoch:04d}")
        self._write("last")

    def _write(self, name: str) -> None:
        settings, progress = self.settings, self.progress
        description = Description(
            network=settings.network,
            features=settings.features,
            expression_features=settings.expression.name,
            epoch=progress.epoch,
            step=progress.step,
            best=progress.best,
            config=settings.plain,
            provenance={"data": self.data.fingerprint},
        )
        groups = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": optimizer_tensors(self.network, self.optimizer),
        }
        save_checkpoint(self.folder / "checkpoints" / f"{name}.safetensors", description, groups)
