"""Train a network: python -m koemorph.train [key=value ...]; see configs/ for the keys."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision, Precision
from omegaconf import DictConfig

from koemorph.errors import DataError, KoemorphError, OutputError

from .loop import Trainer
from .observer import Observer
from .settings import Settings, compose_config, opened, read_settings
from .training_data import load_training_data
from .values import CONFIGS

LOG = logging.getLogger(__name__)
INTERRUPTED = 130  # the exit code of what Ctrl-C ended


def train(config: DictConfig, folder: Path) -> dict[str, float]:
    """One run into `folder`: checkpoints/, logs/, provenance.json. Returns its last measures."""
    settings = read_settings(config)
    training = settings.config["training"]
    if training["threads"] is not None:
        torch.set_num_threads(training["threads"])
    fabric = _fabric(training)
    fabric.launch()
    if fabric.is_global_zero:
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    data = load_training_data(settings)
    trainer = Trainer(settings, data, folder, fabric)
    if fabric.is_global_zero:
        _describe(settings, trainer, folder)
    steps = trainer.updates * settings.optimization.max_epochs
    active = fabric.is_global_zero
    with Observer(folder, steps, trainer.step, bar=training["progress"], active=active) as observer:
        return trainer.fit(observer)


def _fabric(training: Mapping[str, Any]) -> Fabric:
    """The processes and devices of a run, torchrun's where that began it.

    Raises DataError where this machine has none such.
    """
    accelerator, devices, machines = training["accelerator"], training["devices"], 1
    if torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        machines = int(os.environ["WORLD_SIZE"]) // devices
    precision = _precision(training["precision"], accelerator)
    try:
        return Fabric(
            accelerator=accelerator, devices=devices, num_nodes=machines, plugins=precision
        )
    except (ImportError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(
            f"training.accelerator={accelerator} with training.devices={devices} is not to be had "
            f"here ({error}); leave both out to run on what there is."
        ) from error


class _Autocast(MixedPrecision):
    """Mixed precision that leaves targets and counts as they are: only products are cast."""

    def convert_input(self, data: Any) -> Any:
        return data


def _precision(wanted: str, accelerator: str) -> Precision:
    """What training.precision means on a device; DataError when it means nothing."""
    on_gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if wanted == "auto":
        wanted = "16-mixed" if on_gpu else "32-true"
    if wanted == "32-true":
        return Precision()
    if wanted == "bf16-mixed":
        return _Autocast("bf16-mixed", "cuda" if on_gpu else "cpu")
    if wanted == "16-mixed" and on_gpu:
        return _Autocast("16-mixed", "cuda")
    raise DataError(
        f"training.precision={wanted}: choose auto, 32-true or bf16-mixed, or 16-mixed on a GPU."
    )


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
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        train(config, folder)
    except KoemorphError as error:  # here, since Hydra makes a traceback of what leaves its job
        _give_up(error)
    except OSError as error:  # of the logs: checkpoints and features have their own words
        said = error.strerror or error
        _give_up(OutputError(f"the run ended: {said}; mend that and go on from `last`."))
    except KeyboardInterrupt:
        last = folder / "checkpoints" / "last.safetensors"
        whole = f"go on with checkpoint_path={last}" if last.is_file() else "no epoch was whole yet"
        print(f"koemorph: the run was stopped; {whole}.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _give_up(error: KoemorphError) -> NoReturn:
    print(f"koemorph: {error}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """The door; errors of KoeMorph become one sentence and exit code 2."""
    sys.argv[1:] = arguments = opened(sys.argv[1:])
    try:
        # Hydra's own words about a wrong key are many; of a sweep it knows more than we do.
        if not any(each.startswith(("-", "hydra")) for each in arguments):
            compose_config(arguments)
    except KoemorphError as error:
        _give_up(error)
    _run()
