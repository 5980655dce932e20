"""Train a network: python -m koemorph.train [key=value ...]; config.py lists the keys.

From top to bottom: configuration, devices, data, network, optimizer, loop.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import hydra
import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from lightning_fabric import Fabric
from omegaconf import DictConfig

from koemorph.errors import KoemorphError, OutputError

from .composition import CONFIGS, check_files, compose_config, hydra_overrides
from .data import BatchSampler, expression_statistics, target_statistics
from .devices import launch_fabric
from .lip_mesh import read_lips
from .loop import Trainer
from .losses import FaceLoss
from .network import Network
from .observer import Observer
from .optimization import build_optimizer, warn_of_short_run
from .resume import Progress, copy_best, load_for_resuming, resume
from .settings import Settings, read_settings
from .training_data import TrainingData, load_training_data

LOG = logging.getLogger(__name__)
INTERRUPTED = 130  # the exit code after Ctrl-C


def train(config: DictConfig, folder: Path) -> dict[str, float]:
    """Train a network.

    Args:
        config: The composed configuration.
        folder: Gets checkpoints/, logs/ and provenance.json.

    Returns:
        The measures of the last validation.

    Raises:
        DataError: For settings and recordings that are not usable.
        ModelError: For a checkpoint that does not fit, and a run that diverges.
    """
    settings = read_settings(config)
    if settings.training.threads is not None:
        torch.set_num_threads(settings.training.threads)
    fabric = launch_fabric(settings.training)
    if fabric.is_global_zero:
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)

    data = load_training_data(settings)
    trainer = build_trainer(settings, data, folder, fabric)

    active = fabric.is_global_zero
    if active:
        _describe(trainer)
        warn_of_short_run(settings.training, trainer.steps - trainer.progress.step)
    bar = settings.training.progress
    with Observer(folder, trainer.steps, trainer.progress.step, bar=bar, active=active) as observer:
        measures = trainer.fit(observer)
    if active:
        LOG.info("wrote %s: best.safetensors and last.safetensors", folder / "checkpoints")
    return measures


def build_trainer(settings: Settings, data: TrainingData, folder: Path, fabric: Fabric) -> Trainer:
    """Assemble a run.

    Args:
        settings: Of the run.
        data: The prepared recordings.
        folder: Of the run.
        fabric: The launched processes.

    Returns:
        The trainer, before its first epoch.

    Raises:
        ModelError: For a checkpoint that does not fit.
    """
    sampler = BatchSampler(
        data.train,
        settings.network,
        settings.data,
        settings.features,
        expression_dropout=settings.training.expression_dropout,
        seed=settings.seed,
        processes=fabric.world_size,
    )

    torch.manual_seed(settings.seed)
    network = Network(settings.network)
    _set_statistics(network, data)
    average = Network(settings.network)
    average.load_state_dict(network.state_dict())
    masks = network.freeze_except(settings.freeze_except) if settings.freeze_except else {}

    rig = settings.loss.rig
    gap = None if rig is None else torch.from_numpy(read_lips(Path(rig)).gap)
    loss = FaceLoss(settings.loss, torch.from_numpy(target_statistics(data.train)[1]), gap)

    optimizer = build_optimizer(network, settings.training)
    progress = Progress()
    if settings.checkpoint is not None:
        path = settings.checkpoint
        checkpoint = load_for_resuming(path, settings)
        networks = (network, average)
        progress = resume(path, checkpoint, settings, networks, optimizer, masks, fabric)
        if fabric.is_global_zero:
            described, checkpoints = checkpoint.description, folder / "checkpoints"
            progress.best = copy_best(path, described, settings, data.fingerprint, checkpoints)

    return Trainer(
        settings, data, sampler, network, average, optimizer, loss, progress, folder, fabric
    )


@torch.no_grad()
def _set_statistics(network: Network, data: TrainingData) -> None:
    """Start the outputs at the mean of the captures, and scale the expression features."""
    mean, _ = target_statistics(data.train)
    network.output_bias.copy_(torch.logit(torch.from_numpy(np.clip(mean, 0.002, 0.998))))
    if network.settings.expression_features:
        center, scale = expression_statistics(data.train)
        network.expression_mean.copy_(torch.from_numpy(center))
        network.expression_scale.copy_(torch.from_numpy(scale))


def _describe(trainer: Trainer) -> None:
    """Write size and origin of the data to the log and to provenance.json."""
    data = trainer.data
    seconds = trainer.sampler.frames / trainer.settings.features.fps
    LOG.info(
        "%d tracks, %.0f s to train on, %d recordings to validate on, %d left out",
        len(data.train),
        seconds,
        len(data.validation),
        data.skipped,
    )
    described = {
        "git_commit": _git_commit(),
        "data_fingerprint": data.fingerprint,
        "recordings_left_out": data.skipped,
        "training_seconds": seconds,
        "torch": torch.__version__,
    }
    path = trainer.folder / "provenance.json"
    path.write_text(json.dumps(described, indent=2) + "\n", "utf-8")


def _git_commit() -> str:
    """The commit of this code, "unknown" outside a repository."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="config")
def _run(config: DictConfig) -> None:
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        train(config, folder)
    except KoemorphError as error:  # Hydra would print a traceback
        _exit(error)
    except OSError as error:  # of the logs; checkpoints and features raise OutputError
        found = error.strerror or error
        _exit(
            OutputError(
                f"the run ended: {found}. Correct this and resume with checkpoint_path="
                f"{folder / 'checkpoints' / 'last.safetensors'}.",
                code="cannot_write",
            )
        )
    except KeyboardInterrupt:
        last = folder / "checkpoints" / "last.safetensors"
        remedy = f"Resume with checkpoint_path={last}" if last.is_file() else "No epoch was done"
        print(f"koemorph: the run was interrupted. {remedy}.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _exit(error: KoemorphError) -> NoReturn:
    print(f"koemorph: {error}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Run the command line; errors of KoeMorph become one message and exit code 2."""
    sys.argv[1:] = arguments = hydra_overrides(sys.argv[1:])
    try:
        check_files(CONFIGS)
        # Hydra checks its own flags and sweeps; its messages about unknown keys are long.
        if not any(each.startswith(("-", "hydra")) for each in arguments):
            compose_config(arguments)
    except KoemorphError as error:
        _exit(error)
    _run()
