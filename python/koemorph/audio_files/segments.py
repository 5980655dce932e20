"""Parts of an audio file that are decoded one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import soundfile

from koemorph._native import Resampler
from koemorph.audio_files.quiet import quiet_decoder
from koemorph.audio_files.source import ByteSource, Part, SplicedFile

FloatArray = npt.NDArray[np.float32]


@dataclass
class Segment:
    """A part of an audio file that libsndfile can decode as a file of its own.

    Attributes:
        source: The file's bytes.
        parts: The bytes of that file.
        sample_rate: Hz.
        channels: Number of channels.
        sample_count: Samples per channel, after `skip`; None until the decoder states it.
        skip: Samples at the start that are not audio, e.g. an encoder's delay.
        tolerance: Samples that may be missing at the end without loss, e.g. an incomplete frame.
        is_mpeg: Whether the decoder estimates the length and writes to standard error.
        raw: libsndfile's format of samples without a header.
        resume: Returns what can be decoded from a position on where decoding failed.
    """

    source: ByteSource
    parts: list[Part]
    sample_rate: int = 0
    channels: int = 0
    sample_count: int | None = None
    skip: int = 0
    tolerance: int = 0
    is_mpeg: bool = False
    raw: dict[str, str] = field(default_factory=dict)
    resume: Callable[[int], list[Segment]] = lambda _: []


@dataclass
class Layout:
    """What an audio file contains.

    Attributes:
        segments: Its parts, in order.
        declared: Samples per channel that the header promises, None if it does not.
        damage: What is missing or damaged, e.g. "12 bytes at 345 are damaged".
        is_float: Whether the samples are floats.
    """

    segments: list[Segment]
    declared: int | None = None
    damage: list[str] = field(default_factory=list)
    is_float: bool = False


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """A file whose `read` does not seek; soundfile's does, which fails behind damage."""

    def seekable(self) -> bool:
        return False


def open_segment(segment: Segment) -> soundfile.SoundFile:
    """Open a segment with libsndfile; soundfile.LibsndfileError if it cannot be decoded."""
    file = SplicedFile(segment.source, segment.parts, segment.is_mpeg)
    with quiet_decoder(segment.is_mpeg):
        if segment.raw:
            raw = {"samplerate": segment.sample_rate, "channels": segment.channels}
            return _Sequential(file, format="RAW", **raw, **segment.raw)
        return _Sequential(file)


def _decode(segment: Segment, begin: int, size: int, damage: list[str]) -> Iterator[FloatArray]:
    """Yield a segment's samples and append what is missing to `damage`.

    `begin` is the position of the segment in the file, in samples.
    """
    position = 0
    reason = ""
    total = segment.skip + (segment.sample_count or 0)
    try:
        with open_segment(segment) as file:
            while position < total:
                with quiet_decoder(segment.is_mpeg):
                    block = file.read(min(size, total - position), "float32", always_2d=True)
                if not len(block):
                    break
                position += len(block)
                yield block[max(0, segment.skip - (position - len(block))) :]
    except soundfile.LibsndfileError as error:
        reason = f" ({error.error_string.rstrip('.')})"
    at = begin + max(0, position - segment.skip)
    missing = total - max(position, segment.skip)
    lost = missing
    for rest in segment.resume(position) if missing > 0 else ():
        lost -= rest.sample_count or 0
        yield from _decode(rest, at, size, damage)
        at += rest.sample_count or 0
    if lost > segment.tolerance:
        seconds, place = lost / segment.sample_rate, (begin + position) / segment.sample_rate
        damage.append(f"{seconds:.2f} s cannot be decoded at about {place:.2f} s{reason}")


class _Converter:
    """Converts blocks of a segment to the sample rate and channels of the first one."""

    def __init__(self, segment: Segment, sample_rate: int, channels: int) -> None:
        self._channels = channels
        self._resamplers: list[Resampler] = []
        if segment.sample_rate != sample_rate:
            self._resamplers = [
                Resampler(segment.sample_rate, sample_rate) for _ in range(channels)
            ]
            self._tail = int(self._resamplers[0].latency * segment.sample_rate) + 2
        self._ratio = sample_rate / max(1, segment.sample_rate)
        self._in = self._out = 0

    def convert(self, block: FloatArray) -> FloatArray:
        if block.shape[1] != self._channels:
            block = np.repeat(block.mean(axis=1, keepdims=True), self._channels, axis=1)
        if not self._resamplers:
            return block
        self._in += len(block)
        resampled = self._push(block)
        self._out += len(resampled)
        return resampled

    def flush(self) -> FloatArray:
        if not self._resamplers:
            return np.zeros((0, self._channels), np.float32)
        tail = self._push(np.zeros((self._tail, self._channels), np.float32))
        return tail[: max(0, round(self._in * self._ratio) - self._out)]

    def _push(self, block: FloatArray) -> FloatArray:
        columns = zip(self._resamplers, block.T, strict=True)
        return np.stack([one.push(np.ascontiguousarray(column)) for one, column in columns], axis=1)


def decode(layout: Layout, size: int, damage: list[str]) -> Iterator[FloatArray]:
    """Yield the samples of all segments.

    Args:
        layout: What it contains.
        size: Largest number of samples of a block.
        damage: Receives what is missing, when the last block has been read.
    """
    first = layout.segments[0]
    done = 0
    for segment in layout.segments:
        converter = _Converter(segment, first.sample_rate, first.channels)
        for block in _decode(segment, done, size, damage):
            if len(block):
                yield converter.convert(block)
        done += segment.sample_count or 0
        tail = converter.flush()
        if len(tail):
            yield tail
