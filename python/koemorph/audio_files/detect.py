"""What a file is, by its bytes and not by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from koemorph.audio_files import flac, headers, mpeg, ogg
from koemorph.audio_files.segments import Layout
from koemorph.audio_files.source import ByteSource

_SEARCH = 1 << 16


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: For messages, e.g. "an MPEG-4 file (M4A, MP4, MOV)".
        at: Position of the file's first byte behind zeros.
        read: Finds the audio for libsndfile; None where libsndfile has no decoder.
        is_container: Whether FFmpeg may have a decoder.
        is_unknown: Whether the bytes are of no listed kind.
    """

    name: str
    at: int = 0
    read: Callable[[ByteSource, int], Layout | None] | None = None
    is_container: bool = False
    is_unknown: bool = False


_WAV = ("a WAV file", headers.read_wav)
_KNOWN: tuple[tuple[bytes, str, Callable[[ByteSource, int], Layout | None]], ...] = (
    (b"RIFF....WAVE", *_WAV),
    (b"RIFX....WAVE", *_WAV),
    (b"RF64....WAVE", *_WAV),
    (b"FORM....AIF", "an AIFF file", headers.read_aiff),
    (b"caff", "a CAF file", headers.read_caf),
    (b".snd", "an AU file", headers.read_au),
    (b"riff\x2e\x91\xcf\x11", "a Wave64 file", headers.read_w64),
    (b"fLaC", "a FLAC file", flac.read_layout),
    (b"OggS", "an Ogg file", ogg.read_layout),
)
_CONTAINERS = (
    (b"....ftyp", "an MPEG-4 file (M4A, MP4, MOV)"),
    (b"....moov", "a QuickTime file (MOV)"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (b"RIFF....AVI ", "an AVI file"),
    (b"#!AMR", "an AMR file"),
    (b"FLV\x01", "a Flash video"),
    (b"\0\0\x01\xba", "an MPEG video"),
    (b"ADIF", "an AAC file"),
    (b"wvpk", "a WavPack file"),
    (b"MAC ", "a Monkey's Audio file"),
)
_OTHERS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"glTF", "a glTF model"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file with git lfs pull"),
)


def _matches(head: bytes, magic: bytes) -> bool:
    """Compare with a pattern in which a dot stands for any byte, unless it is the first."""
    if magic[:1] == b"." and magic[:4] != b"....":
        return head.startswith(magic)
    return len(head) >= len(magic) and all(
        expected in (found, ord(".")) for found, expected in zip(head, magic, strict=False)
    )


def _text_kind(data: bytes) -> str | None:
    """Return what a text is, None if the bytes are no text."""
    if b"\0" in data:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:
            return None
        text = data[: error.start].decode("utf-8-sig")
    if any(ord(one) < 32 and one not in "\t\n\r\f\x1b" for one in text):
        return None
    text = text.strip()
    quoted = f' that begins with "{" ".join(text.split())[:80]}"' if text else ""
    if text[:1] in ("{", "["):
        return f"JSON text{quoted}"
    if text[:1] == "<":
        return f"an HTML or XML page{quoted}"
    return f"text{quoted}"


def _by_magic(source: ByteSource, at: int) -> Kind | None:
    """Return the kind of audio or video whose first bytes are at a position."""
    head = source.read(at, 16)
    for magic, name, read in _KNOWN:
        if _matches(head, magic):
            return Kind(name, at, read)
    for magic, name in _CONTAINERS:
        if _matches(head, magic):
            return Kind(name, at, is_container=True)
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return Kind("an AAC file", at, is_container=True)
    return None


def detect(source: ByteSource) -> Kind:
    """Return what a file is."""
    at = source.skip_zeros()
    if at == source.size:
        return Kind(f"a file of {at} zero bytes" if at else "an empty file")
    behind_tags = mpeg.skip_tags(source, at)
    for start in dict.fromkeys((0, at, behind_tags)):
        kind = _by_magic(source, start)
        if kind is not None:
            return kind
    if mpeg.find_frames(source, behind_tags, min(source.size, behind_tags + _SEARCH)) >= 0:
        return Kind("an MP3 file", behind_tags, mpeg.read_layout)
    head = source.read(at, 32)
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return Kind(name)
    text = _text_kind(source.read(at, 2000))
    if text is not None:
        return Kind(text)
    return Kind("an unknown kind of file", is_container=True, is_unknown=True)
