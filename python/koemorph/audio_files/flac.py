"""FLAC: all frames of a file, whatever STREAMINFO declares."""

from __future__ import annotations

from dataclasses import dataclass

from koemorph.audio_files.segments import Layout, Segment
from koemorph.audio_files.source import ByteSource, Part, Range

_STREAMINFO_SIZE = 34
_MAX_HEADER = 16
# Frames that are examined to tell a gap from bytes that look like a frame.
_CONFIRM = 3


def _crc_table(polynomial: int, bits: int) -> list[int]:
    """Return the checksums of all bytes, the highest bit first."""
    table = []
    for value in range(256):
        crc = value << (bits - 8)
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> (bits - 1) else 0)
            crc &= (1 << bits) - 1
        table.append(crc)
    return table


_CRC8 = _crc_table(0x07, 8)
_CRC16 = _crc_table(0x8005, 16)


@dataclass(frozen=True)
class StreamInfo:
    """The STREAMINFO block."""

    data: bytes

    @property
    def max_block(self) -> int:
        return int.from_bytes(self.data[2:4], "big")

    @property
    def sample_rate(self) -> int:
        return int.from_bytes(self.data[10:13], "big") >> 4

    @property
    def channels(self) -> int:
        return (self.data[12] >> 1 & 7) + 1

    @property
    def total(self) -> int:
        return int.from_bytes(self.data[13:18], "big") & 0xFFFFFFFFF

    def header(self, total: int) -> bytes:
        """Return a FLAC header with this block, `total` samples and no checksum of them."""
        packed = int.from_bytes(self.data[10:18], "big") >> 36 << 36 | total & 0xFFFFFFFFF
        block = self.data[:10] + packed.to_bytes(8, "big") + bytes(16)
        return b"fLaC\x80" + _STREAMINFO_SIZE.to_bytes(3, "big") + block


@dataclass(frozen=True)
class _Frame:
    """A frame: position in the file, first sample, samples."""

    at: int
    first: int
    samples: int


def _parse_frame(data: bytes, info: StreamInfo) -> tuple[int, int] | None:
    """Parse a frame header; return its first sample and its samples, None if it is none."""
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[3] & 1:
        return None
    size_code, rate_code, channel_code = data[2] >> 4, data[2] & 15, data[3] >> 4
    if size_code == 0 or rate_code == 15 or channel_code > 10:
        return None
    if (channel_code + 1 if channel_code < 8 else 2) != info.channels:
        return None
    length = 1
    while length < 8 and data[4] << (length - 1) & 0x80 and data[4] << length & 0x80:
        length += 1
    number = data[4] & (0x7F if length == 1 else (1 << max(0, 7 - length)) - 1)
    for byte in data[5 : 4 + length]:
        number = number << 6 | byte & 0x3F
    at = 4 + length
    if size_code == 1:
        samples = 192
    elif size_code < 6:
        samples = 576 << (size_code - 2)
    elif size_code < 8:
        extra = size_code - 5
        samples = int.from_bytes(data[at : at + extra], "big") + 1
        at += extra
    else:
        samples = 256 << (size_code - 8)
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    crc = 0
    for byte in data[:at]:
        crc = _CRC8[crc ^ byte]
    if len(data) <= at or crc != data[at]:
        return None
    return (number if data[1] & 1 else number * info.max_block), samples


def _candidates(source: ByteSource, at: int, end: int, info: StreamInfo) -> list[_Frame]:
    found = []
    while (at := source.find(b"\xff", at, end)) >= 0:
        head = source.read(at, _MAX_HEADER)
        if len(head) > 1 and head[1] & 0xFE == 0xF8:
            parsed = _parse_frame(head, info)
            if parsed is not None:
                found.append(_Frame(at, *parsed))
        at += 1
    return found


def _runs(candidates: list[_Frame]) -> list[list[_Frame]]:
    """Return runs of frames that follow one another without a gap."""
    runs: list[list[_Frame]] = []
    expected = -1
    for index, frame in enumerate(candidates):
        following = candidates[index + 1 : index + 1 + _CONFIRM]
        if frame.first == expected:
            runs[-1].append(frame)
        elif frame.first > expected and (
            any(frame.first + frame.samples == one.first for one in following) or not runs
        ):
            runs.append([frame])
        else:
            continue
        expected = frame.first + frame.samples
    return runs


def _sample_count(run: list[_Frame]) -> int:
    return run[-1].first + run[-1].samples - run[0].first


def _segment(source: ByteSource, info: StreamInfo, run: list[_Frame], end: int) -> Segment:
    """Return the segment of consecutive frames, the last of which ends at `end`."""
    count = _sample_count(run)
    parts: list[Part] = [info.header(count), Range(run[0].at, end)]

    def resume(position: int) -> list[Segment]:
        """Return what is before and behind the first damaged frame from a position on."""
        begin = run[0].first
        rest = [frame for frame in run if frame.first + frame.samples - begin > position]
        ends = [*(frame.at for frame in rest[1:]), end]
        intact = 0
        while intact < len(rest) and _is_intact(source, rest[intact].at, ends[intact]):
            intact += 1
        if intact == len(rest):  # What else failed would fail again.
            return []
        found = []
        skip = position - (rest[0].first - begin)
        if intact:
            found.append(_segment(source, info, rest[:intact], ends[intact - 1]))
            found[0].skip = skip
            found[0].sample_count = _sample_count(rest[:intact]) - skip
        if intact + 1 < len(rest):
            found.append(_segment(source, info, rest[intact + 1 :], end))
        return found

    return Segment(source, parts, info.sample_rate, info.channels, count, resume=resume)


def _is_intact(source: ByteSource, begin: int, end: int) -> bool:
    """Compare a frame with its checksum, which is its last two bytes."""
    crc = 0
    for byte in source.read(begin, end - begin):
        crc = (crc << 8 & 0xFF00) ^ _CRC16[crc >> 8 ^ byte]
    return crc == 0


def read_layout(source: ByteSource, at: int = 0) -> Layout | None:
    """Find all frames of the FLAC files in a file; None if it is damaged at the start.

    Args:
        source: The file's bytes.
        at: Position of the first marker "fLaC".
    """
    segments: list[Segment] = []
    damage: list[str] = []
    declared = 0
    is_declared = True
    while 0 <= at < source.size:
        info = StreamInfo(source.read(at + 8, _STREAMINFO_SIZE))
        if len(info.data) < _STREAMINFO_SIZE or not info.sample_rate:
            break
        begin = _audio_start(source, at)
        following = _next_file(source, begin)
        end = source.size if following < 0 else following
        runs = _runs(_candidates(source, begin, end, info))
        counts = [_sample_count(run) for run in runs]
        for run, behind in zip(runs, [*runs[1:], None], strict=True):
            segments.append(_segment(source, info, run, end if behind is None else behind[0].at))
            if behind is not None:
                lost = behind[0].first - run[-1].first - run[-1].samples
                place = (run[-1].first + run[-1].samples) / info.sample_rate
                damage.append(f"{lost / info.sample_rate:.2f} s are missing at {place:.2f} s")
        declared += info.total
        is_declared = is_declared and info.total > 0 and not damage
        if runs and info.total == 0:  # A recording that was stopped.
            segments[-1].tolerance = runs[-1][-1].samples
        elif runs and info.total < sum(counts) and following < 0:
            is_declared = False
        at = following
    if not segments:
        return None
    return Layout(segments, declared if is_declared else None, damage)


def _audio_start(source: ByteSource, at: int) -> int:
    at += 4
    while len(block := source.read(at, 4)) == 4:
        at += 4 + int.from_bytes(block[1:], "big")
        if block[0] & 0x80:
            break
    return at


def _next_file(source: ByteSource, at: int) -> int:
    """Return the position of the next FLAC file in the file, -1 without one."""
    while (at := source.find(b"fLaC", at)) >= 0:
        if source.read(at + 4, 4)[1:] == _STREAMINFO_SIZE.to_bytes(3, "big"):
            return at
        at += 4
    return -1
