"""The network: one frame at a time and all at once are the same, at both frame rates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from koemorph.blendshapes import INDEX
from koemorph.features import FeatureSettings
from koemorph.training.checkpoints import Description, load_checkpoint, save_checkpoint
from koemorph.training.export import past_of
from koemorph.training.layers import QUIET_ROOM, SILENCE
from koemorph.training.network import Network, NetworkSettings
from koemorph.training.predict import smooth_runs

SMALL = {"d_model": 32, "num_heads": 4, "channels": 16, "hidden": 8, "emotion_dim": 16}


def network(fps: int, **changes: Any) -> Network:
    torch.manual_seed(0)
    settings = NetworkSettings(fps=fps, context_frames=256 * fps // 30, **{**SMALL, **changes})
    made = Network(settings).eval()
    torch.nn.init.normal_(made.mel_attention.position)
    assert made.trunk.tuning is not None
    torch.nn.init.normal_(made.trunk.tuning.shift.weight)
    return made


def inputs(made: Network, frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    settings = made.settings
    mel = torch.randn(2, settings.context_frames - 1 + frames, settings.mel_bands)
    detail = torch.randn(
        2, settings.trunk_past + frames, settings.detail_frames, settings.mel_bands
    )
    if not settings.emotion_features:
        return mel, detail, None
    return mel, detail, torch.randn(2, frames, 3, settings.emotion_features)


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("emotion_features", [88, 0])
@torch.no_grad()
def test_a_sequence_is_its_frames(fps: int, emotion_features: int) -> None:
    made = network(fps, emotion_features=emotion_features)
    mel, detail, emotion = inputs(made, 9)
    chosen = torch.tensor([0, 1, 5, 8])
    raw = made.sequence(mel, detail, chosen, None if emotion is None else emotion[:, chosen])
    for column, frame in enumerate(chosen.tolist()):
        alone = made.sequence(
            mel[:, frame : frame + made.settings.context_frames],
            detail[:, frame : frame + made.settings.trunk_past + 1],
            torch.zeros(1, dtype=torch.int64),
            None if emotion is None else emotion[:, frame : frame + 1],
        )
        torch.testing.assert_close(raw[:, column : column + 1], alone, atol=1e-5, rtol=0)
    assert raw.std() > 1e-3


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("emotion_features", [88, 0])
@torch.no_grad()
def test_frame_after_frame_from_nothing_is_the_sequence(fps: int, emotion_features: int) -> None:
    """What `forward` is handed of earlier frames is all that it needs of them."""
    made = network(fps, emotion_features=emotion_features)
    settings, frames = made.settings, 300
    mel, detail, emotion = inputs(made, frames)
    mel[:, : settings.context_frames - 1] = mel[:, settings.context_frames - 1, None].clamp(
        max=QUIET_ROOM
    )
    detail[:, : settings.trunk_past] = detail[:, settings.trunk_past, None].clamp(max=QUIET_ROOM)
    raw = made.sequence(mel, detail, torch.arange(frames), emotion)
    expected = smooth_runs(made, raw[:, None], torch.zeros(2, 1, 52))[:, 0]
    previous = torch.zeros(2, 52)

    def ask(
        frame: int, previous: torch.Tensor, before: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        window = mel[:, frame : frame + settings.context_frames]
        past = [
            past_of([present[voice].numpy() for present in presents], settings)
            for voice in range(2)
        ]
        answer: tuple[torch.Tensor, torch.Tensor] = made(
            mel[:, frame + settings.context_frames - 1 - before],
            window.unflatten(1, (-1, settings.block_frames)).mean(2)[:, :-1],
            detail[:, settings.trunk_past + frame - before],
            previous,
            torch.from_numpy(np.concatenate(past)),
            None if emotion is None else emotion[:, frame],
        )
        return answer

    presents: list[torch.Tensor] = [torch.zeros(2, len(settings.dilations) * settings.channels)]
    for _ in settings.dilations:
        presents = [ask(0, previous, before=True)[1]]
    for frame in range(frames):
        previous, present = ask(frame, previous)
        presents.append(present)
        torch.testing.assert_close(previous, expected[:, frame], atol=1e-5, rtol=0)


@torch.no_grad()
def test_sequences_speak_a_style_each() -> None:
    made = network(30, styles=("neutral", "lively"))
    torch.nn.init.normal_(made.style_bias)
    torch.nn.init.normal_(made.style_readout)
    mel, detail, emotion = inputs(made, 2)
    frames = torch.arange(2)
    mixed = made.sequence(mel, detail, frames, emotion, torch.tensor([[0.0], [1.0]]))
    plain = made.sequence(mel, detail, frames, emotion)
    made.speak({"lively": 1.0})
    lively = made.sequence(mel, detail, frames, emotion)
    torch.testing.assert_close(mixed[0], plain[0])
    torch.testing.assert_close(mixed[1], lively[1])
    assert (plain - lively).abs().max() > 0.01


@torch.no_grad()
def test_sixty_frames_are_thirty_asked_twice_as_often() -> None:
    slow, fast = network(30), network(60)
    fast.load_state_dict(slow.state_dict())
    mel, detail, emotion = inputs(fast, 1)
    assert emotion is not None
    # The newest frame and every second one before it; blocks average pairs of equal frames.
    mel = mel[:, 1::2].repeat_interleave(2, dim=1)
    detail = detail[:, ::2].repeat_interleave(2, dim=1)[:, 1:]
    newest = torch.zeros(1, dtype=torch.int64)
    fast_raw = fast.sequence(mel, detail, newest, emotion)
    slow_raw = slow.sequence(mel[:, 1::2], detail[:, ::2], newest, emotion)
    torch.testing.assert_close(fast_raw, slow_raw, atol=1e-5, rtol=0)
    delays = [made.alpha / (1 - made.alpha) / made.settings.fps for made in (slow, fast)]
    torch.testing.assert_close(*delays)
    torch.testing.assert_close(slow.alpha, torch.sigmoid(slow.alpha_logit))


@torch.no_grad()
def test_nothing_measured_yet_is_neutral_whatever_the_scale() -> None:
    made = network(30)
    made.emotion_mean.fill_(100.0)
    made.emotion_scale.fill_(0.1)
    mel, detail, emotion = inputs(made, 1)
    assert emotion is not None
    newest = torch.zeros(1, dtype=torch.int64)
    silent = made.sequence(mel, detail, newest, torch.zeros_like(emotion))
    made.emotion_mean.fill_(0.0)
    same = made.sequence(mel, detail, newest, torch.zeros_like(emotion))
    torch.testing.assert_close(silent, same)
    other = made.sequence(mel, detail, newest, 10 * emotion)
    assert (other - silent).abs().max() > 1e-4


@torch.no_grad()
def test_outputs_stay_in_range_and_smoothing_keeps_its_state() -> None:
    made = network(30)
    mel, detail, emotion = inputs(made, 1)
    raw = made.sequence(10 * mel + SILENCE, detail, torch.zeros(1, dtype=torch.int64), emotion)
    assert raw.min() >= 0.0
    assert raw.max() <= 1.0
    raw = torch.rand(1, 2, 5, 52)
    before = torch.rand(1, 2, 52)
    smoothed = smooth_runs(made, raw, before)
    state = before
    for frame in range(5):
        state = made.alpha * state + (1 - made.alpha) * raw[:, :, frame]
        torch.testing.assert_close(smoothed[:, :, frame], state)


def test_what_is_fixed_is_not_learned() -> None:
    made = network(30, fixed_weights=(0.0, 1.0), fixed_alpha=0.25)
    mel, detail, emotion = inputs(made, 1)
    newest = torch.zeros(1, dtype=torch.int64)
    deaf = made.sequence(mel, detail, newest, emotion)
    torch.testing.assert_close(made.sequence(mel + 1.0, detail, newest, emotion), deaf)
    torch.testing.assert_close(made.alpha, torch.full((52,), 0.25))
    made.smooth(deaf, torch.zeros(2, 1, 52)).sum().backward()
    assert made.alpha_logit.grad is None
    assert made.stream_logits.grad is None


def test_the_mouth_hears_the_mel_stream_alone_and_the_expression_both() -> None:
    made = network(30)
    shares = made.stream_weights[:, 0].detach()
    assert shares[INDEX["jawOpen"]] > 0.95
    torch.testing.assert_close(shares[INDEX["browInnerUp"]], torch.tensor(0.5))
    mel, detail, emotion = inputs(made, 1)
    newest = torch.zeros(1, dtype=torch.int64)
    moved = made.sequence(mel, detail, newest, emotion * 3) - made.sequence(
        mel, detail, newest, emotion
    )
    assert moved[..., INDEX["jawOpen"]].abs().max() < 1e-5
    assert moved[..., INDEX["browInnerUp"]].abs().max() > 1e-4
    made.sequence(mel, detail, newest, emotion).sum().backward()
    assert made.stream_logits.grad[INDEX["jawOpen"]].abs().max() < 1e-5
    assert made.stream_logits.grad[INDEX["browInnerUp"]].abs().max() > 1e-5


def test_a_checkpoint_that_says_nothing_of_tuning_is_untuned(tmp_path: Path) -> None:
    made = Network(NetworkSettings(**SMALL, tuned=False))
    described = Description(made.settings, FeatureSettings(), "native")
    save_checkpoint(tmp_path / "new.safetensors", described, {"network": made.state_dict()})
    with safe_open(tmp_path / "new.safetensors", framework="pt") as stored:
        told = json.loads(stored.metadata()["koemorph"])
    del told["network"]["tuned"]
    tensors = {f"network/{name}": tensor for name, tensor in made.state_dict().items()}
    save_file(tensors, tmp_path / "old.safetensors", {"koemorph": json.dumps(told)})
    loaded = load_checkpoint(tmp_path / "old.safetensors").network()
    assert loaded.trunk.tuning is None
    torch.testing.assert_close(loaded.trunk.enter.weight, made.trunk.enter.weight)


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
def test_impossible_shapes_are_refused(changes: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        NetworkSettings(**{**SMALL, **changes})
