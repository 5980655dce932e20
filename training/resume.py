"""Start a run from a checkpoint."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from koemorph.errors import ModelError
from koemorph.outputs.atomic import atomic_path

from .checkpoints import Checkpoint, Description, load_checkpoint, load_weights
from .network import Network
from .optimization import restore_optimizer
from .settings import Settings

LOG = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        epoch: Epochs done.
        step: Optimizer steps done.
        best: The lowest validation error.
    """

    epoch: int = 0
    step: int = 0
    best: float = math.inf


def load_for_resuming(path: Path, settings: Settings) -> Checkpoint:
    """Load the checkpoint of checkpoint_path.

    Args:
        path: The checkpoint.
        settings: Of the run.

    Returns:
        The checkpoint.

    Raises:
        ModelError: Where it does not fit the settings, or its run is complete.
    """
    checkpoint = load_checkpoint(path)
    described = checkpoint.description
    learned, wanted = described.network.styles, settings.network.styles
    if learned != wanted:
        raise ModelError(
            f"style mismatch: {path} has the styles {', '.join(learned)}, these settings make "
            f"{', '.join(wanted)}. Give data.styles the same ones.",
            code="style_mismatch",
        )
    backend = settings.expression.name
    if described.expression_features != backend:
        # The shapes of opensmile and native match, but their values differ.
        raise ModelError(
            f"backend mismatch: {path} uses the expression features "
            f"{described.expression_features}, these settings {backend}. "
            f"Use model.emotion_config.backend={described.expression_features}.",
            code="backend_mismatch",
        )
    last = settings.training.max_epochs
    if described.epoch >= last:
        # debug=true ends a run before its max_epochs.
        longer = settings.plain["training"]["max_epochs"] > last
        remedy = "Leave debug=true out" if longer else "Raise training.max_epochs"
        raise ModelError(
            f"{path}: epoch {described.epoch} of {last} is done. {remedy}.", code="run_complete"
        )
    return checkpoint


def resume(
    path: Path,
    checkpoint: Checkpoint,
    settings: Settings,
    networks: tuple[Network, Network],
    optimizer: torch.optim.Optimizer,
    masks: Mapping[str, Tensor],
    fabric: Fabric,
) -> Progress:
    """Restore weights and optimizer from a checkpoint.

    Args:
        path: Where the checkpoint is, for messages.
        checkpoint: From load_for_resuming.
        settings: Of the run.
        networks: The trained and the averaged network; both are changed.
        optimizer: Is changed.
        masks: From Network.freeze_except.
        fabric: Of the run.

    Returns:
        The progress of the checkpoint, without its best error.

    Raises:
        ModelError: Where the weights are of another architecture.
    """
    network, average = networks
    weights = dict(checkpoint.groups.get("network", {}))
    averaged = dict(checkpoint.groups.get("average", weights))
    if settings.network.fixed_alpha is not None:
        weights["alpha_logit"] = averaged["alpha_logit"] = network.alpha_logit.clone()
    load_weights(network, weights, str(path))
    load_weights(average, averaged, str(path))
    state = checkpoint.groups.get("optimizer", {})
    restore_optimizer(network, optimizer, state, masks, fabric.device)
    LOG.info("resuming %s, epoch %d", path, checkpoint.description.epoch)
    return Progress(checkpoint.description.epoch, checkpoint.description.step)


def copy_best(
    path: Path, described: Description, settings: Settings, fingerprint: str, folder: Path
) -> float:
    """Copy the best checkpoint of the run that is resumed.

    Args:
        path: The resumed checkpoint; `best` is beside it.
        described: Its description.
        settings: Of the run.
        fingerprint: Of the run's data.
        folder: The run's checkpoints.

    Returns:
        The validation error of `best`. inf where it is missing or belongs to another
        run, network or data: then the next validation writes a new one.
    """
    source = path.with_name("best.safetensors")
    if not source.is_file():
        return math.inf
    best = load_checkpoint(source).description
    if best.best != described.best or best.provenance.get("data") != fingerprint:
        return math.inf
    # Weights of the same shapes may be of another network, such as one with a fixed alpha.
    if (best.network, best.features) != (settings.network, settings.features):
        return math.inf
    own = folder / source.name
    if not (own.exists() and own.samefile(source)):
        with atomic_path(own) as copy:
            shutil.copyfile(source, copy)
    return best.best
