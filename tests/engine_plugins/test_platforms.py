"""Tests of the packager's checks of native binaries."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from engine_game import PLUGINS


def elf(alignment: int) -> bytes:
    """An arm64 ELF file with one loadable segment."""
    header = b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", 183)
    header = header.ljust(32, b"\0") + struct.pack("<Q", 64)
    header = header.ljust(54, b"\0") + struct.pack("<HH", 56, 1)
    segment = struct.pack("<II6Q", 1, 5, 0, 0, 0, 0, 0, alignment)
    return header.ljust(64, b"\0") + segment + b"koemorph_stream_sample"


def macho(*machines: int) -> bytes:
    """A universal Mach-O file."""
    entries = b"".join(struct.pack(">5I", machine, 0, 0, 0, 0) for machine in machines)
    return struct.pack(">II", 0xCAFEBABE, len(machines)) + entries + b"koemorph_stream_sample"


X64, ARM64 = 0x01000007, 0x0100000C


@pytest.mark.parametrize(
    ("platform", "data", "accepted"),
    [
        ("android-arm64", elf(16384), True),
        ("android-arm64", elf(4096), False),
        ("macos", macho(X64, ARM64), True),
        ("macos", macho(ARM64), False),
        ("macos", b"\xcf\xfa\xed\xfe" + b"koemorph_stream_sample", False),
    ],
)
def test_architectures_and_page_sizes_are_checked(
    platform: str, data: bytes, accepted: bool, tmp_path: Path
) -> None:
    code = (
        "import sys, pathlib, platforms; target = platforms.PLATFORMS[sys.argv[1]]; "
        "data = pathlib.Path(sys.argv[2]).read_bytes(); "
        "platforms.check_binary(data, 'it', target, b'koemorph_stream_sample')"
    )
    file = tmp_path / "library"
    file.write_bytes(data)
    command = [sys.executable, "-c", code, platform, str(file)]
    result = subprocess.run(command, cwd=PLUGINS, capture_output=True, text=True, check=False)
    assert (result.returncode == 0) == accepted, result.stderr
    assert accepted or "PackageError" in result.stderr
