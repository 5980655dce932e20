"""Fixtures of the training tests: the babble corpus, and settings to train on it."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from babble import common_overrides, write_babble
from omegaconf import DictConfig

from koemorph.training import research_backends
from koemorph.training.settings import compose_config

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
        return compose_config([*common_overrides(babble, cache), *overrides])

    return make


@pytest.fixture
def funasr(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A fake of FunASR without weights; yields the number of samples of each call."""
    sample_counts: list[int] = []

    class AutoModel:
        """Returns the mean of the audio as embedding."""

        def __init__(self, model: str, disable_update: bool) -> None:
            assert model == research_backends.EMOTION2VEC

        def generate(
            self, sound: np.ndarray, granularity: str, extract_embedding: bool, disable_pbar: bool
        ) -> list[dict[str, Any]]:
            assert granularity == "utterance"
            assert extract_embedding
            sample_counts.append(len(sound))
            return [{"key": "rand", "feats": np.full(768, np.abs(sound).mean(), np.float32)}]

    fake = types.ModuleType("funasr")
    fake.AutoModel = AutoModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "funasr", fake)
    research_backends._emotion2vec_model.cache_clear()
    yield sample_counts
    research_backends._emotion2vec_model.cache_clear()
