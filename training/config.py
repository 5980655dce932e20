"""Every setting of a training run: its type, default, range and meaning.

Hydra builds its tree of settings from these classes; the files in configs/ hold what differs from
the defaults. `composition.py` checks a composed tree against the ranges.
"""

# ruff: noqa: RUF009 (_setting() is dataclasses.field())

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import II

# Ranges of settings that may be of several types; see ranges.py.
FOLDERS = "a folder, a list of folders, or {name: folder, ...}"
NAMES = "a blendshape's name or a list of names"
DEVICES = "given"

COUNT = "[1, inf)"
RATIO = "[0, 1]"
SECONDS = "[0, 600]"  # longer durations are mistakes and need too much memory
DECIBELS = "[-200, 200]"
WEIGHT = "[0, inf)"
CONTEXT, INTERVAL, AGES = "[0.1, 120]", "[0.01, 10]", "[0, 60]"  # limits of the native core


def _setting(default: Any, help_: str, range_: str | tuple[str, ...] = "", **more: Any) -> Any:
    """Declare a setting.

    Args:
        default: Its default.
        help_: Its meaning and unit.
        range_: An interval of numbers such as "(0, 1]" (of each, in lists and dictionaries), a
            tuple of choices, or one of the constants above.
        more: Of lists: length; ascending=True; nonzero=True, not all values are 0. Of
            dictionaries: example.
    """
    metadata = {"help": help_, "range": range_, **more}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class AugmentConfig:
    """Augmentation of a batch's mel features: other voices, rooms and levels."""

    probability: float = _setting(0.0, "Ratio of sequences that are changed.", RATIO)
    gain_db: list[float] = _setting(
        [-30.0, 6.0], "Lowest and highest gain.", DECIBELS, length=2, ascending=True
    )
    eq_db: float = _setting(4.0, "Standard deviation of a random equaliser.", "[0, 100]")
    warp: float = _setting(0.15, "Largest change of the frequency axis.", "[0, 0.5]")
    snr_db: list[float] = _setting(
        [0.0, 40.0],
        "Signal-to-noise ratio of every second changed sequence: loud frames of all bands above "
        "the noise.",
        DECIBELS,
        length=2,
        ascending=True,
    )


@dataclass
class DataConfig:
    """Where recordings are, how they are read, and how batches are drawn from them."""

    train_data_dir: Any = _setting(
        "data/train", "Recordings to train on; the names of several folders are sources.", FOLDERS
    )
    val_data_dir: Any = _setting(
        None, "Recordings to validate on; null: validation_ratio of the training ones.", FOLDERS
    )
    validation_ratio: float = _setting(0.1, "Ratio of recordings to validate on.", "[0, 0.5]")
    cache_dir: str = _setting("cache/features", "Where features are stored.")
    max_files: int | None = _setting(None, "Only the first recordings of each folder.", COUNT)
    skip_bad_recordings: bool = _setting(False, "Leave out and count unreadable recordings.")

    target_fps: int = _setting(30, "30 or 60; captures are resampled exactly.", COUNT)
    auto_detect_fps: bool = _setting(
        True,
        "false: line k of a capture is at k / source_fps, regardless of its timestamp and "
        "of missing frames.",
    )
    use_timecode: bool = _setting(True, "Shift the capture as timecode.json states.")
    verify_sync: bool = _setting(
        False, "Measure the offset between capture and audio, report and correct it."
    )

    window_frames: int | None = _setting(
        None, "Context window; null: 8.53 s (256 frames at 30 fps).", "[1, 8192]"
    )
    sequence_seconds: float = _setting(8.0, "Length of a training sequence.", "[0.1, 600]")
    track_seconds: float = _setting(
        60.0, "Recordings are joined to tracks of about this length.", WEIGHT
    )
    pause_seconds: list[float] = _setting(
        [0.1, 1.2], "Pauses between the recordings of a track.", SECONDS, length=2, ascending=True
    )
    cold_start_ratio: float = _setting(
        0.35, "Ratio of sequences without history: at starts, in pauses, anywhere.", RATIO
    )
    lead_seconds: dict[str, float] = _setting(
        {}, "How early a source's weights are trained, to compensate smoothing.", "[-1, 1]",
        example="{grid: 0.01}",
    )  # fmt: skip
    source_weights: dict[str, float] = _setting(
        {}, "How often a source is drawn, relative to its length.", WEIGHT,
        example="{grid: 0.5}",
    )  # fmt: skip
    styles: dict[str, str] = _setting(
        {}, "The speaking style of a source; neutral by default.", example="{grid: lively}"
    )
    unlabelled: dict[str, Any] = _setting(
        {}, "Blend shapes that a source does not label.", NAMES, example="{grid: [jawOpen]}"
    )
    rest_in_pauses: list[str] = _setting(
        [], "Sources that open the mouth long before speech; their mouths rest in pauses."
    )

    batch_size: int = _setting(8, "Sequences per batch, over all processes.", COUNT)
    num_workers: int = _setting(1, "Threads that make batches ahead; 0: none.", "[0, inf)")
    pin_memory: bool = _setting(False, "Move batches through page-locked memory (CUDA).")

    stride_mode: str = _setting(
        "sparse", "Which frames of a sequence are computed.",
        ("dense", "sparse", "mixed", "progressive"),
    )  # fmt: skip
    stride_frames: int = _setting(1, "Stride of dense.", COUNT)
    initial_stride: int = _setting(8, "Stride of sparse and mixed; start of progressive.", COUNT)
    final_stride: int = _setting(1, "End of progressive.", COUNT)
    dense_sampling_ratio: float = _setting(
        0.1, "Of mixed: ratio of batches in which every frame is computed.", RATIO
    )
    run_frames: int = _setting(8, "Computed frames come in runs of this many neighbours.", COUNT)

    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass
class ExpressionWindowsConfig:
    """The windows of the expression features."""

    context_window: float = _setting(20.0, "Seconds that functionals describe.", CONTEXT)
    update_interval: float = _setting(0.3, "Seconds between updates.", INTERVAL)
    window_intervals: list[float] | None = _setting(
        None, "Ages of the windows in seconds; null: 0, 1 and 2 updates.", AGES
    )


@dataclass
class FeaturesConfig:
    """The features of the audio."""

    lookahead_frames: int | None = _setting(
        None, "Frames of audio after its own; null: 33 ms (1 at 30 fps, 2 at 60).", "[0, 32]"
    )
    detail_frames: int = _setting(
        3, "Short windows, 10 ms apart, per frame; an exported model needs one.", "[0, 64]"
    )
    emotion: ExpressionWindowsConfig = field(default_factory=ExpressionWindowsConfig)


@dataclass
class AttentionConfig:
    """The attention of the queries."""

    num_heads: int = _setting(8, "Heads; they divide d_model.", COUNT)
    emotion_dim: int = _setting(256, "Numbers of the expression stream.", COUNT)
    emotion_tokens: int = _setting(4, "Tokens of it; they divide emotion_dim.", COUNT)


@dataclass
class DualStreamAttentionConfig:
    """The weights of mel and expression stream."""

    temperature: float = _setting(
        1.0, "Below 1: blend shapes choose a stream more sharply.", "(0, inf)"
    )
    fixed_weights: list[float] | None = _setting(
        None, "Weights of mel and expression stream instead of learned ones; [0, 1]: eGeMAPS only.",
        RATIO, length=2, nonzero=True,
    )  # fmt: skip


@dataclass
class EmotionConfig:
    """The expression features."""

    backend: str = _setting(
        "native", "native, none, basic, opensmile or emotion2vec; the last three for research."
    )
    use_concatenation: bool = _setting(True, "false: only the newest window.")
    context_window: float = _setting(
        II("features.emotion.context_window"), "As features.emotion.context_window.", CONTEXT
    )
    update_interval: float = _setting(
        II("features.emotion.update_interval"), "As features.emotion.update_interval.", INTERVAL
    )
    window_intervals: list[float] | None = _setting(
        II("features.emotion.window_intervals"), "As features.emotion.window_intervals.", AGES
    )


@dataclass
class ModelConfig:
    """The network."""

    d_model: int = _setting(256, "Size of a query, all heads together.", COUNT)
    channels: int = _setting(128, "Channels of the convolutional trunk.", COUNT)
    hidden: int = _setting(32, "Hidden units of the decoder, per blend shape.", COUNT)
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    dual_stream_attention: DualStreamAttentionConfig = field(
        default_factory=DualStreamAttentionConfig
    )
    acoustic_conditioning: bool = _setting(
        True, "Shift the trunk's input by the highest and lowest levels of the seconds before."
    )
    fixed_alpha: float | None = _setting(
        None, "Ratio of the previous frame in the next instead of a learned one.", "(0, 1)"
    )
    emotion_config: EmotionConfig = field(default_factory=EmotionConfig)


@dataclass
class LossConfig:
    """The terms of the loss; a weight of 0 leaves a term out.

    The mouth: blend shapes of jaw, mouth, tongue and cheekPuff; the expression: all others.
    """

    mse_weight: float = _setting(1.0, "Squared error.", WEIGHT)
    l1_weight: float = _setting(0.0, "Absolute error.", WEIGHT)
    mouth_weight: float = _setting(1.0, "Factor of the mouth.", WEIGHT)
    expression_weight: float = _setting(0.3, "Factor of the expression.", WEIGHT)
    temporal_weight: float = _setting(0.2, "Error of the change between frames.", WEIGHT)
    jaw_jerk_weight: float = _setting(
        0.0, "Error of the jaw's third difference, against jitter; 6 is much.", WEIGHT
    )
    amplitude_weight: float = _setting(0.0, "Error of each sequence's standard deviation.", WEIGHT)
    closure_weight: float = _setting(
        0.0,
        "Lips that should touch on a mesh and do not, or the reverse; needs rig. 0.05 is much, see "
        "training.freeze_except.",
        WEIGHT,
    )
    balance: float = _setting(
        0.5, "0: squared errors as they are; 1: divided by each blend shape's variance.", RATIO
    )
    rig: str | None = _setting(None, "A .glb with ARKit's morph targets.")


@dataclass
class OptimizerConfig:
    """AdamW."""

    lr: float = _setting(1e-3, "Learning rate after the warm-up.", "(0, inf)")
    weight_decay: float = _setting(0.01, "Of matrices.", WEIGHT)
    betas: list[float] = _setting([0.9, 0.98], "Decays of the moments.", "[0, 1)", length=2)


@dataclass
class SchedulerConfig:
    """The learning rate over a run."""

    name: str = _setting("cosine", "Its curve.", ("cosine", "linear", "constant"))
    warmup_steps: int = _setting(100, "Steps in which it rises to lr.", "[0, inf)")
    final_ratio: float = _setting(0.02, "Learning rate at the end, relative to lr.", RATIO)


@dataclass
class TrainingConfig:
    """The training loop."""

    max_epochs: int = _setting(100, "Epochs of the run.", COUNT)
    max_steps_per_epoch: int | None = _setting(
        None, "Batches per epoch; null: as many as hold all data once.", COUNT
    )
    freeze_except: Any = _setting(
        None,
        "Blend shapes whose own parameters (queries, decoder, alpha) are trained, everything else "
        "is frozen; null: everything is trained.",
        NAMES,
    )
    sequential: bool = _setting(
        True, "false: single frames with their captured predecessor, as the first KoeMorph."
    )
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    accumulate_grad_batches: int = _setting(1, "Batches per optimizer step.", COUNT)
    gradient_clip: float = _setting(1.0, "Largest norm of the gradient; 0: no limit.", WEIGHT)
    ema_decay: float = _setting(
        0.999, "Of the averaged weights that are validated and exported; 0: none.", RATIO
    )
    expression_dropout: float = _setting(
        0.3, "Ratio of sequences without the expression stream.", RATIO
    )
    validate_every: int = _setting(1, "Epochs between validations.", COUNT)
    checkpoint_every: int = _setting(
        10, "Epochs between epoch_* checkpoints; last and best are always kept.", "[0, inf)"
    )
    picture_every: int = _setting(
        10, "Epochs between pictures in TensorBoard; 0: none.", "[0, inf)"
    )
    progress: bool = _setting(True, "Show a progress bar.")
    accelerator: str = _setting("auto", "auto, cpu, cuda or mps.")
    devices: Any = _setting(1, "Processes per machine; torchrun sets its own.", DEVICES)
    precision: str = _setting(
        "auto", "auto: 16-mixed on CUDA, else 32-true.",
        ("auto", "32-true", "bf16-mixed", "16-mixed"),
    )  # fmt: skip
    threads: int | None = _setting(None, "Of torch; null: as many as cores.", COUNT)


@dataclass
class Config:
    """All settings of `python -m koemorph.train`."""

    data: DataConfig = field(default_factory=DataConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    seed: int = _setting(0, "Of everything random.", f"[0, {2**63})")
    debug: bool = _setting(
        False, "Five files, two epochs of at most ten steps: does everything run?"
    )
    checkpoint_path: str | None = _setting(
        None,
        "A checkpoint to resume, with its optimizer, epoch and step; bundled: start from the "
        "weights of koemorph-30.",
    )


ConfigStore.instance().store(name="settings", node=Config)
