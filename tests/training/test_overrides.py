"""Overrides of the original KoeMorph: each sets its value, or is in the table of changes
(docs/how-to/migrate.md).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from koemorph.errors import DataError
from koemorph.training.settings import Settings, compose_config, read_settings
from koemorph.training.train import train

Configure = Callable[..., DictConfig]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "migrate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("override", "look", "expected"),
    [
        ("data=koemorph_v2", lambda s: list(s.train), ["train"]),
        ("data=koemorph_v1", lambda s: s.validation["val"], Path("data/val")),
        ("data.train_data_dir=/a/b", lambda s: s.train["b"], Path("/a/b")),
        ("data.val_data_dir=data/val", lambda s: s.validation["val"], Path("data/val")),
        ("data.batch_size=16", lambda s: s.data.batch_size, 16),
        ("data.window_frames=128", lambda s: s.network.context_frames, 128),
        ("data.stride_mode=dense", lambda s: s.data.stride_mode, "dense"),
        ("data.stride_mode=mixed", lambda s: s.data.stride_mode, "mixed"),
        ("data.stride_mode=sparse", lambda s: s.data.stride_mode, "sparse"),
        ("data.stride_mode=progressive", lambda s: s.data.stride_mode, "progressive"),
        ("data.stride_frames=2", lambda s: s.data.stride_frames, 2),
        ("data.initial_stride=32", lambda s: s.data.initial_stride, 32),
        ("data.final_stride=4", lambda s: s.data.final_stride, 4),
        ("data.dense_sampling_ratio=0.2", lambda s: s.data.dense_sampling_ratio, 0.2),
        ("data.max_files=3", lambda s: s.data.max_files, 3),
        ("data.num_workers=4", lambda s: s.data.num_workers, 4),
        ("data.pin_memory=true", lambda s: s.data.pin_memory, True),
        ("data.target_fps=60", lambda s: s.features.fps, 60),
        ("data.use_timecode=false", lambda s: s.data.use_timecode, False),
        ("data.verify_sync=true", lambda s: s.data.verify_sync, True),
        ("data.auto_detect_fps=false", lambda s: s.data.auto_detect_fps, False),
        ("model.d_model=512", lambda s: s.network.d_model, 512),
        ("model.attention.num_heads=4", lambda s: s.network.num_heads, 4),
        ("model.attention.emotion_dim=128", lambda s: s.network.expression_dim, 128),
        (
            "model.dual_stream_attention.temperature=0.1",
            lambda s: s.network.temperature,
            0.1,
        ),
        ("model.emotion_config.backend=emotion2vec", lambda s: s.network.expression_features, 768),
        ("model.emotion_config.backend=opensmile", lambda s: s.expression.name, "opensmile"),
        (
            "model.emotion_config.use_concatenation=false",
            lambda s: s.network.expression_windows,
            1,
        ),
        (
            "model.emotion_config.window_intervals=[0.0,0.6]",
            lambda s: s.features.window_intervals,
            (0.0, 0.6),
        ),
        ("model.emotion_config.context_window=10.0", lambda s: s.features.context_window, 10.0),
        ("model.emotion_config.update_interval=0.1", lambda s: s.features.update_interval, 0.1),
        ("features.emotion.context_window=30.0", lambda s: s.features.context_window, 30.0),
        ("features.emotion.update_interval=0.5", lambda s: s.features.update_interval, 0.5),
        ("training.max_epochs=150", lambda s: s.training.max_epochs, 150),
        ("training.optimizer.lr=3e-4", lambda s: s.training.optimizer.lr, 3e-4),
        ("training.accumulate_grad_batches=4", lambda s: s.training.accumulate_grad_batches, 4),
        ("loss.temporal_weight=0.3", lambda s: s.loss.temporal_weight, 0.3),
        ("checkpoint_path=a/last.safetensors", lambda s: s.checkpoint, Path("a/last.safetensors")),
        ("debug=true", lambda s: s.data.max_files, 5),
    ],
)
def test_an_override_of_the_original_readme_sets_its_value(
    override: str, look: Callable[[Settings], Any], expected: Any
) -> None:
    assert look(read_settings(compose_config([override]))) == expected
    key, value = override.split("=")
    names = [key.rsplit(".", 1)[0] + ".*", key, f"`{key.rsplit('.', 1)[-1]}`", override]
    assert any(name in PAGE for name in [*names, value]), f"{key} is not in docs/how-to/migrate.md"


@pytest.mark.parametrize("plus", ["", "+"])
@pytest.mark.parametrize(
    ("override", "look", "expected"),
    [
        ("data.lead_seconds={train: 0.1}", lambda s: s.data.lead_seconds, {"train": 0.1}),
        ("data.lead_seconds.train=0.1", lambda s: s.data.lead_seconds, {"train": 0.1}),
        ("data.source_weights.train=2", lambda s: s.data.source_weights, {"train": 2}),
        ("data.styles={train: lively}", lambda s: s.network.styles, ("neutral", "lively")),
        (
            "data.source_weights={train:\n  0.5}",
            lambda s: s.data.source_weights,
            {"train": 0.5},
        ),
        (
            "data.unlabelled.train=[jawOpen,jawLeft]",
            lambda s: s.unlabelled,
            {"train": ("jawOpen", "jawLeft")},
        ),
        ("data.unlabelled.train=jawOpen", lambda s: s.unlabelled, {"train": ("jawOpen",)}),
    ],
)
def test_dictionary_settings_are_given_like_all_others(
    plus: str, override: str, look: Callable[[Settings], Any], expected: Any
) -> None:
    assert look(read_settings(compose_config([f"{plus}{override}"]))) == expected


@pytest.mark.parametrize(
    "override",
    [
        "data.sequential.window_frames=512",
        "data.sequential.stride_frames=256",
        "data.metadata.use_timecode=true",
        "data.emotion_config.backend=opensmile",
        "data.windowframes=128",
        "loss.temporal=0.3",
        "optimizer.lr=1",
        "data=koemorph_v3",
    ],
)
def test_removed_and_unknown_settings_fail_and_removed_ones_are_documented(override: str) -> None:
    key = override.split("=", maxsplit=1)[0]
    with pytest.raises(DataError, match=key.replace(".", r"\.")):
        compose_config([override])
    if key.startswith(("data.sequential", "data.metadata")):
        assert f"`{key}`" in PAGE
    if key.startswith("data.emotion_config"):
        assert "`data.emotion_config`" in PAGE


def test_the_runs_of_the_original_readme_train_and_resume(
    configure: Configure, tmp_path: Path
) -> None:
    first = configure(
        "data=koemorph_v2",
        "debug=true",
        "data.max_files=3",
        "data.stride_mode=mixed",
        "data.dense_sampling_ratio=0.5",
        "data.window_frames=128",
        "data.num_workers=2",
        "data.pin_memory=true",
        "training.accumulate_grad_batches=4",
        "training.max_epochs=1",
        "model.dual_stream_attention.temperature=0.05",
        "features.emotion.update_interval=0.5",
        "features.emotion.context_window=30.0",
        "loss.temporal_weight=0.3",
    )
    train(first, tmp_path / "first")
    first.checkpoint_path = str(tmp_path / "first" / "checkpoints" / "last.safetensors")
    first.data.stride_mode = "dense"
    first.training.max_epochs = 2
    measures = train(first, tmp_path / "second")
    assert 0 < measures["error"] < 1
