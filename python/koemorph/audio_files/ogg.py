"""Ogg (Vorbis, Opus, FLAC): all pages of all links, with lengths computed from the packets."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from koemorph.audio_files import flac
from koemorph.audio_files.segments import Layout, Segment
from koemorph.audio_files.source import ByteSource, Part, Range, SplicedFile

_HEADER = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE = (1 << 64) - 1
_OPUS_RATE = 48000
# Samples of the longest packet, of Vorbis.
_MAX_PACKET = 8192
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _crc(data: bytes) -> int:
    """Return Ogg's checksum, which is zlib's with the bits of all bytes reversed."""
    reflected = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")


@dataclass
class _Page:
    """A page: position, header fields, lengths of its segments, position of its data."""

    at: int
    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    body: int

    @property
    def end(self) -> int:
        return self.body + sum(self.lacing)


def _read_page(source: ByteSource, at: int) -> _Page | None:
    """Return the page at a position, None if there is none or it is damaged."""
    head = source.read(at, _HEADER)
    if len(head) < _HEADER or head[:5] != b"OggS\0":
        return None
    lacing = source.read(at + _HEADER, head[26])
    body = at + _HEADER + len(lacing)
    page = _Page(
        at,
        head[5],
        int.from_bytes(head[6:14], "little"),
        int.from_bytes(head[14:18], "little"),
        int.from_bytes(head[18:22], "little"),
        lacing,
        body,
    )
    data = source.read(at, page.end - at)
    if len(data) < page.end - at:
        return None
    unsigned = data[:22] + bytes(4) + data[26:]
    return page if _crc(unsigned) == int.from_bytes(head[22:26], "little") else None


@dataclass
class _Link:
    """The pages of one audio stream."""

    codec: str
    pages: list[_Page] = field(default_factory=list)


def _codec(head: bytes) -> str:
    for magic, codec in ((b"\x01vorbis", "vorbis"), (b"OpusHead", "opus"), (b"\x7fFLAC", "flac")):
        if head.startswith(magic):
            return codec
    return ""


def _links(source: ByteSource, at: int, damage: list[str]) -> list[_Link]:
    """Return the audio streams of a file. Of streams at the same time only the first is read."""
    links: list[_Link] = []
    current: dict[int, _Link] = {}
    in_heads = False
    while 0 <= at < source.size:
        page = _read_page(source, at)
        if page is None:
            following = source.find(b"OggS", at + 1)
            while following >= 0 and _read_page(source, following) is None:
                following = source.find(b"OggS", following + 1)
            if source.skip_zeros(at) < (source.size if following < 0 else following):
                is_cut = following < 0 and source.read(at, 4) == b"OggS"
                count = (source.size if following < 0 else following) - at
                what = "the last page is incomplete" if is_cut else "bytes are damaged"
                damage.append(f"{what} ({count} bytes at {at})")
            at = following
            continue
        at = page.end
        if page.flags & _FIRST:
            if not in_heads:
                current = {}
            in_heads = True
            codec = _codec(source.read(page.body, 8))
            if codec and not current:
                current[page.serial] = _Link(codec)
                links.append(current[page.serial])
        else:
            in_heads = False
        link = current.get(page.serial)
        if link is not None:
            link.pages.append(page)
    return links


def _packets(source: ByteSource, pages: list[_Page]) -> list[bytes]:
    """Return the complete packets of pages."""
    packets, packet = [], b""
    for page in pages:
        at = page.body
        for size in page.lacing:
            packet += source.read(at, size)
            at += size
            if size < 255:
                packets.append(packet)
                packet = b""
    return packets


def _opus_samples(head: bytes) -> int:
    """Return the samples of an Opus packet at 48 kHz by its first two bytes (RFC 6716, 3.1)."""
    if not head:
        return 0
    config, count_code = head[0] >> 3, head[0] & 3
    if config < 12:
        samples = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        samples = (480, 960)[config & 1]
    else:
        samples = (120, 240, 480, 960)[config & 3]
    counts = (1, 2, 2, head[1] & 63 if len(head) > 1 else 0)
    return samples * counts[count_code]


class _VorbisLengths:
    """Computes the samples of Vorbis packets.

    Args:
        head: The identification packet.
        setup: The setup packet. Its end lists the modes, whose block sizes are needed.
    """

    def __init__(self, head: bytes, setup: bytes) -> None:
        self._sizes = (1 << (head[28] & 15), 1 << (head[28] >> 4))
        self._modes = _vorbis_modes(setup)
        self._mask = (1 << (len(self._modes) - 1).bit_length()) - 1
        self._before = 0

    def samples(self, head: bytes) -> int:
        if not head or head[0] & 1:
            return 0
        mode = head[0] >> 1 & self._mask
        size = self._sizes[self._modes[mode] if mode < len(self._modes) else 0]
        samples = (self._before + size) // 4 if self._before else 0
        self._before = size
        return samples


def _vorbis_modes(setup: bytes) -> list[int]:
    """Return the block flag of each mode.

    The setup packet is read from its end, as FFmpeg does: 41 bits a mode, of which 32 (the types
    of window and transform) are zero, after 6 bits with the number of modes less one.
    """
    bits = int.from_bytes(setup, "little")
    end = bits.bit_length() - 1  # The framing bit.
    modes: list[int] = []
    best: list[int] = []
    at = end
    while at >= 47 and len(modes) < 64:
        at -= 41
        if bits >> (at + 1) & 0xFFFFFFFF or bits >> (at + 33) & 0xFF > 63:
            break
        modes.insert(0, bits >> at & 1)
        if (bits >> (at - 6) & 63) + 1 == len(modes):
            best = list(modes)
    return best or [0]


def _new_header(source: ByteSource, page: _Page, number: int, granule: int, flags: int) -> bytes:
    """Return a page with another number, position and flags."""
    data = source.read(page.at, page.end - page.at)
    head = (
        data[:5]
        + bytes((flags,))
        + granule.to_bytes(8, "little")
        + data[14:18]
        + number.to_bytes(4, "little")
        + bytes(4)
        + data[26:27]
    )
    head += data[_HEADER : page.body - page.at]
    crc = _crc(head + data[page.body - page.at :])
    return head[:22] + crc.to_bytes(4, "little") + head[26:]


class _Position:
    """Counts the samples of the packets that end in the pages so far."""

    def __init__(self, samples_of: Callable[[bytes], int]) -> None:
        self._samples_of = samples_of
        self._open: int | None = None
        self.samples = 0

    def add(self, source: ByteSource, page: _Page) -> None:
        at = page.body
        is_start = not page.flags & _CONTINUED
        for size in page.lacing:
            if is_start:
                self._open = self._samples_of(source.read(at, min(2, size)))
            at += size
            is_start = size < 255
            # The rest of a packet whose beginning is lost has no samples.
            if is_start and self._open is not None:
                self.samples += self._open
                self._open = None


def _end_position(page: _Page, begin: int, end: int, offset: int | None) -> int:
    """Return the end of the audio in the last page; it may cut off what fills the last packet.

    Args:
        page: The page.
        begin: Position before the page.
        end: Position behind its packets.
        offset: What the file's positions exceed these by, None if this is its first page.
    """
    if not page.flags & _LAST or page.granule == _NO_GRANULE:
        return end
    if offset is None:
        offset = 0
    return page.granule - offset if begin < page.granule - offset < end else end


def _link_segments(source: ByteSource, link: _Link, damage: list[str]) -> list[Segment]:
    """Return the segments of a Vorbis or Opus link, one for each run of pages without a gap."""
    count, index = 0, 0
    needed = 2 if link.codec == "opus" else 3
    # Header packets end with a page.
    while index < len(link.pages) and count < needed:
        count += sum(size < 255 for size in link.pages[index].lacing)
        index += 1
    headers, audio = link.pages[:index], link.pages[index:]
    packets = _packets(source, headers)
    if len(packets) < needed or not audio:
        return []
    runs: list[list[_Page]] = []
    for page, before in zip(audio, link.pages[index - 1 :], strict=False):
        if not runs or page.number != before.number + 1:
            runs.append([])
        runs[-1].append(page)

    def lengths() -> Callable[[bytes], int]:
        is_opus = link.codec == "opus"
        return _opus_samples if is_opus else _VorbisLengths(packets[0], packets[2]).samples

    rate = _OPUS_RATE if link.codec == "opus" else int.from_bytes(packets[0][12:16], "little")
    for run, following in pairwise(runs):
        position = _Position(lengths())
        position.add(source, following[0])
        lost = following[0].granule - position.samples - run[-1].granule
        if 0 < lost < 1 << 40:
            place = run[-1].granule / rate
            damage.append(f"{lost / rate:.2f} s are missing at about {place:.2f} s")
    return [_segment(source, headers, run, lengths()) for run in runs]


def _segment(
    source: ByteSource, headers: list[_Page], run: list[_Page], samples_of: Callable[[bytes], int]
) -> Segment:
    """Write pages again, with consecutive numbers and positions that begin at 0."""
    parts: list[Part] = []
    position = _Position(samples_of)
    offset: int | None = None
    for number, page in enumerate([*headers, *run]):
        is_last = number == len(headers) + len(run) - 1
        end = 0
        if number >= len(headers):
            begin = position.samples
            position.add(source, page)
            end = position.samples
            if is_last:
                end = _end_position(page, begin, end, offset)
            elif offset is None and page.granule != _NO_GRANULE and end > 0:
                offset = page.granule - end
        flags = page.flags & ~_LAST | (_LAST if is_last else 0)
        parts += [_new_header(source, page, number, end, flags), Range(page.body, page.end)]
    return Segment(source, parts, tolerance=_MAX_PACKET)


def read_layout(source: ByteSource, at: int) -> Layout | None:
    """Find all audio of an Ogg file; None if there is no Vorbis, Opus or FLAC.

    Args:
        source: The file's bytes.
        at: Position of the first page.
    """
    damage: list[str] = []
    segments: list[Segment] = []
    for link in _links(source, at, damage):
        if link.codec == "flac":
            segments += _flac_segments(source, link, damage)
        else:
            segments += _link_segments(source, link, damage)
    return Layout(segments, damage=damage) if segments else None


def _flac_segments(source: ByteSource, link: _Link, damage: list[str]) -> list[Segment]:
    """Return the segments of FLAC in Ogg, as those of a FLAC file."""
    parts: list[Part] = []
    for index, page in enumerate(link.pages):
        # The first packet is 0x7F "FLAC", version and header count before the file's beginning.
        parts.append(Range(page.body + (9 if index == 0 else 0), page.end))
    nested = flac.read_layout(ByteSource(SplicedFile(source, parts)))
    if nested is None:
        return []
    damage += nested.damage
    return nested.segments
