"""The loop: the one trainer, from batches to checkpoints.

Nothing random happens outside `Corpus.batch`, which depends on (seed, epoch, step) alone; so a
resumed run is the run that never stopped, and processes that share a batch are one process that has
it all.
"""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from koemorph.errors import ModelError
from koemorph.outputs.atomic import atomic_path

from .checkpoints import Description, load_checkpoint, load_weights, save_checkpoint
from .data import Batch, Corpus, expression_statistics, target_statistics
from .lip_mesh import read_lips
from .losses import FaceLoss
from .network import Network
from .observer import Observer
from .predict import smooth_runs
from .settings import Optimization, Settings
from .training_data import TrainingData
from .validate import validate

LOG = logging.getLogger(__name__)
# Weights and optimizer state that make a checkpoint resumable.
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Step(nn.Module):
    """A batch to its loss terms; a module of its own so that processes can share its gradients."""

    def __init__(self, network: Network, loss: FaceLoss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(self, batch: Batch, total: Tensor) -> dict[str, Tensor]:
        raw = self.network.forward_sequence(
            batch.mel, batch.detail, batch.positions, batch.expression, batch.style
        )

        def runs(table: Tensor) -> Tensor:
            rows, frames, width = table.shape
            return table.reshape(rows, frames // batch.run, batch.run, width)

        heard = runs(raw)
        # A run begins at its own first frame. A captured predecessor would tell most of the answer:
        # alpha learns to lean on it, and a face that has only its own past then lags behind.
        before = batch.previous if batch.run == 1 else heard[:, :, 0]
        output = smooth_runs(self.network, heard, before)
        terms: dict[str, Tensor] = self.loss(
            output, runs(batch.target), runs(batch.labelled), total
        )
        return terms


def learning_rate(optimization: Optimization, step: int, steps: int) -> float:
    """Of optimizer step `step` of `steps`: a linear warm-up, then the scheduler's curve."""
    if step < optimization.warmup_steps:
        return optimization.lr * (step + 1) / optimization.warmup_steps
    if optimization.scheduler == "constant":
        return optimization.lr
    done = (step - optimization.warmup_steps) / max(1, steps - optimization.warmup_steps)
    done = min(1.0, done)
    share = 1 - done if optimization.scheduler == "linear" else 0.5 + 0.5 * math.cos(math.pi * done)
    low = optimization.final_ratio
    return optimization.lr * (low + (1 - low) * share)


class Trainer:
    """One run: a network, its data and its folder."""

    def __init__(
        self, settings: Settings, data: TrainingData, folder: Path, fabric: Fabric
    ) -> None:
        self.settings = settings
        self.data = data
        self.folder = folder
        self.fabric = fabric
        sampling = settings.sampling
        if sampling.batch_size % fabric.world_size:
            sampling = replace(
                sampling,
                batch_size=math.ceil(sampling.batch_size / fabric.world_size) * fabric.world_size,
            )
            LOG.warning(
                "data.batch_size raised to %d, a multiple of the processes", sampling.batch_size
            )
        self.corpus = Corpus(
            data.train,
            settings.network,
            sampling=sampling,
            augmentation=settings.augmentation,
            features=settings.features,
            seed=settings.seed,
        )
        optimization = settings.optimization
        self.batches = optimization.max_steps_per_epoch or self.corpus.steps_per_epoch
        self.updates = math.ceil(self.batches / optimization.accumulate)
        torch.manual_seed(settings.seed)
        network = Network(settings.network)
        self._prime(network)
        deviation = torch.from_numpy(target_statistics(data.train)[1])
        gap = None if settings.rig is None else torch.from_numpy(read_lips(settings.rig).gap)
        self.loss = FaceLoss(settings.loss, deviation, gap)
        self.network = network
        self.average = Network(settings.network)
        self.average.load_state_dict(network.state_dict())
        self.epoch, self.step, self.best = 0, 0, math.inf
        self.masks = (
            network.freeze_except(optimization.freeze_except) if optimization.freeze_except else {}
        )
        decay: list[nn.Parameter] = []
        plain: list[nn.Parameter] = []
        for parameter in network.parameters():
            # Decay would shrink what has no gradient, too.
            decays = parameter.ndim > 1 and not optimization.freeze_except
            (decay if decays else plain).append(parameter)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decay, "weight_decay": optimization.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=optimization.lr,
            betas=optimization.betas,
        )
        if settings.checkpoint is not None:
            self._resume(settings.checkpoint)
        self.module, self.wrapped = fabric.setup(Step(network, self.loss), self.optimizer)
        self.average.to(fabric.device)

    def _prime(self, network: Network) -> None:
        """Starts the outputs at the mean face, and scales the expression features."""
        mean, _ = target_statistics(self.data.train)
        start = torch.from_numpy(np.clip(mean, 0.002, 0.998))
        with torch.no_grad():
            network.output_bias.copy_(torch.logit(start))
        if self.settings.network.expression_features:
            middle, scale = expression_statistics(self.data.train)
            network.expression_mean.copy_(torch.from_numpy(middle))
            network.expression_scale.copy_(torch.from_numpy(scale))

    def fit(self, observer: Observer) -> dict[str, float]:
        """Trains to the last epoch; returns the last validation's measures."""
        optimization, sampling = self.settings.optimization, self.corpus.sampling
        measures: dict[str, float] = {}
        while self.epoch < optimization.max_epochs:
            begin = time.perf_counter()
            self.module.train()
            for terms in self._epoch(observer):
                if not math.isfinite(terms["loss"]):
                    raise ModelError(
                        f"the loss of step {self.step} is {terms['loss']}: the run has diverged; "
                        "lower training.optimizer.lr."
                    )
                observer.step(self.step, terms)
            seconds = time.perf_counter() - begin
            self.epoch += 1
            frames = self.batches * sampling.batch_size * sampling.sequence_frames
            speed = frames / self.settings.features.fps / seconds
            observer.epoch(self.epoch, {"seconds": seconds, "real_time": speed})
            last = self.epoch == optimization.max_epochs
            if self.fabric.is_global_zero:
                if last or self.epoch % optimization.validate_every == 0:
                    measures = self._validate(observer)
                self._save(last)
            self.fabric.barrier()
        return measures

    def _epoch(self, observer: Observer) -> Iterator[dict[str, float]]:
        optimization = self.settings.optimization
        gathered: dict[str, Tensor] = {}
        rank, world = self.fabric.global_rank, self.fabric.world_size
        share = self.corpus.sampling.batch_size // world
        waited = 0.0
        for number, batch in enumerate(self._batches()):
            waited += batch[1]
            whole = batch[0]
            # The sums of all processes are divided by the labels of the whole batch.
            total = whole.labelled.sum().clamp(min=1.0).to(self.fabric.device)
            mine = whole.rows(rank * share, (rank + 1) * share).to(
                self.fabric.device, pin=self.settings.data.pin_memory
            )
            last = number + 1 == self.batches
            update = last or (number + 1) % optimization.accumulate == 0
            # The last batches of an epoch may be fewer than an update usually has.
            before_these = number // optimization.accumulate * optimization.accumulate
            together = min(optimization.accumulate, self.batches - before_these)
            with self.fabric.no_backward_sync(self.module, enabled=not update):
                terms = self.module(mine, total)
                # Processes average their gradients: undo that, so that they add up.
                self.fabric.backward(terms["loss"] * world / together)
            for name, value in terms.items():
                before = gathered.get(name, torch.zeros((), device=value.device))
                gathered[name] = before + value.detach() / together
            if update:
                self._update()
                yield {name: self._summed(value) for name, value in gathered.items()}
                gathered = {}
        observer.waited(waited)

    def _summed(self, value: Tensor) -> float:
        """A number's sum over the processes."""
        whole = self.fabric.all_reduce(value, reduce_op="sum")
        assert isinstance(whole, Tensor)
        return float(whole)

    def _batches(self) -> Iterator[tuple[Batch, float]]:
        """The batches of this epoch, and how long each was waited for."""
        settings = self.settings

        def make(number: int) -> Batch:
            stride = settings.stride.at(
                self.epoch,
                settings.optimization.max_epochs,
                number,
                settings.seed,
                self.corpus.sampling.sequence_frames,
            )
            return self.corpus.batch(self.epoch, number, stride)

        if settings.data.num_workers == 0:
            for number in range(self.batches):
                begin = time.perf_counter()
                batch = make(number)
                yield batch, time.perf_counter() - begin
            return
        ahead = settings.data.num_workers + 1
        with ThreadPoolExecutor(settings.data.num_workers) as pool:
            coming = [pool.submit(make, number) for number in range(min(ahead, self.batches))]
            for number in range(self.batches):
                begin = time.perf_counter()
                batch = coming.pop(0).result()
                if number + ahead < self.batches:
                    coming.append(pool.submit(make, number + ahead))
                yield batch, time.perf_counter() - begin

    def _update(self) -> None:
        optimization = self.settings.optimization
        steps = self.updates * optimization.max_epochs
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(optimization, self.step, steps)
        if optimization.gradient_clip:
            # Mixed precision tries scales that are too large, and leaves such steps out.
            self.fabric.clip_gradients(
                self.module,
                self.wrapped,
                max_norm=optimization.gradient_clip,
                error_if_nonfinite=False,
            )
        self.wrapped.step()
        self.wrapped.zero_grad()
        self.step += 1
        # A young average forgets faster, or it would keep the random start for long.
        decay = min(optimization.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)

    def _validate(self, observer: Observer) -> dict[str, float]:
        optimization = self.settings.optimization
        network = self.average if optimization.ema_decay else self.network
        measures = validate(network, self.data.validation, self.corpus.sampling.styles)
        observer.validation(self.epoch, measures)
        if optimization.picture_every and self.epoch % optimization.picture_every == 0:
            observer.pictures(self.epoch, network, self.data.validation[0])
        if measures["error"] < self.best:
            self.best = measures["error"]
            self._write("best")
        return measures

    def _save(self, last: bool) -> None:
        every = self.settings.optimization.checkpoint_every
        if every and (last or self.epoch % every == 0):
            self._write(f"epoch_{self.epoch:04d}")
        self._write("last")

    def _write(self, name: str) -> None:
        settings = self.settings
        description = Description(
            network=settings.network,
            features=settings.features,
            expression_features=settings.expression.name,
            epoch=self.epoch,
            step=self.step,
            best=self.best,
            config=settings.config,
            provenance={"data": self.data.fingerprint},
        )
        groups = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._moments(),
        }
        save_checkpoint(self.folder / "checkpoints" / f"{name}.safetensors", description, groups)

    def _moments(self) -> dict[str, Tensor]:
        named = {}
        for name, parameter in self.network.named_parameters():
            for moment, value in self.optimizer.state.get(parameter, {}).items():
                named[f"{moment}/{name}"] = value
        return named

    def _resume(self, path: Path) -> None:
        checkpoint = load_checkpoint(path)
        learned, wanted = checkpoint.description.network.styles, self.settings.network.styles
        if learned != wanted:
            raise ModelError(
                f"{path} speaks the styles {', '.join(learned)}, these settings make "
                f"{', '.join(wanted)}; give data.styles the same ones."
            )
        described = checkpoint.description
        if described.expression_features != self.settings.expression.name:
            # Numbers as many as opensmile's and native's would fit, and mean something else.
            raise ModelError(
                f"{path} hears expression by {described.expression_features}, these settings by "
                f"{self.settings.expression.name}; give model.emotion_config.backend the same one."
            )
        self._check_unfinished(path, described.epoch)
        weights = dict(checkpoint.groups.get("network", {}))
        average = dict(checkpoint.groups.get("average", weights))
        if self.settings.network.fixed_alpha is not None:
            weights["alpha_logit"] = average["alpha_logit"] = self.network.alpha_logit.clone()
        load_weights(self.network, weights, str(path))
        load_weights(self.average, average, str(path))
        moments = checkpoint.groups.get("optimizer", {})
        for name, parameter in self.network.named_parameters():
            if f"step/{name}" in moments:
                # Fabric moves the network to its device, but not what the optimizer holds.
                state: dict[str, Any] = {
                    moment: moments[f"{moment}/{name}"].to(
                        "cpu" if moment == "step" else self.fabric.device, copy=True
                    )
                    for moment in MOMENTS
                }
                if name in self.masks:  # momentum goes on without a gradient
                    state["exp_avg"] *= self.masks[name].to(state["exp_avg"].device)
                self.optimizer.state[parameter] = state
        self.epoch, self.step = described.epoch, described.step
        self.best = self._take_best_along(path, described)
        LOG.info("going on from %s, epoch %d", path, self.epoch)

    def _check_unfinished(self, path: Path, done: int) -> None:
        last = self.settings.optimization.max_epochs
        if done < last:
            return
        # debug=true ends a run before its max_epochs.
        longer = self.settings.config["training"]["max_epochs"] > last
        remedy = "leave debug=true out, which ends there" if longer else "raise training.max_epochs"
        raise ModelError(f"{path}: epoch {done} of {last} is done; {remedy}.")

    def _take_best_along(self, path: Path, described: Description) -> float:
        """Copies the best checkpoint of the run that goes on from `path`; returns its error.

        inf, so that the next validation writes one, where the best one of that time does not lie
        beside it, and where it is of another network or was found on other data.
        """
        beside = path.with_name("best.safetensors")
        if not beside.is_file():
            return math.inf
        best = load_checkpoint(beside).description
        if best.best != described.best or best.provenance.get("data") != self.data.fingerprint:
            return math.inf
        # Weights of the same shapes may be of another network, such as one with a fixed alpha.
        settings = self.settings
        if (best.network, best.features) != (settings.network, settings.features):
            return math.inf
        own = self.folder / "checkpoints" / beside.name
        if self.fabric.is_global_zero and not (own.exists() and own.samefile(beside)):
            with atomic_path(own) as copy:
                shutil.copyfile(beside, copy)
        return best.best
