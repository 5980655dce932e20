"""Train a network: python -m koemorph.train [key=value ...]; see configs/ for the keys."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from lightning_fabric import Fabric
from omegaconf import DictConfig

from koemorph.errors import KoemorphError

from .corpus import prepare
from .loop import Trainer
from .observer import Observer
from .settings import CONFIGS, Settings, compose_config, read_settings

LOG = logging.getLogger(__name__)


def train(config: DictConfig, folder: Path) -> dict[str, float]:
    """One run into `folder`: checkpoints/, logs/, provenance.json. Returns its last measures."""
    settings = read_settings(config)
    training = config.training
    if training.threads:
        torch.set_num_threads(training.threads)
    precision = training.precision
    if precision == "auto":
        precision = "16-mixed" if torch.cuda.is_available() else "32-true"
    fabric = Fabric(accelerator=training.accelerator, devices=training.devices, precision=precision)
    fabric.launch()
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    data = prepare(settings)
    trainer = Trainer(settings, data, folder, fabric)
    if fabric.is_global_zero:
        _describe(settings, trainer, folder)
    steps = trainer.updates * settings.optimization.max_epochs
    active = fabric.is_global_zero
    with Observer(folder, steps, trainer.step, bar=training.progress, active=active) as observer:
        return trainer.fit(observer)


def _describe(settings: Settings, trainer: Trainer, folder: Path) -> None:
    """Says what the run is made of, in the log and in provenance.json."""
    data = trainer.data
    seconds = trainer.corpus.frames / settings.features.fps
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
    (folder / "provenance.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")


def _git_commit() -> str:
    """The commit this code is at, "unknown" outside a repository."""
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
    train(config, Path(HydraConfig.get().runtime.output_dir))


def main() -> None:
    """The door; errors of KoeMorph become one sentence and exit code 2."""
    arguments = sys.argv[1:]
    try:
        # Hydra's own words about a wrong key are many; of a sweep it knows more than we do.
        if not any(each.startswith(("-", "hydra")) for each in arguments):
            compose_config(arguments)
        _run()
    except KoemorphError as error:
        print(f"koemorph: {error}", file=sys.stderr)
        sys.exit(2)
