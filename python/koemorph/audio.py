"""Audio input: files, block by block, and sample arrays."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from koemorph.audio_files.levels import integer_scale, without_cancellation
from koemorph.audio_files.reader import RAW_ENCODINGS, Content, read_file
from koemorph.errors import AudioError

FloatArray = npt.NDArray[np.float32]

# The ranges that the native core accepts.
MIN_SAMPLE_RATE = 8000
MAX_SAMPLE_RATE = 192000
MAX_CHANNELS = 64
# The native core clips samples here; full scale is 1.
_MAX_SAMPLE = 100

# Receives problems of a file that leave audio to read.
ProblemHandler = Callable[[AudioError], None]


@dataclass(frozen=True)
class AudioReader:
    """An open audio file or sample array that is read block by block.

    Attributes:
        sample_rate: Hz.
        channels: Number of channels.
        sample_count: Samples per channel, as declared or computed before decoding; 0 if unknown.
        blocks: Blocks (samples, channels), float32.
    """

    sample_rate: int
    channels: int
    sample_count: int
    blocks: Iterator[FloatArray]

    @classmethod
    def of_samples(
        cls,
        audio: npt.ArrayLike,
        sample_rate: int,
        *,
        channel: int | None = None,
        on_problem: ProblemHandler | None = None,
    ) -> AudioReader:
        """Return a reader of samples in memory, in blocks of one second.

        Args:
            audio: Samples as `as_channels` accepts them.
            sample_rate: Hz.
            channel: As in `open_audio`.
            on_problem: As in `open_audio`.

        Raises:
            AudioError: The samples or the sample rate are not supported.
        """
        check_sample_rate(sample_rate, "audio")
        samples = as_channels(audio)
        scale = integer_scale([samples])
        if scale != 1:
            _report(_integer_scale_problem("The audio", scale), on_problem)
            samples = samples / np.float32(scale)
        count = samples.shape[1]
        if channel is not None:
            _check_channel(channel, count, "The audio")
            samples = samples[:, channel - 1 : channel]
        blocks = (samples[at : at + sample_rate] for at in range(0, len(samples), sample_rate))
        return cls(sample_rate, samples.shape[1], len(samples), without_cancellation(blocks))


@dataclass(frozen=True)
class RawFormat:
    """Format of samples without a header.

    Attributes:
        sample_rate: Hz.
        channels: Number of channels.
        encoding: One of RAW_ENCODINGS.
    """

    sample_rate: int
    channels: int = 1
    encoding: str = "s16le"

    @classmethod
    def parse(cls, text: str) -> RawFormat:
        """Parse RATE[,CHANNELS[,ENCODING]].

        Raises:
            AudioError: The text is not such a format.
        """
        rate, channels, encoding, *rest = [*text.split(","), *("", "")[: 2 - text.count(",")], ""]
        encoding = encoding or "s16le"
        numbers = (rate, channels or "1")
        if any(rest) or not all(map(str.isdecimal, numbers)) or encoding not in RAW_ENCODINGS:
            raise AudioError(
                f'Invalid raw format "{text}": RATE[,CHANNELS[,ENCODING]] with an encoding of '
                f"{', '.join(RAW_ENCODINGS)} is expected, e.g. 24000 or 48000,2,f32le.",
                code="invalid_raw_format",
            )
        return cls(int(numbers[0]), int(numbers[1]), encoding)


@contextmanager
def open_audio(
    path: str | Path,
    block_seconds: float = 1.0,
    *,
    channel: int | None = None,
    raw: RawFormat | None = None,
    name: str | None = None,
    on_problem: ProblemHandler | None = None,
) -> Iterator[AudioReader]:
    """Open an audio file for reading all of its audio block by block.

    WAV, FLAC, Ogg, MP3, AIFF and other formats are decoded by libsndfile; M4A, MP4, WebM and others
    by PyAV, or by the program ffmpeg. The kind of the file is recognized by its bytes. Lengths in
    headers are compared with the bytes; files behind one another are read one after another.

    Where channels cancel each other, all are replaced by the loudest. Floats at the scale of
    integers are scaled to [-1, 1], and reported.

    Args:
        path: The file.
        block_seconds: Length of a block in seconds.
        channel: The only channel to read; 1 is the first. None for all.
        raw: Format of a file without a header.
        name: The file's name in messages; None for `path`.
        on_problem: Receives problems that leave audio to read, with the codes damaged_audio
            (audio is missing) and integer_scale. None raises the former behind the last block,
            and warns of the latter.

    Yields:
        The reader.

    Raises:
        AudioError: The file is missing, is not audio, is empty, or its sample rate, channel
            count or `channel` is not supported.
    """
    path = Path(path)
    name = str(path) if name is None else name
    if not path.is_file():
        found = "it is a folder" if path.is_dir() else "it is a pipe or a device"
        raise AudioError(
            f"Cannot read {name}: {found if path.exists() else 'it does not exist'}. "
            "Give the path of an audio file.",
            code="not_a_file" if path.exists() else "file_not_found",
        )
    if not os.access(path, os.R_OK):
        raise AudioError(
            f"Cannot read {name}: permission denied. Change the file's permissions.",
            code="permission_denied",
        )
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        content = read_file(file, name, raw, block_seconds, stack)
        check_sample_rate(content.sample_rate, name)
        if content.channels > MAX_CHANNELS:
            raise AudioError(
                f"Unsupported channel count of {name}: {content.channels}, at most {MAX_CHANNELS} "
                "are supported. Mix the channels down.",
                code="unsupported_channels",
            )
        if channel is not None:
            _check_channel(channel, content.channels, name)
        blocks = content.blocks
        if content.scale != 1:
            _report(_integer_scale_problem(name, content.scale), on_problem)
            blocks = (block / np.float32(content.scale) for block in blocks)
        if channel is None:
            blocks = without_cancellation(blocks)
        else:
            blocks = (block[:, channel - 1 : channel] for block in blocks)
        yield AudioReader(
            content.sample_rate,
            content.channels if channel is None else 1,
            content.sample_count,
            _checked(blocks, content, name, on_problem),
        )


def _check_channel(channel: int, channels: int, name: str) -> None:
    if not 1 <= channel <= channels:
        raise AudioError(
            f"{name} has no channel {channel}: it has {channels}. Choose one from 1 to {channels}.",
            code="unknown_channel",
        )


def _integer_scale_problem(name: str, scale: float) -> AudioError:
    return AudioError(
        f"{name} contains floats at the scale of integers: they are divided by {scale:.0f}. "
        "Use floats from -1 to 1.",
        code="integer_scale",
    )


def is_damaged(problems: Iterable[AudioError]) -> bool:
    """Return whether one of the problems is missing audio."""
    return any(problem.code == "damaged_audio" for problem in problems)


def _report(problem: AudioError, on_problem: ProblemHandler | None) -> None:
    if on_problem is not None:
        on_problem(problem)
    elif problem.code == "damaged_audio":
        raise problem
    else:
        warnings.warn(str(problem), stacklevel=4)


def _checked(
    blocks: Iterator[FloatArray], content: Content, name: str, on_problem: ProblemHandler | None
) -> Iterator[FloatArray]:
    """Yield the blocks, then report what is missing."""
    done = 0
    for block in blocks:
        done += len(block)
        yield block
    if content.damage:
        message = (
            f"{name} is damaged or incomplete: {'; '.join(content.damage)}. "
            f"{done / content.sample_rate:.2f} s were read. Copy or export the file again."
        )
        _report(AudioError(message, code="damaged_audio"), on_problem)


def read_mono(
    path: str | Path,
    *,
    channel: int | None = None,
    on_problem: ProblemHandler | None = None,
) -> tuple[FloatArray, int]:
    """Read a whole audio file and average its channels.

    Samples are cleaned as the native core does: NaN and infinity become 0, the rest is clipped.

    Args:
        path: The file.
        channel: As in `open_audio`.
        on_problem: As in `open_audio`.

    Returns:
        Samples (samples,) and the sample rate in Hz.

    Raises:
        AudioError: As `open_audio`.
    """
    with open_audio(path, channel=channel, on_problem=on_problem) as reader:
        finite = (np.nan_to_num(block, nan=0, posinf=0, neginf=0) for block in reader.blocks)
        mono = [np.clip(block, -_MAX_SAMPLE, _MAX_SAMPLE).mean(axis=1) for block in finite]
        return np.concatenate(mono or [np.zeros(0, np.float32)]), reader.sample_rate


def check_sample_rate(sample_rate: int, source: str) -> None:
    """Raise AudioError when the `sample_rate` (Hz) of `source` is not supported."""
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise AudioError(
            f"Unsupported sample rate of {source}: {sample_rate} Hz, {MIN_SAMPLE_RATE} to "
            f"{MAX_SAMPLE_RATE} Hz are supported. Resample the audio.",
            code="unsupported_sample_rate",
        )


def as_channels(audio: npt.ArrayLike) -> FloatArray:
    """Convert samples to the core's format.

    Args:
        audio: (samples,) or (samples, channels): floats in [-1, 1], or signed integers at full
            scale.

    Returns:
        (samples, channels), float32.

    Raises:
        AudioError: The shape or the data type is not supported.
    """
    try:
        samples = np.asarray(audio)
    except ValueError as error:
        raise AudioError(
            "Unsupported audio shape: the rows have different lengths. "
            "Pass (samples,) or (samples, channels).",
            code="unsupported_shape",
        ) from error
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or samples.shape[1] not in range(1, MAX_CHANNELS + 1):
        raise AudioError(
            f"Unsupported audio shape: {np.shape(audio)}. Pass (samples,) or (samples, channels) "
            f"with 1 to {MAX_CHANNELS} channels.",
            code="unsupported_shape",
        )
    if np.issubdtype(samples.dtype, np.signedinteger):
        samples = samples / -float(np.iinfo(samples.dtype).min)
    elif not np.issubdtype(samples.dtype, np.floating):
        raise AudioError(
            f"Unsupported sample type: {samples.dtype}. Pass floats or signed integers.",
            code="unsupported_sample_type",
        )
    return np.ascontiguousarray(samples, dtype=np.float32)


def as_mono(audio: npt.ArrayLike) -> FloatArray:
    """Convert samples to one channel by averaging.

    Args:
        audio: Samples as `as_channels` accepts them.

    Returns:
        (samples,), float32.

    Raises:
        AudioError: As `as_channels`.
    """
    samples = as_channels(audio)
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
