"""The bundled models: metadata, and their weights in silence and speech."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from omegaconf import DictConfig

import koemorph
from koemorph.blendshapes import BLENDSHAPES
from koemorph.model import MODELS, bundled_models
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.export import onnx_runner, tensor_runner
from koemorph.training.settings import BUNDLED_CHECKPOINT
from koemorph.training.streaming import run_stream
from koemorph.training.train import train

JAW = BLENDSHAPES.index("jawOpen")
SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"


@pytest.fixture(scope="module", params=bundled_models())
def model(request: pytest.FixtureRequest) -> koemorph.Model:
    return koemorph.Model(request.param)


@pytest.mark.parametrize("name", bundled_models())
def test_a_model_is_small_and_in_the_model_card(name: str) -> None:
    path = bundled_models()[name]
    assert path.stat().st_size <= 4_000_000
    card = (MODELS / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert path.stem in card
    assert "CC BY 4.0" in card


def test_expression_features_of_the_bundled_models() -> None:
    needed = {
        name: koemorph.Model(name).metadata()["expression_features"] for name in bundled_models()
    }
    assert needed == {"30": "native", "60": "native", "30-lively": "native", "30-fast": "none"}


def test_the_lively_style_moves_more() -> None:
    speech, rate = soundfile.read(SAMPLE, dtype="float32")
    plain, lively = (
        koemorph.Model(name).animate(speech, sample_rate=rate, preset="raw").weights[:, JAW]
        for name in ("30", "30-lively")
    )
    assert lively.std() > 1.1 * plain.std()


def test_the_mouth_is_closed_in_silence(model: koemorph.Model) -> None:
    weights = model.animate(np.zeros(48000, np.float32), sample_rate=16000).weights
    assert weights[:, JAW].mean() <= 0.02


def test_the_jaw_moves_in_speech_and_closes_after_it(model: koemorph.Model) -> None:
    speech, rate = soundfile.read(SAMPLE, dtype="float32")
    quiet = np.zeros(rate, np.float32)
    animation = model.animate(np.concatenate([speech, quiet]), sample_rate=rate)
    jaw = animation.weights[:, JAW]
    spoken = animation.times < len(speech) / rate
    assert jaw[spoken].std() > 0.03
    assert jaw[-animation.fps // 2 :].mean() < 0.3 * jaw[spoken].mean()


def test_the_bundled_checkpoint_is_the_bundled_model() -> None:
    assert BUNDLED_CHECKPOINT.stat().st_size <= 4_000_000
    network = load_checkpoint(BUNDLED_CHECKPOINT).network()
    settings = network.settings
    torch.manual_seed(0)
    frame = {
        "mel": torch.randn(1, settings.mel_bands),
        "pooled_context": torch.randn(1, settings.pooled_rows, settings.mel_bands),
        "detail": torch.randn(1, settings.detail_frames, settings.mel_bands),
        "egemaps": torch.randn(1, settings.expression_windows, settings.expression_features),
    }
    frames = [{name: value.numpy() for name, value in frame.items()}] * 40
    layout = settings.state_layout
    with torch.no_grad():
        expected = run_stream(tensor_runner(lambda inputs: network(*inputs)), frames, layout)
    run = onnx_runner(bundled_models()["30"].read_bytes())
    found = run_stream(run, frames, replace(layout, embedding_size=settings.hidden))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_training_resumes_from_the_bundled_checkpoint(
    configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    usual = ("d_model=256", "channels=128", "hidden=32", "attention.num_heads=8")
    train(
        configure(
            "checkpoint_path=bundled",
            *(f"model.{setting}" for setting in (*usual, "attention.emotion_dim=256")),
            "training.max_epochs=1",
            "training.max_steps_per_epoch=1",
        ),
        tmp_path,
    )
    found = load_checkpoint(tmp_path / "checkpoints" / "last.safetensors")
    start = load_checkpoint(BUNDLED_CHECKPOINT)
    assert found.description.step == 1
    moved = [
        (found.groups["network"][name] - tensor).abs().max().item()
        for name, tensor in start.groups["network"].items()
    ]
    assert 0 < max(moved) < 0.01
