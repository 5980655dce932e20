"""The processes, devices and number formats of a run."""

from __future__ import annotations

import os
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision, Precision

from koemorph.errors import DataError

from .config import TrainingConfig


def launch_fabric(training: TrainingConfig) -> Fabric:
    """Start the processes of a run; with torchrun, join those that it started.

    Args:
        training: accelerator, devices and precision.

    Returns:
        The launched Fabric.

    Raises:
        DataError: Where this machine has no such devices.
    """
    accelerator, devices, machines = training.accelerator, training.devices, 1
    if torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        machines = int(os.environ["WORLD_SIZE"]) // devices
    precision = _precision(training.precision, accelerator)
    try:
        fabric = Fabric(
            accelerator=accelerator, devices=devices, num_nodes=machines, plugins=precision
        )
    except (ImportError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(
            f"training.accelerator={accelerator} with training.devices={devices} is not available "
            f"here ({error}). Leave both out to use what is available.",
            code="no_device",
        ) from error
    fabric.launch()
    return fabric


class _Autocast(MixedPrecision):
    """Mixed precision without conversion of the inputs: targets and counts stay float32."""

    def convert_input(self, data: Any) -> Any:
        return data


def _precision(name: str, accelerator: str) -> Precision:
    on_gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if name == "auto":
        name = "16-mixed" if on_gpu else "32-true"
    if name == "32-true":
        return Precision()
    if name == "bf16-mixed":
        return _Autocast("bf16-mixed", "cuda" if on_gpu else "cpu")
    if name == "16-mixed" and on_gpu:
        return _Autocast("16-mixed", "cuda")
    raise DataError(
        f"training.precision={name} needs a CUDA GPU, none is used. Choose auto, 32-true or "
        "bf16-mixed, or 16-mixed on a GPU.",
        code="no_device",
    )
