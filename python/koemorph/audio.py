"""Audio input: files that libsndfile reads, block by block, and sample arrays."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from koemorph.errors import AudioError

FloatArray = npt.NDArray[np.float32]

# The ranges that the native core accepts.
MIN_SAMPLE_RATE = 8000
MAX_SAMPLE_RATE = 192000
MAX_CHANNELS = 64
# The native core clips samples here; full scale is 1.
_MAX_SAMPLE = 100

# Larger than the ratio between the highest and the lowest bit rate of MP3, which is 40.
_MP3_LENGTH_FACTOR = 64


@dataclass(frozen=True)
class AudioReader:
    """An open audio file or sample array that is read block by block.

    Attributes:
        sample_rate: Hz.
        channels: Number of channels.
        sample_count: Samples per channel.
        blocks: Blocks (samples, channels), float32.
    """

    sample_rate: int
    channels: int
    sample_count: int
    blocks: Iterator[FloatArray]

    @classmethod
    def of_samples(cls, audio: npt.ArrayLike, sample_rate: int) -> AudioReader:
        """Return a reader of samples in memory, in blocks of one second.

        Args:
            audio: Samples as `as_channels` accepts them.
            sample_rate: Hz.

        Raises:
            AudioError: The samples or the sample rate are not supported.
        """
        check_sample_rate(sample_rate, "audio")
        samples = as_channels(audio)
        blocks = (samples[at : at + sample_rate] for at in range(0, len(samples), sample_rate))
        return cls(sample_rate, samples.shape[1], len(samples), blocks)


@contextmanager
def open_audio(path: str | Path, block_seconds: float = 1.0) -> Iterator[AudioReader]:
    """Open an audio file (WAV, FLAC, OGG, MP3, ...) for reading block by block.

    Args:
        path: The file.
        block_seconds: Length of a block in seconds.

    Yields:
        The reader. Reading its blocks raises AudioError where the file is damaged.

    Raises:
        AudioError: The file is missing, is not audio, is empty, or its sample rate or channel
            count is not supported.
    """
    path = Path(path)
    if not path.is_file():
        found = "it is a folder" if path.is_dir() else "it is a pipe or a device"
        raise AudioError(
            f"Cannot read {path}: {found if path.exists() else 'it does not exist'}. "
            "Give the path of an audio file.",
            code="not_a_file" if path.exists() else "file_not_found",
        )
    if not os.access(path, os.R_OK):
        raise AudioError(
            f"Cannot read {path}: permission denied. Change the file's permissions.",
            code="permission_denied",
        )
    with ExitStack() as stack:
        file, sample_count, least = _open(path, stack)
        check_sample_rate(file.samplerate, str(path))
        if file.channels > MAX_CHANNELS:
            raise AudioError(
                f"Unsupported channel count of {path}: {file.channels}, at most {MAX_CHANNELS} "
                "are supported. Mix the channels down.",
                code="unsupported_channels",
            )
        if sample_count == 0:
            raise AudioError(
                f"{path} contains no samples, or its header does not state how many. Export the "
                "file again with an audio editor.",
                code="empty_audio",
            )
        size = max(1, int(block_seconds * file.samplerate))
        blocks = _blocks(file, size, path, least)
        yield AudioReader(file.samplerate, file.channels, sample_count, blocks)


class _ExtendedFile(io.FileIO):
    """A file that reports an end far behind its last byte.

    libsndfile estimates the length of an MP3 without a length header from the file's size and
    reads no more than the estimate. With a variable bit rate that can be less than half.
    """

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if (offset, whence) == (0, os.SEEK_END):
            return super().seek(_MP3_LENGTH_FACTOR * os.fstat(self.fileno()).st_size)
        return super().seek(offset, whence)


def _open(path: Path, stack: ExitStack) -> tuple[soundfile.SoundFile, int, int]:
    """Return the file, its samples per channel, and the smallest count it must contain.

    `stack` closes the file.
    """
    try:
        # As bytes: a file name need not be UTF-8. Windows file names are text.
        name = path if os.name == "nt" else os.fsencode(path)
        file = stack.enter_context(soundfile.SoundFile(name))
        if not file.subtype.startswith("MPEG_LAYER"):
            return file, file.frames, file.frames
        extended = stack.enter_context(
            soundfile.SoundFile(stack.enter_context(_ExtendedFile(path)))
        )
        if extended.frames == file.frames:  # The header states a length, which may be too large.
            return file, file.frames, 0
        sample_count = sum(map(len, _blocks(extended, extended.samplerate, path, 0)))
        extended.seek(0)
        return extended, sample_count, sample_count
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
    except TypeError:  # soundfile requires a sample rate for files named .raw.
        reason = "a .raw file has no sample rate"
    raise AudioError(
        f"Cannot read {path} as audio: {reason}. Use a WAV, FLAC, OGG or MP3 file.",
        code="not_audio",
    )


def _blocks(file: soundfile.SoundFile, size: int, path: Path, least: int) -> Iterator[FloatArray]:
    """Yield the file's samples, at most `size` per block.

    Raises AudioError where the file is damaged or ends before `least` samples.
    """
    reason = "samples are missing in the middle"
    position = 0
    try:
        # Not file.blocks(): when the audio ends too early, it repeats the last block.
        while not file.seekable() or file.tell() == position:
            block = file.read(size, dtype="float32", always_2d=True)
            if not len(block) and position >= least:
                return
            if not len(block):
                reason = f"it contains {position} of {least} samples"
                break
            yield block
            position += len(block)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
    raise AudioError(
        f"{path} is damaged or truncated: {reason}. Copy or export the file again.",
        code="damaged_audio",
    )


def read_mono(path: str | Path) -> tuple[FloatArray, int]:
    """Read a whole audio file and average its channels.

    Samples are cleaned as the native core does: NaN and infinity become 0, the rest is clipped.

    Args:
        path: The file.

    Returns:
        Samples (samples,) and the sample rate in Hz.

    Raises:
        AudioError: As `open_audio`.
    """
    with open_audio(path) as reader:
        finite = (np.nan_to_num(block, nan=0, posinf=0, neginf=0) for block in reader.blocks)
        mono = [np.clip(block, -_MAX_SAMPLE, _MAX_SAMPLE).mean(axis=1) for block in finite]
        return np.concatenate(mono), reader.sample_rate


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
