"""The network: streaming and whole sequences have equal results, at both frame rates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from koemorph.blendshapes import INDEX
from koemorph.errors import ModelError
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.export import tensor_runner
from koemorph.training.network import Network
from koemorph.training.network_settings import NetworkSettings
from koemorph.training.predict import smooth_runs
from koemorph.training.streaming import AMBIENT_FLOOR, SILENCE_LEVEL, run_stream

SMALL = {"d_model": 32, "num_heads": 4, "channels": 16, "hidden": 8, "expression_dim": 16}


def network(fps: int, **changes: Any) -> Network:
    torch.manual_seed(0)
    settings = NetworkSettings(fps=fps, context_frames=256 * fps // 30, **{**SMALL, **changes})
    model = Network(settings).eval()
    torch.nn.init.normal_(model.mel_attention.position)
    assert model.trunk.conditioning is not None
    torch.nn.init.normal_(model.trunk.conditioning.shift.weight)
    return model


def inputs(model: Network, frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    settings = model.settings
    mel = torch.randn(2, settings.context_frames - 1 + frames, settings.mel_bands)
    detail = torch.randn(
        2, settings.trunk_history + frames, settings.detail_frames, settings.mel_bands
    )
    if not settings.expression_features:
        return mel, detail, None
    return mel, detail, torch.randn(2, frames, 3, settings.expression_features)


def numpy_inputs(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("expression_features", [88, 0])
@torch.no_grad()
def test_each_frame_of_a_sequence_equals_a_sequence_of_one_frame(
    fps: int, expression_features: int
) -> None:
    model = network(fps, expression_features=expression_features)
    mel, detail, expression = inputs(model, 9)
    chosen = torch.tensor([0, 1, 5, 8])
    raw = model.forward_sequence(
        mel, detail, chosen, None if expression is None else expression[:, chosen]
    )
    for column, frame in enumerate(chosen.tolist()):
        alone = model.forward_sequence(
            mel[:, frame : frame + model.settings.context_frames],
            detail[:, frame : frame + model.settings.trunk_history + 1],
            torch.zeros(1, dtype=torch.int64),
            None if expression is None else expression[:, frame : frame + 1],
        )
        torch.testing.assert_close(raw[:, column : column + 1], alone, atol=1e-5, rtol=0)
    assert raw.std() > 1e-3


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("expression_features", [88, 0])
@torch.no_grad()
def test_streaming_from_the_start_equals_the_sequence(fps: int, expression_features: int) -> None:
    """The states contain all data of earlier frames that `forward` needs."""
    model = network(fps, expression_features=expression_features)
    settings, frames = model.settings, 300
    mel, detail, expression = inputs(model, frames)
    mel[:, : settings.context_frames - 1] = mel[:, settings.context_frames - 1, None].clamp(
        max=AMBIENT_FLOOR
    )
    detail[:, : settings.trunk_history] = detail[:, settings.trunk_history, None].clamp(
        max=AMBIENT_FLOOR
    )
    raw = model.forward_sequence(mel, detail, torch.arange(frames), expression)
    expected = smooth_runs(model, raw[:, None], torch.zeros(2, 1, 52))[:, 0]
    frame_inputs = [
        {
            "mel": window[:, -1],
            "pooled_context": window.unflatten(1, (-1, settings.pool_frames)).mean(2)[:, :-1],
            "detail": detail[:, settings.trunk_history + frame],
            **({} if expression is None else {"egemaps": expression[:, frame]}),
        }
        for frame, window in enumerate(mel.unfold(1, settings.context_frames, 1).mT.unbind(1))
    ]
    run = tensor_runner(lambda inputs: model(*inputs))
    found = run_stream(run, [numpy_inputs(each) for each in frame_inputs], settings.state_layout)
    np.testing.assert_allclose(found.swapaxes(0, 1), expected.numpy(), atol=1e-5)


@torch.no_grad()
def test_each_sequence_of_a_batch_has_its_own_style() -> None:
    model = network(30, styles=("neutral", "lively"))
    torch.nn.init.normal_(model.style_hidden_bias)
    torch.nn.init.normal_(model.style_output_weight)
    mel, detail, expression = inputs(model, 2)
    frames = torch.arange(2)
    mixed = model.forward_sequence(mel, detail, frames, expression, torch.tensor([[0.0], [1.0]]))
    plain = model.forward_sequence(mel, detail, frames, expression)
    model.set_style({"lively": 1.0})
    lively = model.forward_sequence(mel, detail, frames, expression)
    torch.testing.assert_close(mixed[0], plain[0])
    torch.testing.assert_close(mixed[1], lively[1])
    assert (plain - lively).abs().max() > 0.01


@torch.no_grad()
def test_a_60_fps_network_equals_the_30_fps_one_on_equal_input() -> None:
    slow, fast = network(30), network(60)
    fast.load_state_dict(slow.state_dict())
    mel, detail, expression = inputs(fast, 1)
    assert expression is not None
    # The newest frame and every second one before it; blocks average pairs of equal frames.
    mel = mel[:, 1::2].repeat_interleave(2, dim=1)
    detail = detail[:, ::2].repeat_interleave(2, dim=1)[:, 1:]
    newest = torch.zeros(1, dtype=torch.int64)
    fast_raw = fast.forward_sequence(mel, detail, newest, expression)
    slow_raw = slow.forward_sequence(mel[:, 1::2], detail[:, ::2], newest, expression)
    torch.testing.assert_close(fast_raw, slow_raw, atol=1e-5, rtol=0)
    delays = [model.alpha / (1 - model.alpha) / model.settings.fps for model in (slow, fast)]
    torch.testing.assert_close(*delays)
    torch.testing.assert_close(slow.alpha, torch.sigmoid(slow.alpha_logit))


@torch.no_grad()
def test_zero_functionals_are_neutral_for_any_mean_and_scale() -> None:
    model = network(30)
    model.expression_mean.fill_(100.0)
    model.expression_scale.fill_(0.1)
    mel, detail, expression = inputs(model, 1)
    assert expression is not None
    newest = torch.zeros(1, dtype=torch.int64)
    silent = model.forward_sequence(mel, detail, newest, torch.zeros_like(expression))
    model.expression_mean.fill_(0.0)
    same = model.forward_sequence(mel, detail, newest, torch.zeros_like(expression))
    torch.testing.assert_close(silent, same)
    other = model.forward_sequence(mel, detail, newest, 10 * expression)
    assert (other - silent).abs().max() > 1e-4


@torch.no_grad()
def test_outputs_are_in_0_1_and_smoothing_continues_from_previous() -> None:
    model = network(30)
    mel, detail, expression = inputs(model, 1)
    raw = model.forward_sequence(
        10 * mel + SILENCE_LEVEL, detail, torch.zeros(1, dtype=torch.int64), expression
    )
    assert raw.min() >= 0.0
    assert raw.max() <= 1.0
    raw = torch.rand(1, 2, 5, 52)
    before = torch.rand(1, 2, 52)
    smoothed = smooth_runs(model, raw, before)
    state = before
    for frame in range(5):
        state = model.alpha * state + (1 - model.alpha) * raw[:, :, frame]
        torch.testing.assert_close(smoothed[:, :, frame], state)


def test_fixed_weights_and_fixed_alpha_get_no_gradient() -> None:
    model = network(30, fixed_weights=(0.0, 1.0), fixed_alpha=0.25)
    mel, detail, expression = inputs(model, 1)
    newest = torch.zeros(1, dtype=torch.int64)
    expression_only = model.forward_sequence(mel, detail, newest, expression)
    torch.testing.assert_close(
        model.forward_sequence(mel + 1.0, detail, newest, expression), expression_only
    )
    torch.testing.assert_close(model.alpha, torch.full((52,), 0.25))
    model.smooth(expression_only, torch.zeros(2, 1, 52)).sum().backward()
    assert model.alpha_logit.grad is None
    assert model.stream_logits.grad is None


def test_the_mouth_uses_the_mel_stream_and_the_expression_both_streams() -> None:
    model = network(30)
    ratios = model.stream_weights[:, 0].detach()
    assert ratios[INDEX["jawOpen"]] > 0.95
    torch.testing.assert_close(ratios[INDEX["browInnerUp"]], torch.tensor(0.5))
    mel, detail, expression = inputs(model, 1)
    newest = torch.zeros(1, dtype=torch.int64)
    moved = model.forward_sequence(mel, detail, newest, expression * 3) - model.forward_sequence(
        mel, detail, newest, expression
    )
    assert moved[..., INDEX["jawOpen"]].abs().max() < 1e-5
    assert moved[..., INDEX["browInnerUp"]].abs().max() > 1e-4
    model.forward_sequence(mel, detail, newest, expression).sum().backward()
    assert model.stream_logits.grad[INDEX["jawOpen"]].abs().max() < 1e-5
    assert model.stream_logits.grad[INDEX["browInnerUp"]].abs().max() > 1e-5


def test_a_checkpoint_of_an_older_format_is_rejected(tmp_path: Path) -> None:
    model = Network(NetworkSettings(**SMALL))
    path = tmp_path / "old.safetensors"
    tensors = {f"network/{name}": tensor for name, tensor in model.state_dict().items()}
    save_file(tensors, path, {"koemorph": json.dumps({"format": "koemorph-checkpoint-1"})})
    with pytest.raises(ModelError, match=r"koemorph-checkpoint-1.*checkpoint_path=bundled"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fps": 25}, "multiple of 30"),
        ({"d_model": 30}, "heads"),
        ({"context_frames": 100}, "multiple of 32"),
        ({"context_frames": 16}, "at least 96"),
        ({"fixed_alpha": 1.0}, "alpha"),
    ],
)
def test_invalid_network_settings_raise_value_errors(changes: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        NetworkSettings(**{**SMALL, **changes})
