"""Types of the native module. Its docstrings are in native/bindings."""

from typing import Any

import numpy as np
import numpy.typing as npt

class Controls:
    input_strength: float
    gate: int
    gate_margin: float
    gate_hold: float
    gate_ceiling: float
    auto_gain: int
    auto_gain_target: float
    auto_gain_limit: float
    upper_strength: float
    lower_strength: float
    upper_smoothing: float
    lower_smoothing: float
    symmetry: float
    lip_close_offset: float
    eyelid_offset: float
    transition_seconds: float
    multiplier: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    minimum: npt.NDArray[np.float32]
    maximum: npt.NDArray[np.float32]
    active: npt.NDArray[np.uint8]
    cancel_group: npt.NDArray[np.uint8]
    blink: float
    blinks_per_minute: float
    saccades: float
    brow_accents: float
    idle: float
    seed: int
    def __init__(self, preset: bytes = ...) -> None: ...
    def copy(self) -> Controls: ...
    def check(self) -> None: ...

class ControlInfo:
    """Description of one field of Controls."""

    name: str
    unit: str  # "s", "dB", "dBFS", "1/min"; "" for plain numbers
    type: str  # "number", "switch" or "integer"
    minimum: float
    maximum: float
    default: float
    description: str
    per_blendshape: bool

def control_info() -> list[ControlInfo]: ...

class RetargetMap:
    name: str
    names: tuple[str, ...]
    driven: tuple[bool, ...]
    unmatched_targets: list[str]
    def __init__(self, json: bytes) -> None: ...
    def match_rig(self, rig_names: list[str]) -> None: ...
    def apply(self, blendshapes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]: ...

class StreamInfo:
    fps: int
    latency: float
    pushed_samples: int
    dropped_samples: int
    frame_count: int
    skipped_frames: int

def onnx_kernels() -> list[str]: ...

class Model:
    def __init__(self, path: str, onnxruntime_path: str, threads: int = 1) -> None: ...
    def metadata(self, key: str | None) -> str | None: ...

class Stream:
    info: StreamInfo
    def __init__(
        self,
        model: Model,
        sample_rate: int,
        channels: int,
        worker: bool,
        buffer_seconds: float,
        history_seconds: float,
    ) -> None: ...
    def push(self, samples: npt.NDArray[np.float32], channels: int) -> None: ...
    def set_input_format(self, sample_rate: int, channels: int) -> None: ...
    def flush(self) -> None: ...
    def process(self) -> bool: ...
    def pull(self, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]: ...
    def sample(self, playback_time: float, count: int) -> npt.NDArray[np.float32]: ...
    def set_controls(self, controls: Controls) -> None: ...
    def fade_out(self, playback_time: float, seconds: float) -> None: ...
    def fade_in(self, playback_time: float, seconds: float) -> None: ...
    def reset(self, sample_rate: int, channels: int) -> None: ...

class PlayerState:
    speaking: bool
    paused: bool
    sample_rate: int
    channels: int
    playback_time: float
    latency: float
    end_time: float

class Player:
    state: PlayerState
    info: StreamInfo
    def __init__(self, model: Model, sample_rate: int, channels: int, worker: bool) -> None: ...
    def feed(
        self, samples: npt.NDArray[np.float32], channels: int, sample_rate: int, now: float
    ) -> bool: ...
    def update(self, now: float, paused: bool) -> None: ...
    def process(self) -> bool: ...
    def sample(self, count: int) -> npt.NDArray[np.float32]: ...
    def set_latency(self, output_latency: float, delay: float) -> None: ...
    def set_controls(self, controls: Controls) -> None: ...
    def fade_out(self, seconds: float) -> None: ...
    def fade_in(self, seconds: float) -> None: ...
    def stop(self) -> None: ...
    def reset(self) -> None: ...

class StreamBatch:
    def __init__(self, model: Model, capacity: int) -> None: ...
    def process(self, streams: list[Stream]) -> bool: ...

def match_shape_names(wanted: list[str], rig: list[str]) -> list[int]: ...

class EgemapsConfig:
    sample_rate: int
    context_window: float
    update_interval: float
    window_intervals: list[float]
    @property
    def first_valid_update(self) -> int: ...

class EgemapsStream:
    updates: int
    windows: npt.NDArray[np.float32]
    def __init__(self, config: EgemapsConfig = ...) -> None: ...
    def push(self, samples: npt.ArrayLike) -> npt.NDArray[np.float32]: ...
    def functionals(self) -> npt.NDArray[np.float32]: ...
    def lld(self) -> npt.NDArray[np.float32]: ...
    def reset(self) -> None: ...

class Resampler:
    latency: float
    def __init__(self, in_rate: int, out_rate: int) -> None: ...
    def push(self, samples: npt.ArrayLike) -> npt.NDArray[np.float32]: ...
    def reset(self) -> None: ...

def __getattr__(name: str) -> Any: ...
