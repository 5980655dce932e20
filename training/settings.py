"""The settings of a run: the checked configuration and the values derived from it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.model import MODELS

from .composition import check_settings, compose_config, resolved
from .config import Config, DataConfig, LossConfig, ModelConfig, TrainingConfig
from .expression import ExpressionBackend, expression_backend
from .network_settings import NEUTRAL, NetworkSettings

__all__ = ["BUNDLED_CHECKPOINT", "Settings", "compose_config", "read_settings"]

# `checkpoint_path=bundled`: koemorph-30 in its one style, without an optimizer.
BUNDLED_CHECKPOINT = MODELS / "koemorph-30.safetensors"
RELEASES = "https://github.com/atsuki-ichikawa/KoeMorph/releases/download"
CONTEXT_SECONDS = 256 / 30
DEBUG_FILES, DEBUG_EPOCHS, DEBUG_STEPS = 5, 2, 10


@dataclass(frozen=True)
class Settings:
    """The checked configuration of a run and the values derived from it.

    Attributes:
        data, loss, training, seed: As configured; with debug=true smaller.
        network: The network's shape.
        features: Settings of the audio features.
        expression: The backend of the expression features.
        train, validation: Folders of recordings by source.
        unlabelled: Blend shapes that a source does not label.
        freeze_except: Blend shapes to train alone; empty: all.
        checkpoint: The checkpoint to start from.
        plain: The configuration as it was given, for checkpoints.
    """

    data: DataConfig
    loss: LossConfig
    training: TrainingConfig
    seed: int
    network: NetworkSettings
    features: FeatureSettings
    expression: ExpressionBackend
    train: Mapping[str, Path]
    validation: Mapping[str, Path]
    unlabelled: Mapping[str, tuple[str, ...]]
    freeze_except: tuple[str, ...]
    checkpoint: Path | None
    plain: Mapping[str, Any]


def read_settings(config: DictConfig) -> Settings:
    """Check a composed configuration and derive the settings of a run.

    Args:
        config: From compose_config, or Hydra's.

    Returns:
        The settings.

    Raises:
        DataError: For the first setting that is out of range or does not fit the others.
    """
    plain = resolved(config)
    check_settings(plain)
    values = OmegaConf.to_object(config)
    assert isinstance(values, Config)
    _check_loss(values.loss)
    if values.debug:
        _shorten(values)
    if not values.training.sequential:
        values.data.run_frames = 1
    expression = expression_backend(values.model.emotion_config.backend)
    features = _features(values)
    data = values.data
    train = _folders(data.train_data_dir, "data.train_data_dir")
    validation = _folders(data.val_data_dir, "data.val_data_dir")
    _check_sources(data, {*train, *validation})
    return Settings(
        data=data,
        loss=values.loss,
        training=values.training,
        seed=values.seed,
        network=_network(values.model, data, features, expression),
        features=features,
        expression=expression,
        train=train,
        validation=validation,
        unlabelled={
            name: _blendshapes(names, f"data.unlabelled.{name}")
            for name, names in data.unlabelled.items()
        },
        freeze_except=_blendshapes(values.training.freeze_except or [], "training.freeze_except"),
        checkpoint=_checkpoint(values.checkpoint_path),
        plain=plain,
    )


def _check_loss(loss: LossConfig) -> None:
    if loss.closure_weight and loss.rig is None:
        raise DataError(
            f"loss.closure_weight={loss.closure_weight:g} needs a mesh. Give loss.rig=FACE.glb.",
            code="no_rig",
        )
    for first, second in (("mse", "l1"), ("mouth", "expression")):
        names = [f"{name}_weight" for name in (first, second)]
        if not any(getattr(loss, name) for name in names):
            raise DataError(
                f"loss.{names[0]} and loss.{names[1]} are both 0: nothing would be trained. "
                "Give one of them a value above 0.",
                code="no_loss",
            )


def _shorten(values: Config) -> None:
    """Make the run of debug=true."""
    values.data.max_files = min(values.data.max_files or DEBUG_FILES, DEBUG_FILES)
    values.training.max_epochs = min(values.training.max_epochs, DEBUG_EPOCHS)
    values.training.max_steps_per_epoch = DEBUG_STEPS


def _features(values: Config) -> FeatureSettings:
    features, windows, fps = values.features, values.model.emotion_config, values.data.target_fps
    if fps not in (30, 60):
        raise DataError(f"data.target_fps={fps}: 30 and 60 are possible.", code="bad_setting")
    interval = windows.update_interval
    intervals = tuple(windows.window_intervals or (0.0, interval, 2 * interval))
    standard = FeatureSettings.for_fps(fps)
    lookahead = features.lookahead_frames
    settings = replace(
        standard,
        lookahead_frames=standard.lookahead_frames if lookahead is None else lookahead,
        detail_frames=features.detail_frames,
        window_intervals=intervals if windows.use_concatenation else intervals[:1],
        context_window=windows.context_window,
        update_interval=interval,
    )
    try:
        _native.EgemapsStream(settings.egemaps_config())
    except ValueError as error:
        raise DataError(f"features.emotion: {error}", code="bad_setting") from error
    return settings


def _network(
    model: ModelConfig, data: DataConfig, features: FeatureSettings, expression: ExpressionBackend
) -> NetworkSettings:
    weights, context = model.dual_stream_attention.fixed_weights, data.window_frames
    try:
        return NetworkSettings(
            fps=features.fps,
            context_frames=round(CONTEXT_SECONDS * features.fps) if context is None else context,
            mel_bands=features.mel_bands,
            detail_frames=features.detail_frames,
            expression_features=expression.size,
            expression_windows=len(features.window_intervals),
            expression_tokens=model.attention.emotion_tokens,
            expression_dim=model.attention.emotion_dim,
            d_model=model.d_model,
            num_heads=model.attention.num_heads,
            channels=model.channels,
            hidden=model.hidden,
            temperature=model.dual_stream_attention.temperature,
            fixed_weights=None if weights is None else (float(weights[0]), float(weights[1])),
            fixed_alpha=model.fixed_alpha,
            conditioned=model.acoustic_conditioning,
            styles=(NEUTRAL, *sorted(set(data.styles.values()) - {NEUTRAL})),
        )
    except ValueError as error:
        raise DataError(
            f"model: these settings do not fit together: {error}.", code="bad_network"
        ) from error


def _check_sources(data: DataConfig, sources: set[str]) -> None:
    """DataError for a setting of a source that no folder has."""
    for name in ("source_weights", "lead_seconds", "styles", "unlabelled", "rest_in_pauses"):
        unknown = sorted(set(getattr(data, name)) - sources)
        if unknown:
            raise DataError(
                f"data.{name}: unknown source {unknown[0]}, expected one of "
                f"{', '.join(sorted(sources))}.",
                code="unknown_source",
            )


def _folders(value: str | list[str] | dict[str, str] | None, key: str) -> dict[str, Path]:
    """Folders by source; the source of a folder without a name is the folder's name."""
    if value is None:
        return {}
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        named = {Path(folder).name: Path(folder) for folder in value}
        if len(named) < len(value):
            raise DataError(
                f"{key}: two folders have the same name. Write {{name: folder, ...}}.",
                code="bad_setting",
            )
        return named
    return {name: Path(folder) for name, folder in value.items()}


def _blendshapes(value: str | list[str], key: str) -> tuple[str, ...]:
    """Check one or several names of blend shapes."""
    names = tuple(map(str, value if isinstance(value, list) else [value]))
    unknown = sorted(set(names) - set(BLENDSHAPES))
    if unknown:
        near = difflib.get_close_matches(unknown[0], BLENDSHAPES, n=1)
        hint = f"did you mean {near[0]}?" if near else "name some of the 52, such as [mouthClose]."
        raise DataError(
            f"{key}: unknown blend shape {unknown[0]}; {hint}", code="unknown_blendshape"
        )
    return names


def _checkpoint(value: str | None) -> Path | None:
    if value is None:
        return None
    if value != "bundled":
        return Path(value)
    if not BUNDLED_CHECKPOINT.is_file():  # left out of wheels
        version = metadata.version("koemorph")
        raise DataError(
            f"checkpoint_path=bundled: this installation contains no {BUNDLED_CHECKPOINT.name}. "
            f"Download it from {RELEASES}/v{version}/{BUNDLED_CHECKPOINT.name} and set "
            "checkpoint_path to the file.",
            code="no_bundled_checkpoint",
        )
    return BUNDLED_CHECKPOINT
