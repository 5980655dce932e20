"""From Hydra's tree of settings to the dataclasses that the modules take."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from koemorph import _native
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.model import MODELS

from .augmentation import Augmentation
from .data import Sampling
from .expression import ExpressionBackend, expression_backend
from .losses import LossSettings
from .network_settings import NEUTRAL, NetworkSettings
from .strides import StrideSchedule
from .values import BY_SOURCE, CONFIGS, advice, check_groups, check_values

# What `checkpoint_path=bundled` goes on from: koemorph-30 in its one style, without an optimizer.
BUNDLED_CHECKPOINT = MODELS / "koemorph-30.safetensors"
CONTEXT_SECONDS = 256 / 30
DEBUG_FILES, DEBUG_EPOCHS, DEBUG_STEPS = 5, 2, 10


@dataclass(frozen=True)
class Optimization:
    """What the loop does with gradients; see configs/training/default.yaml."""

    freeze_except: tuple[str, ...]
    max_epochs: int
    max_steps_per_epoch: int | None
    lr: float
    weight_decay: float
    betas: tuple[float, float]
    scheduler: str
    warmup_steps: int
    final_ratio: float
    accumulate: int
    gradient_clip: float
    ema_decay: float
    validate_every: int
    checkpoint_every: int
    picture_every: int


@dataclass(frozen=True)
class DataSettings:
    """Where recordings are and how they are read; see configs/data/koemorph_v2.yaml."""

    train: Mapping[str, Path]
    validation: Mapping[str, Path]
    validation_ratio: float
    cache: Path
    max_files: int | None
    skip_bad: bool
    auto_detect_fps: bool
    use_timecode: bool
    verify_sync: bool
    track_seconds: float
    pause_seconds: tuple[float, float]
    lead_seconds: Mapping[str, float]
    unlabelled: Mapping[str, tuple[str, ...]]
    rest_in_pauses: tuple[str, ...]
    num_workers: int
    pin_memory: bool


@dataclass(frozen=True)
class Settings:
    """Everything a run needs to know."""

    network: NetworkSettings
    features: FeatureSettings
    expression: ExpressionBackend
    data: DataSettings
    sampling: Sampling
    augmentation: Augmentation
    stride: StrideSchedule
    loss: LossSettings
    rig: Path | None
    optimization: Optimization
    seed: int
    checkpoint: Path | None
    config: Mapping[str, Any] = field(default_factory=dict)


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """The tree of settings with overrides such as data.batch_size=4; DataError for unknown keys."""
    _check_choices(overrides)
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return compose("config", opened(overrides))
    except HydraException as error:
        said = str(error).split("\n", maxsplit=1)[0].rstrip(".")
        # Hydra quotes the override or its key.
        key = said.split("'")[1].split("=", maxsplit=1)[0].lstrip("+~") if "'" in said else ""
        raise DataError(f"{said}: {advice(key)}") from error


def _check_choices(overrides: Sequence[str]) -> None:
    """DataError for a group of settings that is to be null, of which Hydra says nothing useful."""
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if value == "null" and key.isidentifier() and (CONFIGS / key).is_dir():
            names = sorted(path.stem for path in (CONFIGS / key).glob("*.yaml"))
            raise DataError(
                f"{override}: a group of settings cannot be null; leave it out, or choose "
                f"{' or '.join(names)}."
            )


def opened(overrides: Sequence[str]) -> list[str]:
    """Overrides for Hydra, which adds to dictionaries only what `++` asks it to add.

    Hydra takes no line breaks, by which long dictionaries are written.
    """

    def by_source(override: str) -> bool:
        key = override.split("=", maxsplit=1)[0]
        return any(key == each or key.startswith(f"{each}.") for each in BY_SOURCE)

    lines = [override.replace("\n", " ") for override in overrides]
    return [f"++{line}" if by_source(line) else line for line in lines]


def read_settings(config: DictConfig) -> Settings:
    """Checks and converts; DataError, naming the key, for what makes no sense."""
    plain = _resolved(config)
    check_values(plain)
    data, model, training = plain["data"], plain["model"], plain["training"]
    expression = expression_backend(model["emotion_config"]["backend"])
    features = _features(plain)
    try:
        network = _network(plain, features, expression)
    except ValueError as error:
        raise DataError(f"these settings make no network: {error}.") from error
    settings = Settings(
        network=network,
        features=features,
        expression=expression,
        data=_data(data),
        sampling=Sampling(
            sequence_frames=round(data["sequence_seconds"] * features.fps),
            batch_size=data["batch_size"],
            cold_start_ratio=data["cold_start_ratio"],
            expression_dropout=training["expression_dropout"],
            weights=data["source_weights"],
            styles=data["styles"],
        ),
        augmentation=_augmentation(data["augment"]),
        stride=StrideSchedule(
            mode=data["stride_mode"],
            stride_frames=data["stride_frames"],
            initial_stride=data["initial_stride"],
            final_stride=data["final_stride"],
            dense_sampling_ratio=data["dense_sampling_ratio"],
            run_frames=data["run_frames"] if training["sequential"] else 1,
        ),
        loss=_loss(plain["loss"]),
        rig=_path(plain["loss"]["rig"]),
        optimization=_optimization(training),
        seed=plain["seed"],
        checkpoint=_checkpoint(plain["checkpoint_path"]),
        config=plain,
    )
    return _debugged(settings) if plain["debug"] else settings


def _resolved(config: DictConfig) -> Any:
    """The tree with every ${reference} replaced by what it refers to."""
    check_groups(OmegaConf.to_container(config, resolve=False))
    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        said = str(error).split("\n", maxsplit=1)[0].rstrip(".")
        raise DataError(
            f"{error.full_key} refers to what there is not ({said}); give it a value."
        ) from error


def _loss(loss: dict[str, Any]) -> LossSettings:
    if loss["closure_weight"] and loss["rig"] is None:
        raise DataError("loss.closure_weight needs a mesh: give loss.rig=FACE.glb.")
    if not loss["mse_weight"] + loss["l1_weight"]:
        raise DataError(
            "loss.mse_weight and loss.l1_weight are both 0: one of them must say where a face is."
        )
    if not loss["mouth_weight"] + loss["expression_weight"]:
        raise DataError(
            "loss.mouth_weight and loss.expression_weight are both 0: one of them must be learned."
        )
    return LossSettings(**{key: value for key, value in loss.items() if key != "rig"})


def _augmentation(augment: dict[str, Any]) -> Augmentation:
    return Augmentation(
        probability=augment["probability"],
        gain_db=tuple(augment["gain_db"]),
        eq_db=augment["eq_db"],
        warp=augment["warp"],
        snr_db=tuple(augment["snr_db"]),
    )


def _features(plain: dict[str, Any]) -> FeatureSettings:
    features, expression = plain["features"], plain["model"]["emotion_config"]
    fps = plain["data"]["target_fps"]
    if fps not in (30, 60):
        raise DataError(f"data.target_fps={fps}: 30 and 60 are possible.")
    interval = expression["update_interval"]
    intervals = tuple(expression["window_intervals"] or (0.0, interval, 2 * interval))
    standard = FeatureSettings.for_fps(fps)
    lookahead = features["lookahead_frames"]
    settings = replace(
        standard,
        lookahead_frames=standard.lookahead_frames if lookahead is None else lookahead,
        detail_frames=features["detail_frames"],
        window_intervals=intervals if expression["use_concatenation"] else intervals[:1],
        context_window=expression["context_window"],
        update_interval=interval,
    )
    try:
        _native.EgemapsStream(settings.egemaps_config())
    except ValueError as error:
        raise DataError(f"features.emotion: {error}") from error
    return settings


def _network(
    plain: dict[str, Any], features: FeatureSettings, expression: ExpressionBackend
) -> NetworkSettings:
    model = plain["model"]
    attention, streams = model["attention"], model["dual_stream_attention"]
    weights = streams["fixed_weights"]
    context = plain["data"]["window_frames"]
    return NetworkSettings(
        fps=features.fps,
        context_frames=round(CONTEXT_SECONDS * features.fps) if context is None else context,
        mel_bands=features.mel_bands,
        detail_frames=features.detail_frames,
        expression_features=expression.size,
        expression_windows=len(features.window_intervals),
        expression_tokens=attention["emotion_tokens"],
        expression_dim=attention["emotion_dim"],
        d_model=model["d_model"],
        num_heads=attention["num_heads"],
        channels=model["channels"],
        hidden=model["hidden"],
        temperature=streams["temperature"],
        fixed_weights=None if weights is None else (float(weights[0]), float(weights[1])),
        fixed_alpha=model["fixed_alpha"],
        conditioned=model["acoustic_conditioning"],
        styles=(NEUTRAL, *sorted(set(plain["data"]["styles"].values()) - {NEUTRAL})),
    )


def _data(data: dict[str, Any]) -> DataSettings:
    train = _folders(data["train_data_dir"], "data.train_data_dir")
    validation = _folders(data["val_data_dir"], "data.val_data_dir")
    for name in ("source_weights", "lead_seconds", "styles", "unlabelled", "rest_in_pauses"):
        unknown = sorted(set(data[name]) - train.keys() - validation.keys())
        if unknown:
            sources = ", ".join(sorted(train | validation))
            raise DataError(f"data.{name}: there is no source {unknown[0]}, only {sources}.")
    return DataSettings(
        train=train,
        validation=validation,
        validation_ratio=data["validation_ratio"],
        cache=Path(data["cache_dir"]),
        max_files=data["max_files"],
        skip_bad=data["skip_bad_recordings"],
        auto_detect_fps=data["auto_detect_fps"],
        use_timecode=data["use_timecode"],
        verify_sync=data["verify_sync"],
        track_seconds=data["track_seconds"],
        pause_seconds=tuple(data["pause_seconds"]),
        lead_seconds=data["lead_seconds"],
        unlabelled={
            name: _blendshapes(names, f"data.unlabelled.{name}")
            for name, names in data["unlabelled"].items()
        },
        rest_in_pauses=tuple(data["rest_in_pauses"]),
        num_workers=data["num_workers"],
        pin_memory=data["pin_memory"],
    )


def _folders(value: str | list[str] | dict[str, str] | None, key: str) -> dict[str, Path]:
    """Folders by name; a folder that was not named goes by its own name."""
    if value is None:
        return {}
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        named = {Path(folder).name: Path(folder) for folder in value}
        if len(named) < len(value):
            raise DataError(f"{key}: two folders have one name; write {{name: folder, ...}}.")
        return named
    return {name: Path(folder) for name, folder in value.items()}


def _blendshapes(given: str | list[str], key: str) -> tuple[str, ...]:
    """One name or several, all of them known."""
    names = tuple(map(str, given if isinstance(given, list) else [given]))
    strange = sorted(set(names) - set(BLENDSHAPES))
    if strange:
        near = difflib.get_close_matches(strange[0], BLENDSHAPES, n=1)
        hint = f"did you mean {near[0]}?" if near else "name some of the 52, such as [mouthClose]."
        raise DataError(f"{key}: {strange[0]} is no blendshape; {hint}")
    return names


def _optimization(training: dict[str, Any]) -> Optimization:
    optimizer, scheduler = training["optimizer"], training["scheduler"]
    return Optimization(
        freeze_except=_blendshapes(training["freeze_except"] or [], "training.freeze_except"),
        max_epochs=training["max_epochs"],
        max_steps_per_epoch=training["max_steps_per_epoch"],
        lr=optimizer["lr"],
        weight_decay=optimizer["weight_decay"],
        betas=tuple(optimizer["betas"]),
        scheduler=scheduler["name"],
        warmup_steps=scheduler["warmup_steps"],
        final_ratio=scheduler["final_ratio"],
        accumulate=training["accumulate_grad_batches"],
        gradient_clip=training["gradient_clip"],
        ema_decay=training["ema_decay"],
        validate_every=training["validate_every"],
        checkpoint_every=training["checkpoint_every"],
        picture_every=training["picture_every"],
    )


def _debugged(settings: Settings) -> Settings:
    files = min(settings.data.max_files or DEBUG_FILES, DEBUG_FILES)
    optimization = replace(
        settings.optimization,
        max_epochs=min(settings.optimization.max_epochs, DEBUG_EPOCHS),
        max_steps_per_epoch=DEBUG_STEPS,
    )
    return replace(
        settings, data=replace(settings.data, max_files=files), optimization=optimization
    )


def _checkpoint(value: str | None) -> Path | None:
    return BUNDLED_CHECKPOINT if value == "bundled" else _path(value)


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value)
