"""eGeMAPSv02 (Eyben et al. 2016) of recordings and of running audio; free to use in a product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph._native import Egemaps, EgemapsConfig
from koemorph.audio import as_channels
from koemorph.errors import AudioError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FUNCTIONAL_NAMES",
    "GEMAPS_NAMES",
    "LLD_NAMES",
    "Egemaps",
    "EgemapsConfig",
    "egemaps",
]

LLD_NAMES: tuple[str, ...] = tuple(_native.LLD_NAMES)
"""The 25 low-level descriptors, in the order of the columns of level="lld"."""

FUNCTIONAL_NAMES: tuple[str, ...] = tuple(_native.FUNCTIONAL_NAMES)
"""The 88 functionals, in the order of the columns of level="functionals"."""

_ONLY_EXTENDED = ("spectralFlux", "mfcc", "F2bandwidth", "F3bandwidth", "equivalentSoundLevel")
GEMAPS_NAMES: tuple[str, ...] = tuple(
    name for name in FUNCTIONAL_NAMES if not name.startswith(_ONLY_EXTENDED)
)
"""GeMAPSv01b: those 62 of the 88 that the minimal set has."""

SAMPLE_RATE = 16000
STEP = 0.01
FRAME = 0.02


def egemaps(
    audio: npt.ArrayLike, rate: float, level: Literal["functionals", "lld"] = "functionals"
) -> pd.DataFrame:
    """eGeMAPSv02 of a whole recording.

    audio: (n,) or (1, n) samples, floats in [-1, 1] or integers at full scale; rate: Hz, resampled
    to 16 kHz when it is another.
    level: "functionals" gives one row of 88 columns, "lld" a row of 25 every 10 ms; columns and
    index (start, end) are those of `opensmile.Smile(FeatureSet.eGeMAPSv02).process_signal`.
    Audio shorter than 60 ms has no LLD rows; its functionals are finite.
    Raises AudioError when the audio is not one channel or the rate is no whole number above 0,
    MissingExtraError without pandas.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'Tables need the package pandas: install it with pip install "koemorph[features]".'
        ) from error
    if level not in ("functionals", "lld"):
        raise ValueError(f'level must be "functionals" or "lld", not {level!r}.')
    samples, hertz = one_channel(audio), _whole(rate)
    duration = len(samples) / hertz
    stage = whole_recording(resampled(samples, hertz))
    if level == "functionals":
        values, columns = stage.functionals()[None], FUNCTIONAL_NAMES
        starts, ends = np.array([0.0]), np.array([duration])
    else:
        values, columns = stage.lld(), LLD_NAMES
        starts = np.arange(len(values)) * STEP
        ends = starts + FRAME
        ends[-1:] = duration
    index = pd.MultiIndex.from_arrays(
        [pd.to_timedelta(starts, unit="s"), pd.to_timedelta(ends, unit="s")],
        names=["start", "end"],
    )
    return pd.DataFrame(values, index=index, columns=list(columns))


def one_channel(audio: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """(n,) samples in [-1, 1] of mono audio (n,) or (1, n), floats or integers at full scale.

    Raises AudioError for more channels and other kinds of numbers.
    """
    samples = np.asarray(audio)
    if samples.ndim == 2 and samples.shape[0] == 1:
        samples = samples[0]
    if samples.ndim != 1:
        raise AudioError(
            f"eGeMAPS is taken of one channel (n,); this audio is {samples.shape}: mix it down."
        )
    return as_channels(samples)[:, 0]


def _whole(rate: float) -> int:
    if not (rate > 0 and float(rate).is_integer()):
        raise AudioError(f"A sample rate is a whole number of Hz above 0, not {rate}.")
    return int(rate)


def resampled(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """(n,) samples at `rate` Hz -> (round(n / rate * 16000),) samples at 16 kHz."""
    if rate == SAMPLE_RATE:
        return samples
    resample = _native.Resampler(rate, SAMPLE_RATE)
    count = round(len(samples) * SAMPLE_RATE / rate)
    silence = np.zeros(int(2 * resample.latency * rate) + 2, np.float32)
    return np.concatenate([resample.push(samples), resample.push(silence)])[:count]


def whole_recording(samples: npt.NDArray[np.float32]) -> Egemaps:
    """A stage that has heard all of `samples` (n,) at 16 kHz and forgotten none of it."""
    config = EgemapsConfig()
    config.context_window = max(np.ceil(len(samples) / SAMPLE_RATE / STEP) * STEP, 0.1)
    config.update_interval = 2 * config.context_window
    config.window_intervals = [0.0]
    stage = Egemaps(config)
    stage.push(samples)
    return stage
