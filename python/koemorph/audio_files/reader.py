"""Decoding of a whole audio file by the decoder that its content needs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soundfile

from koemorph.audio_files import ffmpeg
from koemorph.audio_files.detect import Kind, detect
from koemorph.audio_files.levels import integer_scale
from koemorph.audio_files.segments import Layout, Segment, decode, open_segment
from koemorph.audio_files.source import ByteSource, Range
from koemorph.errors import AudioError

if TYPE_CHECKING:
    from koemorph.audio import RawFormat

FloatArray = npt.NDArray[np.float32]

RAW_ENCODINGS = {  # libsndfile's subtype and byte order, bytes per sample
    "s16le": ("PCM_16", "LITTLE", 2),
    "s16be": ("PCM_16", "BIG", 2),
    "s24le": ("PCM_24", "LITTLE", 3),
    "s32le": ("PCM_32", "LITTLE", 4),
    "f32le": ("FLOAT", "LITTLE", 4),
    "f32be": ("FLOAT", "BIG", 4),
    "f64le": ("DOUBLE", "LITTLE", 8),
    "u8": ("PCM_U8", "FILE", 1),
    "mulaw": ("ULAW", "FILE", 1),
    "alaw": ("ALAW", "FILE", 1),
}


@dataclass
class Content:
    """The audio of a file.

    Attributes:
        sample_rate: Hz.
        channels: Number of channels.
        sample_count: Samples per channel, 0 if unknown.
        blocks: Blocks (samples, channels) of at most the requested size.
        scale: Full scale of the samples, 1 except for floats at the scale of integers.
        damage: What is missing; complete when all blocks have been read.
    """

    sample_rate: int
    channels: int
    sample_count: int
    blocks: Iterator[FloatArray]
    scale: float = 1.0
    damage: list[str] = field(default_factory=list)


def read_file(
    file: io.BufferedReader,
    name: str,
    raw: RawFormat | None,
    block_seconds: float,
    stack: ExitStack,
) -> Content:
    """Open the audio of a file.

    Args:
        file: The file.
        name: Its name, for messages.
        raw: Format of a file without a header.
        block_seconds: Length of a block in seconds.
        stack: Closes what is opened.

    Raises:
        AudioError: The file is not audio or contains none.
    """
    source = ByteSource(file)
    kind = Kind("raw samples") if raw is not None else detect(source)
    layout = _layout(source, kind, raw)
    if layout is None and kind.is_container:
        return _container(file, name, kind, block_seconds, stack)
    if layout is None:
        # FFmpeg may have a decoder for what libsndfile has none for, e.g. Speex in Ogg.
        if kind.read is not None:
            return _container(file, name, kind, block_seconds, stack)
        raise _not_audio(name, kind)
    total = sum(segment.sample_count or 0 for segment in layout.segments)
    if total == 0:
        raise AudioError(
            f"{name} contains no samples: it is {kind.name} of {source.size} bytes. Export the "
            "file again with an audio editor.",
            code="empty_audio",
        )
    first = layout.segments[0]
    damage = list(layout.damage)
    if layout.declared is not None and layout.declared > total:
        seconds = [count / first.sample_rate for count in (total, layout.declared)]
        damage.append(f"it contains {seconds[0]:.2f} of {seconds[1]:.2f} s")
    size = max(1, int(block_seconds * first.sample_rate))
    blocks = decode(layout, size, damage)
    content = Content(first.sample_rate, first.channels, total, blocks, damage=damage)
    if layout.is_float:
        content.scale = integer_scale(decode(layout, size, []))
    return content


def _not_audio(name: str, kind: Kind, reason: str = "") -> AudioError:
    detail = f" ({reason.rstrip('.')})" if reason else ""
    raw = " Samples without a header need --raw." if kind.is_unknown else ""
    return AudioError(
        f"Cannot read {name} as audio: it is {kind.name}{detail}. Use a WAV, FLAC, Ogg, MP3 or "
        f"M4A file.{raw}",
        code="not_audio",
    )


def _layout(source: ByteSource, kind: Kind, raw: RawFormat | None) -> Layout | None:
    """Return what libsndfile can decode, None without."""
    if raw is not None:
        subtype, endian, size = RAW_ENCODINGS[raw.encoding]
        end = source.size - source.size % (size * raw.channels)
        segment = Segment(
            source, [Range(0, end)], raw.sample_rate, raw.channels, end // (size * raw.channels)
        )
        segment.raw = {"subtype": subtype, "endian": endian}
        return Layout([segment], is_float=subtype in ("FLOAT", "DOUBLE"))
    if kind.read is not None:
        layout = kind.read(source, kind.at)
    elif kind.is_container or source.size == 0:
        # libsndfile reads kinds that are not listed, e.g. VOC.
        layout = Layout([Segment(source, [Range(0, source.size)])])
    else:
        return None
    return None if layout is None else _probe(layout)


def _probe(layout: Layout) -> Layout | None:
    """Complete the segments by what libsndfile states; None if it cannot decode the first."""
    known = []
    for segment in layout.segments:
        if segment.sample_rate and segment.sample_count is not None:
            known.append(segment)
            continue
        try:
            with open_segment(segment) as file:
                segment.sample_rate, segment.channels = file.samplerate, file.channels
                segment.sample_count = file.frames
                layout.is_float = layout.is_float or file.subtype in ("FLOAT", "DOUBLE")
        except (soundfile.LibsndfileError, TypeError) as error:
            if not known:
                return None
            layout.damage.append(f"a part cannot be decoded ({error})")
            continue
        known.append(segment)
    layout.segments = known
    return layout


def _container(
    file: io.BufferedReader, name: str, kind: Kind, block_seconds: float, stack: ExitStack
) -> Content:
    damage: list[str] = []
    try:
        decoded = ffmpeg.decode(file, name, kind.name, damage, stack)
    except ffmpeg.UnreadableError as error:
        reason = str(error)
        if "MPEG-4" in kind.name and ByteSource(file).find(b"moov", 0) < 0:
            reason = "it is incomplete: its index (moov) is missing"
        raise _not_audio(name, kind, reason) from error
    size = max(1, int(block_seconds * decoded.sample_rate))
    return Content(
        decoded.sample_rate,
        decoded.channels,
        decoded.sample_count,
        _resized(decoded.blocks, size),
        damage=damage,
    )


def _resized(blocks: Iterator[FloatArray], size: int) -> Iterator[FloatArray]:
    """Yield blocks of `size` samples, the last one shorter."""
    waiting: list[FloatArray] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        while count >= size:
            joined = np.concatenate(waiting)
            yield joined[:size]
            waiting, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(waiting)
