"""Files with a header and one range of samples (WAV, RF64, W64, AIFF, CAF, AU).

Programs that write to a pipe, and recorders that are stopped, leave the lengths unknown or wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from koemorph.audio_files import mpeg
from koemorph.audio_files.segments import Layout, Segment
from koemorph.audio_files.source import ByteSource, Part, Range, SplicedFile

_MPEG_TAGS = (0x50, 0x55)
# WAV formats with a fixed number of bytes per sample: PCM, float, A-law, mu-law, extensible.
_FLAT_TAGS = (1, 3, 6, 7, 0xFFFE)
_MAX_32 = 0xFFFFFFFF
# Sizes from here on are those of programs that did not know the length.
_UNKNOWN_32 = 0x7FFFF000
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


@dataclass(frozen=True)
class _Chunk:
    """A chunk: name, position of its size field, position and declared size of its data."""

    name: bytes
    size_at: int
    begin: int
    size: int


def _chunks(source: ByteSource, at: int, order: str, padding: int = 2) -> Iterator[_Chunk]:
    """Yield the chunks of a RIFF or FORM file."""
    while at + 8 <= source.size:
        head = source.read(at, 8)
        size = int.from_bytes(head[4:], order)  # type: ignore[arg-type]
        yield _Chunk(head[:4], at + 4, at + 8, size)
        at += 8 + -(-size // padding) * padding


def _is_chunk_list(source: ByteSource, at: int, order: str) -> bool:
    """Return whether chunks fill the file from `at`, as behind a WAV file without samples."""
    while at < source.size:
        head = source.read(at, 8)
        if len(head) < 8:
            return not head.strip(b"\0")
        if not all(32 <= byte < 127 for byte in head[:4]):
            return False
        size = int.from_bytes(head[4:], order)  # type: ignore[arg-type]
        at += 8 + size + size % 2
    return True


def _available(source: ByteSource, begin: int, size: int, order: str) -> tuple[int, bool]:
    """Return the bytes of samples at `begin`, and whether the declared `size` is one."""
    left = source.size - begin
    if size >= _UNKNOWN_32 and size > left:
        return left, False
    if size == 0 and not _is_chunk_list(source, begin, order):
        return left, False
    if left > _MAX_32 and (left - size) % (1 << 32) < 1 << 16:  # The size has wrapped.
        return left, False
    return min(size, left), True


def read_wav(source: ByteSource, at: int) -> Layout | None:
    """Find the samples of a WAV, RIFX or RF64 file and of WAV files behind it."""
    segments: list[Segment] = []
    damage: list[str] = []
    while at >= 0:
        at = _read_wav(source, at, segments, damage)
    return Layout(segments, damage=damage) if segments else None


@dataclass
class _WavHeader:
    """What the chunks before the samples of a WAV file contain."""

    order: str
    format: bytes = b""
    fact: bytes = b""
    size_64: int = 0
    data: _Chunk | None = None

    @classmethod
    def read(cls, source: ByteSource, at: int) -> _WavHeader:
        header = cls("big" if source.read(at, 4) == b"RIFX" else "little")
        for chunk in _chunks(source, at + 12, header.order):
            if chunk.name == b"data":
                header.data = chunk
                break
            if chunk.name == b"ds64":
                header.size_64 = int.from_bytes(source.read(chunk.begin + 8, 8), "little")
            elif chunk.name == b"fmt ":
                header.format = source.read(chunk.begin, min(chunk.size, 1024))
            elif chunk.name == b"fact":
                header.fact = source.read(chunk.begin, min(chunk.size, 1024))
        return header

    def number(self, begin: int, end: int) -> int:
        """Return a field of the format chunk."""
        return int.from_bytes(self.format[begin:end], self.order)  # type: ignore[arg-type]


def _read_wav(source: ByteSource, at: int, segments: list[Segment], damage: list[str]) -> int:
    """Append a WAV file's segment; return the position of another WAV file behind it, or -1."""
    header = _WavHeader.read(source, at)
    if header.data is None or len(header.format) < 16:
        return -1
    begin, size = header.data.begin, header.data.size
    if size == _MAX_32 and 0 < header.size_64 <= 1 << 62:
        size = header.size_64
        count, is_declared = min(size, source.size - begin), True
    else:
        count, is_declared = _available(source, begin, size, header.order)
    if is_declared and count < size:
        damage.append(_cut_off(size - count, size, header.number(8, 12)))
    if header.number(0, 2) in _MPEG_TAGS:
        part = Range(begin, begin + count)
        nested = mpeg.read_layout(ByteSource(SplicedFile(source, [part])))
        if nested is not None:
            segments += nested.segments
            damage += nested.damage
    else:
        segments.append(_wav_segment(source, header, begin, count))
    end = begin + count + count % 2
    is_followed = source.read(end, 4) in (b"RIFF", b"RF64", b"RIFX")
    return end if is_followed and source.read(end + 8, 4) == b"WAVE" else -1


def _wav_segment(source: ByteSource, header: _WavHeader, begin: int, count: int) -> Segment:
    """Return a WAV file of the samples, with the lengths that they have."""

    def number(value: int, size: int = 4) -> bytes:
        return value.to_bytes(size, header.order)  # type: ignore[arg-type]

    format_data, fact = header.format, header.fact
    is_flat = header.number(0, 2) in _FLAT_TAGS
    align = max(1, header.number(12, 14))
    count -= count % align if is_flat else 0
    chunks = b"fmt " + number(len(format_data)) + format_data + bytes(len(format_data) % 2)
    if not is_flat and any(fact[:4]):
        chunks += b"fact" + number(len(fact)) + fact + bytes(len(fact) % 2)
    total = 4 + len(chunks) + 8 + count
    if total <= _MAX_32:
        name = b"RIFX" if header.order == "big" else b"RIFF"
        head = name + number(total) + b"WAVE" + chunks + b"data" + number(count)
    else:
        sizes = number(total + 36, 8) + number(count, 8) + number(count // align, 8) + bytes(4)
        head = b"RF64" + number(_MAX_32) + b"WAVEds64" + number(28) + sizes
        head += chunks + b"data" + number(_MAX_32)
    return Segment(source, [head, Range(begin, begin + count)])


def _cut_off(missing: int, size: int, byte_rate: int) -> str:
    if byte_rate <= 0:
        return f"{missing} of {size} bytes are missing at the end"
    return f"{missing / byte_rate:.2f} of {size / byte_rate:.2f} s are missing at the end"


def _patched(source: ByteSource, changes: dict[int, bytes], at: int, end: int) -> Segment:
    """Return the file from `at` to `end` with some bytes of its header replaced."""
    parts: list[Part] = []
    for place, data in sorted(changes.items()):
        parts += [Range(at, place), data]
        at = place + len(data)
    parts.append(Range(at, end))
    return Segment(source, parts)


def read_aiff(source: ByteSource, at: int) -> Layout | None:
    """Find the samples of an AIFF or AIFC file."""
    changes = {at + 4: min(_MAX_32, source.size - at - 8).to_bytes(4, "big")}
    damage = []
    count_at = frame_bytes = declared = 0
    is_flat = True
    for chunk in _chunks(source, at + 12, "big"):
        if chunk.name == b"COMM":
            common = source.read(chunk.begin, chunk.size)
            bits = int.from_bytes(common[6:8], "big")
            frame_bytes = int.from_bytes(common[:2], "big") * -(-bits // 8)
            declared = int.from_bytes(common[2:6], "big")
            count_at = chunk.begin + 2
            kinds = (b"", b"NONE", b"sowt", b"twos", b"fl32", b"FL32", b"fl64", b"FL64")
            is_flat = common[18:22] in (*kinds, b"raw ", b"in24", b"in32")
        elif chunk.name == b"SSND":
            data = chunk.begin + 8
            size = max(0, chunk.size - 8)
            count, is_declared = _available(source, data, size, "big")
            if not is_declared or count < size:
                changes[chunk.size_at] = min(_MAX_32, count + 8).to_bytes(4, "big")
            if is_flat and count_at and frame_bytes and declared != count // frame_bytes:
                changes[count_at] = (count // frame_bytes).to_bytes(4, "big")
            if is_declared and count < size:
                damage.append(_cut_off(size - count, size, 0))
            end = source.size if is_declared and count == size else data + count
            return Layout([_patched(source, changes, at, end)], damage=damage)
    return None


def read_caf(source: ByteSource, at: int) -> Layout | None:
    """Find the samples of a Core Audio file."""
    place = at + 8
    while place + 12 <= source.size:
        head = source.read(place, 12)
        size = int.from_bytes(head[4:], "big", signed=True)
        begin = place + 12
        left = source.size - begin
        if head[:4] == b"data":
            if 0 < size <= left:
                return Layout([_patched(source, {}, at, source.size)])
            damage = [_cut_off(size - left, size, 0)] if size > left else []
            changes = {place + 4: left.to_bytes(8, "big")}
            return Layout([_patched(source, changes, at, source.size)], damage=damage)
        if size < 0:
            return None
        place = begin + size
    return None


def read_au(source: ByteSource, at: int) -> Layout | None:
    """Find the samples of an AU file."""
    head = source.read(at, 24)
    if len(head) < 24:
        return None
    begin, size = (int.from_bytes(head[index : index + 4], "big") for index in (4, 8))
    left = max(0, source.size - at - begin)
    is_unknown = size == 0 or size >= _UNKNOWN_32
    damage = [_cut_off(size - left, size, 0)] if size > left and not is_unknown else []
    changes = {} if size == left else {at + 8: min(left, _MAX_32).to_bytes(4, "big")}
    if 0 < size < left:
        changes = {}
    return Layout([_patched(source, changes, at, source.size)], damage=damage)


def read_w64(source: ByteSource, at: int) -> Layout | None:
    """Find the samples of a Sony Wave64 file."""
    place = at + 40
    while place + 24 <= source.size:
        head = source.read(place, 24)
        size = int.from_bytes(head[16:], "little")
        left = source.size - place
        if head[:16] == b"data" + _W64_TAIL:
            is_unknown = size <= 24 or size >= 1 << 62
            damage = [_cut_off(size - left, size, 0)] if size > left and not is_unknown else []
            changes = {at + 16: (source.size - at).to_bytes(8, "little")}
            if is_unknown or size > left:
                changes[place + 16] = left.to_bytes(8, "little")
            return Layout([_patched(source, changes, at, source.size)], damage=damage)
        if size < 24:
            return None
        place += -(-size // 8) * 8
    return None
