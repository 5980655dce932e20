"""eGeMAPSv02 features (Eyben et al. 2016) of recordings and streams.

The native core computes them; their use is not restricted by openSMILE's license.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from koemorph import _native
from koemorph._native import EgemapsConfig, EgemapsStream
from koemorph.audio import as_mono
from koemorph.errors import AudioError, raise_missing_extra

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FUNCTIONAL_NAMES",
    "GEMAPS_NAMES",
    "LLD_NAMES",
    "EgemapsConfig",
    "EgemapsStream",
    "compute_egemaps",
]

LLD_NAMES: tuple[str, ...] = tuple(_native.LLD_NAMES)
"""The 25 low-level descriptors, in the column order of level="lld"."""

FUNCTIONAL_NAMES: tuple[str, ...] = tuple(_native.FUNCTIONAL_NAMES)
"""The 88 functionals, in the column order of level="functionals"."""

_ONLY_EXTENDED = ("spectralFlux", "mfcc", "F2bandwidth", "F3bandwidth", "equivalentSoundLevel")
GEMAPS_NAMES: tuple[str, ...] = tuple(
    name for name in FUNCTIONAL_NAMES if not name.startswith(_ONLY_EXTENDED)
)
"""The 62 of the 88 functionals that are in the minimal set, GeMAPSv01b."""

SAMPLE_RATE = 16000  # Hz
HOP_SECONDS = 0.01
FRAME_SECONDS = 0.02


def compute_egemaps(
    samples: npt.ArrayLike,
    sample_rate: float,
    level: Literal["functionals", "lld"] = "functionals",
) -> pd.DataFrame:
    """Compute eGeMAPSv02 of a whole recording.

    Args:
        samples: (samples,) or (samples, channels), whose channels are averaged: floats in [-1, 1],
            or signed integers at full scale.
        sample_rate: Hz, a whole number; the samples are resampled to 16 kHz.
        level: "functionals" for one row of 88 columns, "lld" for a row of 25 columns every 10 ms.

    Returns:
        A table with the columns and the index (start, end) of
        `opensmile.Smile(FeatureSet.eGeMAPSv02).process_signal`. A recording shorter than 60 ms has
        no LLD rows; its functionals are finite.

    Raises:
        AudioError: The samples or the sample rate are not supported.
        MissingExtraError: pandas is not installed.
        ValueError: `level` is unknown.

    Source:
        Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research
        and Affective Computing", IEEE Transactions on Affective Computing 7(2), 2016.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise_missing_extra("compute_egemaps", "features", error)
    if level not in ("functionals", "lld"):
        raise ValueError(f'level={level!r} is unknown: use "functionals" or "lld".')
    mono, rate = as_mono(samples), _whole_number(sample_rate)
    duration = len(mono) / rate
    stream = _stream_of(_resample(mono, rate))
    if level == "functionals":
        values, columns = stream.functionals()[None], FUNCTIONAL_NAMES
        starts, ends = np.array([0.0]), np.array([duration])
    else:
        values, columns = stream.lld(), LLD_NAMES
        starts = np.arange(len(values)) * HOP_SECONDS
        ends = starts + FRAME_SECONDS
        ends[-1:] = duration
    index = pd.MultiIndex.from_arrays(
        [pd.to_timedelta(starts, unit="s"), pd.to_timedelta(ends, unit="s")],
        names=["start", "end"],
    )
    return pd.DataFrame(values, index=index, columns=list(columns))


def _whole_number(sample_rate: float) -> int:
    if not (sample_rate > 0 and float(sample_rate).is_integer()):
        raise AudioError(
            f"Unsupported sample rate: {sample_rate} Hz. Pass a whole number above 0.",
            code="unsupported_sample_rate",
        )
    return int(sample_rate)


def _resample(samples: npt.NDArray[np.float32], sample_rate: int) -> npt.NDArray[np.float32]:
    """Resample (samples,) to 16 kHz, round(samples / sample_rate * 16000) samples."""
    if sample_rate == SAMPLE_RATE:
        return samples
    resampler = _native.Resampler(sample_rate, SAMPLE_RATE)
    count = round(len(samples) * SAMPLE_RATE / sample_rate)
    silence = np.zeros(int(2 * resampler.latency * sample_rate) + 2, np.float32)
    return np.concatenate([resampler.push(samples), resampler.push(silence)])[:count]


def _stream_of(samples: npt.NDArray[np.float32]) -> EgemapsStream:
    """Return a stream whose context window holds all of `samples` (samples,) at 16 kHz."""
    config = EgemapsConfig()
    seconds = np.ceil(len(samples) / SAMPLE_RATE / HOP_SECONDS) * HOP_SECONDS
    config.context_window = max(seconds, 0.1)
    config.update_interval = 2 * config.context_window
    config.window_intervals = [0.0]
    stream = EgemapsStream(config)
    stream.push(samples)
    return stream
