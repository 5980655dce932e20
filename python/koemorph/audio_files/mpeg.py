"""MPEG audio (MP3, MP2, MP1): all frames of a file, whatever its headers declare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from koemorph.audio_files.segments import Layout, Segment
from koemorph.audio_files.source import ByteSource, Range, merge_ranges

_BITRATES = {  # kbit/s by (MPEG-1 or not, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ID3V1_SIZE = 128
_DECODER_DELAY = 529
# Frames in a row that are taken for audio and not for a coincidence.
_MIN_FRAMES = 3


@dataclass(frozen=True)
class Frame:
    """An MPEG audio frame.

    Attributes:
        size: Bytes.
        samples: Samples per channel.
        kind: Sample rate, channels and layer: what stays the same within a stream.
        side_info: Position of a Xing tag from the frame's start.
    """

    size: int
    samples: int
    kind: tuple[int, int, int]
    side_info: int


def parse_frame(header: bytes) -> Frame | None:
    """Parse the four bytes of a frame header; None if they are none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    is_mpeg1 = version == 3
    sample_rate = _SAMPLE_RATES[version][rate_index]
    bitrate = 1000 * _BITRATES[is_mpeg1, layer][bitrate_index]
    samples = 384 if layer == 1 else 576 if layer == 3 and not is_mpeg1 else 1152
    size = samples // 8 * bitrate // sample_rate + padding
    if layer == 1:
        size = (12 * bitrate // sample_rate + padding) * 4
    channels = 1 if header[3] >> 6 == 3 else 2
    side_info = (32 if channels == 2 else 17) if is_mpeg1 else (17 if channels == 2 else 9)
    return Frame(size, samples, (sample_rate, channels, layer), 4 + side_info)


def skip_tags(source: ByteSource, at: int) -> int:
    """Return the position behind ID3v2 and APE tags and zeros at `at`."""
    while True:
        head = source.read(at, 32)
        if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
            size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
            at = min(source.size, at + 10 + size + (10 if head[5] & 0x10 else 0))
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            has_header = head[23] & 0x20
            at += 32 + (int.from_bytes(head[12:16], "little") if has_header else 0)
        elif head[:3] == b"TAG" and source.size - at <= _ID3V1_SIZE:
            at = source.size
        elif head[:3] == b"TAG" and (
            parse_frame(source.read(at + _ID3V1_SIZE, 4))
            or source.read(at + _ID3V1_SIZE, 3) == b"ID3"
        ):
            at += _ID3V1_SIZE
        elif head[:1] == b"\0":
            at = source.skip_zeros(at)
        else:
            return at


def _has_frames(source: ByteSource, at: int, count: int, kind: tuple[int, int, int] | None) -> bool:
    """Return whether `count` frames of one kind begin at `at`, or fewer to the file's end."""
    for index in range(count):
        if at >= source.size and index > 0:
            return True
        frame = parse_frame(source.read(at, 4))
        if frame is None or (kind is not None and frame.kind != kind):
            # A tag or another file behind the first frame.
            return index > 0 and skip_tags(source, at) > at
        kind = frame.kind
        at += frame.size
    return True


def find_frames(
    source: ByteSource, at: int, end: int, kind: tuple[int, int, int] | None = None
) -> int:
    """Return the position of the first frame of a stream in [at, end), -1 without one.

    Args:
        source: The file's bytes.
        at: Where to begin.
        end: Where to end.
        kind: The kind of the stream before; one frame of it is enough.
    """
    while (at := source.find(b"\xff", at, end)) >= 0:
        if parse_frame(source.read(at, 4)) is not None and (
            (kind is not None and _has_frames(source, at, 2, kind))
            or _has_frames(source, at, _MIN_FRAMES, None)
        ):
            return at
        at += 1
    return -1


def _walk(source: ByteSource, at: int, damage: list[str]) -> Iterator[tuple[int, Frame]]:
    """Yield all frames; the last one may be incomplete, as of a recording that was stopped.

    Bytes between them that are neither tag nor zero are appended to `damage`.
    """
    at, kind = skip_tags(source, at), None
    last: Frame | None = None
    while at < source.size:
        frame = parse_frame(source.read(at, 4))
        if frame is not None and (frame.kind == kind or _has_frames(source, at, _MIN_FRAMES, None)):
            kind, last = frame.kind, frame
            yield at, frame
            at += frame.size
            continue
        found = find_frames(source, at, source.size, kind)
        behind_tags = skip_tags(source, at)
        if last is not None and found >= 0 and found != behind_tags:
            seconds = (found - at) / last.size * last.samples / last.kind[0]
            damage.append(f"{max(0, found - at)} bytes at {at} are damaged, about {seconds:.2f} s")
        if found < 0:
            return
        at = found


@dataclass(frozen=True)
class _LengthTag:
    """The Xing or Info tag of an encoder: frames, samples of delay and of padding."""

    frames: int
    delay: int
    padding: int


def _length_tag(source: ByteSource, at: int, frame: Frame) -> _LengthTag | None:
    data = source.read(at + frame.side_info, 160)
    if data[:4] not in (b"Xing", b"Info") or len(data) < 160:
        return None
    flags, position = data[7], 8
    frames = 0
    if flags & 1:
        frames = int.from_bytes(data[8:12], "big")
        position += 4
    position += (4 if flags & 2 else 0) + (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    trim = int.from_bytes(data[position + 21 : position + 24], "big")
    return _LengthTag(frames, trim >> 12, trim & 0xFFF)


def _without_length_tags(
    source: ByteSource, frames: list[tuple[int, Frame]]
) -> list[tuple[int, Frame]]:
    """Remove the length tags behind other tags, where files follow one another."""
    kept = []
    end = frames[0][0]
    for at, frame in frames:
        if at == end or _length_tag(source, at, frame) is None:
            kept.append((at, frame))
        end = at + frame.size
    return kept


def read_layout(source: ByteSource, at: int = 0) -> Layout | None:
    """Find all frames of a file; None if there are none.

    As in ffmpeg and players, the delay and padding of the first encoder are cut off, and those of
    files behind the first are audio.

    Args:
        source: The file's bytes.
        at: Where to begin.
    """
    damage: list[str] = []
    frames = list(_walk(source, at, damage))
    if not frames:
        return None
    tag = _length_tag(source, *frames[0])
    if tag is not None and len(frames) > 1:
        frames = frames[1:]
    frames = _without_length_tags(source, frames)
    segments: list[Segment] = []
    ranges: list[Range] = []
    kind = None
    for begin, frame in frames:
        if frame.kind != kind:
            ranges = []
            kind = frame.kind
            segments.append(Segment(source, ranges, kind[0], kind[1], 0, is_mpeg=True))  # type: ignore[arg-type]
        ranges.append(Range(begin, begin + frame.size))
        segments[-1].sample_count += frame.samples  # type: ignore[operator]
        # A decoder may drop the first frame, which needs bits of the frame before it.
        segments[-1].tolerance = 2 * frame.samples
    for segment in segments:
        segment.parts = merge_ranges(segment.parts)  # type: ignore[arg-type]
    last = segments[-1].parts[-1]
    if isinstance(last, Range) and last.end > source.size:
        segments[-1].parts[-1:] = [Range(last.begin, source.size), bytes(last.end - source.size)]
    layout = Layout(segments, damage=damage)
    if tag is not None:
        _apply_tag(layout, tag, frames[0][1].samples, len(frames))
    return layout


def _apply_tag(layout: Layout, tag: _LengthTag, frame_samples: int, frames: int) -> None:
    first = layout.segments[0]
    assert first.sample_count is not None
    first.skip = min(tag.delay + _DECODER_DELAY, first.sample_count)
    first.sample_count -= first.skip
    if tag.frames == frames and len(layout.segments) == 1:
        first.sample_count = max(0, first.sample_count - max(0, tag.padding - _DECODER_DELAY))
    # One frame less is a recording whose last frame is incomplete.
    if frames < tag.frames - 1 and not layout.damage:
        layout.declared = tag.frames * frame_samples - tag.delay - tag.padding
