"""The platforms that the engine plugins are packed for, and what their binaries look like."""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass


class PackageError(Exception):
    """Something cannot be packed; the text is a sentence that says what to do."""


@dataclass(frozen=True)
class Platform:
    """One target: where each engine wants its libraries, and how a binary of it begins."""

    name: str
    unity_folder: str
    unreal_folder: str
    library: str
    onnxruntime: str | None  # None: the engine links or embeds it in its own way
    kind: str  # elf, pe, macho, archive
    machine: int | None


_MACHO_ARM64 = 0x0100000C
PLATFORMS = {
    entry.name: entry
    for entry in (
        Platform(
            *("linux-x64", "Linux/x86_64", "Linux"),
            *("libkoemorph.so", "libonnxruntime.so", "elf", 62),
        ),
        Platform(
            *("windows-x64", "Windows/x86_64", "Win64"),
            *("koemorph.dll", "onnxruntime.dll", "pe", 0x8664),
        ),
        Platform(
            *("macos", "macOS", "Mac"),
            *("libkoemorph.dylib", "libonnxruntime.dylib", "macho", None),
        ),
        Platform(
            *("android-arm64", "Android/arm64-v8a", "Android/arm64-v8a"),
            *("libkoemorph.so", "libonnxruntime.so", "elf", 183),
        ),
        Platform("ios-arm64", "iOS", "IOS", "libkoemorph.a", None, "archive", _MACHO_ARM64),
    )
}


def this_platform() -> Platform | None:
    """The platform of the running Python; None where the plugins have none for it."""
    machine = platform.machine().lower()
    name = {
        ("linux", "x86_64"): "linux-x64",
        ("windows", "amd64"): "windows-x64",
        ("darwin", "arm64"): "macos",
        ("darwin", "x86_64"): "macos",
    }.get((platform.system().lower(), machine))
    return None if name is None else PLATFORMS[name]


def binary_kind(data: bytes) -> tuple[str, int | None]:
    """(kind, machine) of a binary by its first bytes; ("unknown", None) for anything else.

    The machine of a static archive is that of its first Mach-O object, None where it has none.
    """
    try:
        return _binary_kind(data)
    except (struct.error, ValueError):  # it begins as one, and is cut off or damaged
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
            raise ValueError("a member of an archive has a length")
        # BSD's long names stand in front of what is archived.
        begin = at + 60 + (int(name[3:]) if name.startswith(b"#1/") else 0)
        if data[begin : begin + 4] == b"\xcf\xfa\xed\xfe":
            return int(struct.unpack_from("<I", data, begin + 4)[0])
        at += 60 + size + size % 2
    return None


def check_binary(data: bytes, what: str, target: Platform, symbol: bytes) -> None:
    """Raises PackageError unless `data` is a library for `target` that knows `symbol`."""
    kind, machine = binary_kind(data)
    if kind != target.kind or (target.machine is not None and machine != target.machine):
        raise PackageError(f"{what} is no library for {target.name}.")
    if symbol not in data:
        raise PackageError(f"{what} has no {symbol.decode()}: it is another library, or too old.")
