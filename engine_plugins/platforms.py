"""Platforms of the engine plugins, and checks of their binaries."""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass


class PackageError(Exception):
    """Packing failed; the message states the cause and what to do."""


@dataclass(frozen=True)
class Platform:
    """A target platform: library folders of each engine, and the format of its binaries."""

    name: str
    unity_folder: str
    unreal_folder: str
    library: str
    kind: str  # elf, pe, macho, archive
    machine: int | None


_MACHO_X64 = 0x01000007
_MACHO_ARM64 = 0x0100000C
_PAGE_SIZE = 16384  # largest page size of arm64 Android devices
PLATFORMS = {
    entry.name: entry
    for entry in (
        Platform("linux-x64", "Linux/x86_64", "Linux", "libkoemorph.so", "elf", 62),
        Platform("windows-x64", "Windows/x86_64", "Win64", "koemorph.dll", "pe", 0x8664),
        Platform("macos", "macOS", "Mac", "libkoemorph.dylib", "macho", None),
        Platform(
            "android-arm64", "Android/arm64-v8a", "Android/arm64-v8a", "libkoemorph.so", "elf", 183
        ),
        Platform("ios-arm64", "iOS", "IOS", "libkoemorph.a", "archive", _MACHO_ARM64),
    )
}


def this_platform() -> Platform | None:
    """Return the platform of the running Python; None if the plugins do not support it."""
    machine = platform.machine().lower()
    name = {
        ("linux", "x86_64"): "linux-x64",
        ("windows", "amd64"): "windows-x64",
        ("darwin", "arm64"): "macos",
        ("darwin", "x86_64"): "macos",
    }.get((platform.system().lower(), machine))
    return None if name is None else PLATFORMS[name]


def binary_kind(data: bytes) -> tuple[str, int | None]:
    """Return (kind, machine) of a binary; ("unknown", None) for other data.

    The machine of a static archive is that of its first Mach-O object, or None.
    """
    try:
        return _binary_kind(data)
    except (struct.error, ValueError):  # truncated or damaged
        return "unknown", None


def _binary_kind(data: bytes) -> tuple[str, int | None]:
    if data[:4] == b"\x7fELF" and len(data) >= 20:
        return "elf", struct.unpack_from("<H", data, 18)[0]
    if data[:2] == b"MZ" and len(data) >= 64:
        header = struct.unpack_from("<I", data, 60)[0]
        if data[header : header + 4] == b"PE\0\0":
            return "pe", struct.unpack_from("<H", data, header + 4)[0]
    if data[:4] in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):
        return "macho", None
    if data[:8] == b"!<arch>\n":
        return "archive", _machine_of_archive(data)
    return "unknown", None


def _machine_of_archive(data: bytes) -> int | None:
    at = 8
    while at + 60 <= len(data):
        name, size = data[at : at + 16], int(data[at + 48 : at + 58])
        if size < 0:
            raise ValueError("negative length of an archive member")
        # BSD archives store long names before the data.
        begin = at + 60 + (int(name[3:]) if name.startswith(b"#1/") else 0)
        if data[begin : begin + 4] == b"\xcf\xfa\xed\xfe":
            return int(struct.unpack_from("<I", data, begin + 4)[0])
        at += 60 + size + size % 2
    return None


def check_binary(data: bytes, what: str, target: Platform, symbol: bytes) -> None:
    """Raise PackageError unless `data` is a library for `target` that contains `symbol`."""
    kind, machine = binary_kind(data)
    if kind != target.kind or (target.machine is not None and machine != target.machine):
        raise PackageError(f"{what} is not a library for {target.name}.")
    if target.name == "macos" and not is_universal(data):
        raise PackageError(
            f"{what} has a single architecture: macOS needs arm64 and x86_64 in one file. Join "
            "both libraries with lipo -create."
        )
    if target.name == "android-arm64" and page_alignment(data) < _PAGE_SIZE:
        raise PackageError(
            f"{what} is aligned to {page_alignment(data)} bytes: Android devices with 16 KB pages "
            f"need {_PAGE_SIZE}. Link it with -Wl,-z,max-page-size={_PAGE_SIZE}."
        )
    if symbol not in data:
        raise PackageError(f"{what} has no symbol {symbol.decode()}: wrong or outdated library.")


def is_universal(data: bytes) -> bool:
    """Return whether a Mach-O file has both architectures of macOS."""
    if data[:4] != b"\xca\xfe\xba\xbe" or len(data) < 8:
        return False
    count = struct.unpack_from(">I", data, 4)[0]
    if len(data) < 8 + 20 * count:
        return False
    found = {struct.unpack_from(">I", data, 8 + 20 * index)[0] for index in range(count)}
    return {_MACHO_X64, _MACHO_ARM64} <= found


def page_alignment(data: bytes) -> int:
    """Return the smallest alignment of the loadable segments of a 64-bit ELF file; 0 if none."""
    try:
        offset, size, count = (
            struct.unpack_from(form, data, at)[0]
            for form, at in (("<Q", 32), ("<H", 54), ("<H", 56))
        )
        headers = [struct.unpack_from("<II6Q", data, offset + size * i) for i in range(count)]
    except struct.error:
        return 0
    return min((header[7] for header in headers if header[0] == 1), default=0)
