"""Reading recordings: any file libsndfile knows, in pieces, with errors a user understands."""

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

# What the native resample and audio stages take.
LEAST_RATE = 8000
MOST_RATE = 192000
MOST_CHANNELS = 64
# What the audio stage takes a louder sample for; full scale is 1.
_LOUDEST = 100

# Between the lowest and the highest bit rate of MP3 there is a factor of 40.
_FAR = 64


@dataclass(frozen=True)
class Recording:
    """An open recording: its sample rate in Hz, channels, length in sample frames, and blocks."""

    sample_rate: int
    channels: int
    length: int
    blocks: Iterator[FloatArray]  # each (n, channels) float32


@contextmanager
def open_audio(path: str | Path, block_seconds: float = 1.0) -> Iterator[Recording]:
    """Open a recording (WAV, FLAC, OGG, MP3, ...) to be read block by block.

    Raises AudioError when it is missing, no audio, empty, at a rate outside 8-192 kHz, or of more
    than 64 channels.
    """
    path = Path(path)
    if not path.is_file():
        other = "is a folder" if path.is_dir() else "is a pipe or a device, no file"
        kind = other if path.exists() else "does not exist"
        raise AudioError(f"The recording {path} {kind}; give the path of an audio file.")
    if not os.access(path, os.R_OK):
        raise AudioError(f"This user may not read the recording {path}; change its permissions.")
    with ExitStack() as stack:
        file, length, least = _open(path, stack)
        check_rate(file.samplerate, str(path))
        if file.channels > MOST_CHANNELS:
            raise AudioError(
                f"{path} has {file.channels} channels; KoeMorph takes {MOST_CHANNELS} at most, so "
                "mix them down first."
            )
        if length == 0:
            raise AudioError(
                f"{path} holds no sound, or does not say how much; record something, or save it "
                "anew in an audio editor."
            )
        size = max(1, int(block_seconds * file.samplerate))
        yield Recording(file.samplerate, file.channels, length, _blocks(file, size, path, least))


class _LongFile(io.FileIO):
    """A file that seems to end far behind its last byte.

    From where it ends libsndfile guesses the length of an MP3 that does not say it, and reads no
    more than that: of one whose bit rate varies, less than half.
    """

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if (offset, whence) == (0, os.SEEK_END):
            return super().seek(_FAR * os.fstat(self.fileno()).st_size)
        return super().seek(offset, whence)


def _open(path: Path, stack: ExitStack) -> tuple[soundfile.SoundFile, int, int]:
    """The file, which `stack` closes, its length in sample frames and how many it surely has."""
    try:
        # As bytes, for a name need not be UTF-8; Windows has its own names, as text.
        name = path if os.name == "nt" else os.fsencode(path)
        file = stack.enter_context(soundfile.SoundFile(name))
        if not file.subtype.startswith("MPEG_LAYER"):
            return file, file.frames, file.frames
        long = stack.enter_context(soundfile.SoundFile(stack.enter_context(_LongFile(path))))
        if long.frames == file.frames:  # it says its length, and may have been cut since
            return file, file.frames, 0
        length = sum(map(len, _blocks(long, long.samplerate, path, 0)))
        long.seek(0)
        return long, length, length
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".")
    except TypeError:  # what ends with .raw is taken for samples of unknown rate
        why = "raw samples do not say their rate"
    raise AudioError(f"{path} cannot be read as audio ({why}); give a WAV, FLAC, OGG or MP3 file.")


def _blocks(file: soundfile.SoundFile, size: int, path: Path, least: int) -> Iterator[FloatArray]:
    """The file's sound, `size` sample frames at a time.

    Raises AudioError where it is broken, and where it ends before `least` sample frames.
    """
    why = "there is a gap in its sound"
    at = 0
    try:
        # Not file.blocks(): where the sound ends too early, that gives its last second again.
        while not file.seekable() or file.tell() == at:
            block = file.read(size, dtype="float32", always_2d=True)
            if not len(block) and at >= least:
                return
            if not len(block):
                why = f"{at} of {least} samples are there"
                break
            yield block
            at += len(block)
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".")
    raise AudioError(f"{path} is broken or ends too early ({why}); copy or record it again.")


def read_mixed(path: str | Path) -> tuple[FloatArray, int]:
    """A whole recording in one channel, (n,), as a face hears it, and its sample rate in Hz.

    What is no number is silence, of each channel for itself. Raises AudioError as open_audio does.
    """
    with open_audio(path) as recording:
        numbers = (np.nan_to_num(b, nan=0, posinf=0, neginf=0) for b in recording.blocks)
        mixed = [np.clip(block, -_LOUDEST, _LOUDEST).mean(axis=1) for block in numbers]
        return np.concatenate(mixed), recording.sample_rate


def check_rate(rate: int, what: str) -> None:
    """Raise AudioError when `rate` (Hz) of `what` is not one that can be resampled."""
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise AudioError(
            f"{what} has a sample rate of {rate} Hz; KoeMorph takes {LEAST_RATE} to {MOST_RATE} Hz."
        )


def as_channels(audio: npt.ArrayLike) -> FloatArray:
    """Samples (n,) or (n, channels), floats in [-1, 1] or integers at full scale, as (n, channels).

    Raises AudioError for other shapes and kinds.
    """
    try:
        samples = np.asarray(audio)
    except ValueError as error:
        raise AudioError("Audio must have as many channels at each sample.") from error
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or samples.shape[1] not in range(1, MOST_CHANNELS + 1):
        raise AudioError(
            f"Audio must have the shape (samples,) or (samples, channels) with 1 to "
            f"{MOST_CHANNELS} channels, not {np.shape(audio)}."
        )
    if np.issubdtype(samples.dtype, np.signedinteger):
        samples = samples / -float(np.iinfo(samples.dtype).min)
    elif not np.issubdtype(samples.dtype, np.floating):
        raise AudioError(f"Audio must be floats or signed integers, not {samples.dtype}.")
    return np.ascontiguousarray(samples, dtype=np.float32)


def as_recording(audio: npt.ArrayLike, sample_rate: int) -> Recording:
    """Samples as `as_channels` takes them, at `sample_rate` Hz, like an open recording."""
    check_rate(sample_rate, "The audio")
    samples = as_channels(audio)
    blocks = (samples[at : at + sample_rate] for at in range(0, len(samples), sample_rate))
    return Recording(sample_rate, samples.shape[1], len(samples), blocks)
