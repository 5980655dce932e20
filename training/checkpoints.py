"""Checkpoints: one safetensors file with weights, averaged weights and optimizer state.

Loading never executes code. A file is written to a temporary name and renamed, so a crash or a
full disk does not damage an existing checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from koemorph.errors import ModelError
from koemorph.features import FeatureSettings
from koemorph.outputs.atomic import atomic_path

from .network import Network
from .network_settings import NetworkSettings

FORMAT = "koemorph-checkpoint-2"


@dataclass(frozen=True)
class Description:
    """The description of a checkpoint.

    config: the run's settings; epoch: the next epoch to train; step: optimizer steps done.
    """

    network: NetworkSettings
    features: FeatureSettings
    expression_features: str
    epoch: int = 0
    step: int = 0
    best: float = float("inf")
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return the description as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)})


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a file: tensors by group (network, average, optimizer) and name."""

    description: Description
    groups: dict[str, dict[str, Tensor]]

    def network(self, *, averaged: bool = True) -> Network:
        """Build the network with the averaged weights if there are any, else the trained ones."""
        network = Network(self.description.network)
        weights = dict(self.groups.get("network", {}))
        if averaged:
            weights.update(self.groups.get("average", {}))
        load_weights(network, weights, "the checkpoint")
        return network


def load_weights(network: Network, weights: Mapping[str, Tensor], where: str) -> None:
    """Load weights into a network; ModelError for another architecture."""
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if expected != found:
        names = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        raise ModelError(
            f"{where} is of another architecture than the settings describe: {names[0]} is "
            f"{found.get(names[0], 'missing')}, expected {expected.get(names[0], 'nothing')} "
            f"({len(names) - 1} more such differences). Train with the settings it was made with.",
            code="architecture_mismatch",
        )
    network.load_state_dict(dict(weights))


def save_checkpoint(
    path: Path, description: Description, groups: Mapping[str, Mapping[str, Tensor]]
) -> None:
    """Write a checkpoint; OutputError on failure, with the old file unchanged."""
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous().clone()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    # Not save_file(), which sets permissions for this user only.
    data = save(tensors, metadata={"koemorph": description.text()})
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint; ModelError for a file that is missing, damaged or of another kind."""
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"checkpoint {path} does not exist.", code="file_not_found")
    groups: dict[str, dict[str, Tensor]] = {}
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            for key in stored.keys():  # noqa: SIM118
                group, name = key.split("/", 1)
                groups.setdefault(group, {})[name] = stored.get_tensor(key)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not a checkpoint, or it is damaged ({error}); use another one.",
            code="invalid_checkpoint",
        ) from error
    if "koemorph" not in metadata:
        raise ModelError(
            f"{path} is a safetensors file, but not a checkpoint of KoeMorph.",
            code="invalid_checkpoint",
        )
    return Checkpoint(_describe(metadata["koemorph"], path), groups)


def _describe(text: str, path: Path) -> Description:
    try:
        stored = json.loads(text)
        found = stored.pop("format")
        if found != FORMAT:
            raise ModelError(
                f"{path} is of format {found}, {FORMAT} was expected: another version of KoeMorph "
                "wrote it. Train again with this version, for example from "
                "checkpoint_path=bundled, or use the version that wrote it.",
                code="format_mismatch",
            )
        features = stored.pop("features")
        features["window_intervals"] = tuple(features["window_intervals"])
        network = stored.pop("network")
        network["styles"] = tuple(network["styles"])
        if network.get("fixed_weights") is not None:
            network["fixed_weights"] = tuple(network["fixed_weights"])
        return Description(
            network=NetworkSettings(**network),
            features=FeatureSettings(**features),
            **stored,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: its description cannot be read ({error}).", code="invalid_checkpoint"
        ) from error
