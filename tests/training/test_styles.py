"""Speaking styles: one network is trained on two, and exports each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from babble import RATE, write_babble
from click.testing import CliRunner
from error_code import raises_code
from omegaconf import DictConfig

from koemorph import Model, cli
from koemorph.blendshapes import INDEX
from koemorph.errors import DataError, ModelError
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.datasets.recordings import read_audio
from koemorph.training.evaluate import open_model
from koemorph.training.styles import set_style
from koemorph.training.train import train

Configure = Callable[..., DictConfig]


@pytest.fixture(scope="module")
def two_styles(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint trained on the same audio with two openings of the mouth."""
    folder = tmp_path_factory.mktemp("styles")
    for name, opening in (("plain", 0.3), ("wide", 0.9)):
        for seed in range(4):
            write_babble(folder / name / f"clip_{seed}", seed, opening=opening)
    train(
        configure(
            f"data.train_data_dir={{plain: {folder / 'plain'}, wide: {folder / 'wide'}}}",
            f"data.val_data_dir={folder / 'plain'}",
            "+data.styles.wide=lively",
            "training.max_epochs=1",
            "training.max_steps_per_epoch=120",
            "training.optimizer.lr=1e-2",
            "training.ema_decay=0",
        ),
        folder / "run",
    )
    return folder / "run" / "checkpoints" / "last.safetensors"


def test_each_style_moves_as_its_source(two_styles: Path, babble: Path) -> None:
    audio, rate = read_audio(babble / "dev" / "clip_6" / "audio.wav")
    opened = {
        style: open_model(two_styles, style).animate(audio, rate)[:, INDEX["jawOpen"]].std()
        for style in ("neutral", "lively", "neutral=0.5,lively=0.5")
    }
    assert opened["lively"] > 1.5 * opened["neutral"]
    assert opened["neutral"] < opened["neutral=0.5,lively=0.5"] < opened["lively"]


def test_an_exported_model_has_the_requested_style(two_styles: Path, tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    for style in ("neutral", "lively"):
        path = tmp_path / f"{style}.onnx"
        arguments = ["export", str(two_styles), "-o", str(path), "--style", style]
        result = CliRunner().invoke(cli.cli, arguments)
        assert result.exit_code == 0, result.output
        model = Model(path)
        assert model.metadata()["style"] == style
        exported = model.animate(noise, sample_rate=RATE, preset="raw").weights
        expected = open_model(two_styles, style).animate(noise, RATE)
        np.testing.assert_allclose(exported, expected, atol=1e-4)
        with raises_code(DataError, "style_of_model"):
            open_model(path, style)


def test_resuming_with_other_styles_raises_an_error(
    two_styles: Path, configure: Configure, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"styles neutral, lively, these settings make neutral, s"):
        train(configure(f"checkpoint_path={two_styles}", "+data.styles.train=sad"), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("angry", "unknown style angry, expected one of neutral, lively"),
        ("neutral=0.5", "sum to 1"),
        ("neutral=much", "could not convert"),
    ],
)
def test_an_invalid_style_raises_an_error(two_styles: Path, text: str, words: str) -> None:
    network = load_checkpoint(two_styles).network()
    with pytest.raises(DataError, match=words):
        set_style(network, text)
