"""Fixtures of the training tests: the babble corpus, and settings to train on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from babble import common_overrides, write_babble
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from koemorph.training.train import CONFIGS

Configure = Callable[..., DictConfig]


@pytest.fixture(scope="session")
def babble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recordings of four seconds in train/, two in dev/."""
    folder = tmp_path_factory.mktemp("babble")
    for number in range(8):
        split = "train" if number < 6 else "dev"
        write_babble(folder / split / f"clip_{number}", seed=number)
    return folder


@pytest.fixture(scope="session")
def configure(babble: Path, tmp_path_factory: pytest.TempPathFactory) -> Configure:
    """configure("key=value", ...) -> settings of a small, quick run on the babble."""
    cache = tmp_path_factory.mktemp("cache")

    def make(*overrides: str) -> DictConfig:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return compose("config", [*common_overrides(babble, cache), *overrides])

    return make
