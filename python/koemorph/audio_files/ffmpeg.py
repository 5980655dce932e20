"""Audio of M4A, MP4, WebM and others: by PyAV (extra `av`), else by the program ffmpeg."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from koemorph.errors import AudioError, install_command

FloatArray = npt.NDArray[np.float32]

# A declared duration may be rounded, and may include an encoder's delay.
_TOLERANCE_SECONDS = 0.25


@dataclass
class Decoded:
    """The audio of a container.

    Attributes:
        sample_rate: Hz.
        channels: Number of channels.
        sample_count: Declared samples per channel, 0 if unknown.
        blocks: Blocks (samples, channels), of any size.
    """

    sample_rate: int
    channels: int
    sample_count: int
    blocks: Iterator[FloatArray]


class UnreadableError(Exception):
    """The container has no audio that can be decoded; the text is the reason."""


def decode(file: BinaryIO, name: str, kind: str, damage: list[str], stack: ExitStack) -> Decoded:
    """Open the first audio stream of a container.

    Args:
        file: The container.
        name: Its name, for messages.
        kind: What it is, for messages.
        damage: Receives what is missing, when the last block has been read.
        stack: Closes what is opened.

    Raises:
        AudioError: Neither PyAV nor ffmpeg is installed.
        UnreadableError: The file cannot be decoded.
    """
    try:
        import av
    except ImportError:
        return _by_program(file, name, kind, damage, stack)
    return _by_pyav(av, file, damage, stack)


def _by_pyav(av: Any, file: BinaryIO, damage: list[str], stack: ExitStack) -> Decoded:
    try:
        file.seek(0)
        container = stack.enter_context(av.open(file))
        if not container.streams.audio:
            raise UnreadableError("it contains no audio")
        stream = container.streams.audio[0]
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableError(getattr(error, "strerror", None) or str(error)) from error
    rate, channels = stream.rate or 0, stream.channels
    seconds = float(stream.duration * stream.time_base) if stream.duration else 0.0
    total = round(seconds * rate)

    def packets() -> Iterator[Any]:
        try:
            yield from container.demux(stream)
        except (av.FFmpegError, OSError) as error:
            damage.append(f"reading ends early ({error.strerror})")

    def blocks() -> Iterator[FloatArray]:
        resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)
        done = broken = 0
        for packet in packets():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                broken += 1
                continue
            for frame in frames:
                for one in resampler.resample(frame):
                    block = one.to_ndarray().T
                    done += len(block)
                    yield np.ascontiguousarray(block, dtype=np.float32)
        for one in resampler.resample(None):
            done += one.samples
            yield np.ascontiguousarray(one.to_ndarray().T, dtype=np.float32)
        if broken:
            damage.append(f"{broken} packets cannot be decoded")
        if done < total - _TOLERANCE_SECONDS * rate:
            damage.append(f"it contains {done / rate:.2f} of {seconds:.2f} s")

    return Decoded(rate, channels, total, blocks())


def _by_program(
    file: BinaryIO, name: str, kind: str, damage: list[str], stack: ExitStack
) -> Decoded:
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(
            f"Cannot read {name}: it is {kind}, which needs PyAV or ffmpeg. Install one of them "
            f"({install_command('av')}), or convert the file to WAV.",
            code="missing_decoder",
        )
    # With the protocol, so that any name is a file, and no playlist opens other files.
    source = ["-nostdin", "-protocol_whitelist", "file", "-i", f"file:{file.name}"]
    probe = subprocess.run([program, "-hide_banner", *source], check=False, capture_output=True)
    printed = probe.stderr.decode(errors="replace")
    if "Duration:" not in printed:
        raise UnreadableError((printed.strip().splitlines() or ["ffmpeg failed"])[-1])
    if ": Audio: " not in printed:
        raise UnreadableError("it contains no audio")
    log = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
    target = ["-map", "0:a:0", "-c:a", "pcm_f32le", "-bitexact", "-f", "wav", "pipe:1"]
    command = [program, "-v", "error", *source, *target]
    process = stack.enter_context(
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    )
    stack.callback(process.kill)
    pipe = process.stdout
    assert pipe is not None
    rate, channels = _wav_format(pipe)
    if not rate:
        process.wait()
        raise UnreadableError(_last_line(log) or "ffmpeg wrote no audio")

    def blocks() -> Iterator[FloatArray]:
        frame = 4 * channels
        while data := pipe.read(frame * rate):
            samples = np.frombuffer(data[: len(data) - len(data) % frame], "<f4")
            yield samples.reshape(-1, channels).astype(np.float32)
        process.wait()
        if _last_line(log):
            damage.append(f"ffmpeg reports: {_last_line(log)}")

    duration = re.search(r"Duration: (\d+):(\d+):([\d.]+)", printed)
    hours, minutes, seconds = map(float, duration.groups()) if duration else (0.0, 0.0, 0.0)
    total = round((3600 * hours + 60 * minutes + seconds) * rate)
    return Decoded(rate, channels, total, blocks())


def _wav_format(pipe: IO[bytes]) -> tuple[int, int]:
    """Read a WAV header up to the samples; return sample rate and channels, 0 if there is none."""
    rate = channels = 0
    pipe.read(12)
    while len(head := pipe.read(8)) == 8 and head[:4] != b"data":
        data = pipe.read(int.from_bytes(head[4:], "little"))
        if head[:4] == b"fmt ":
            channels = int.from_bytes(data[2:4], "little")
            rate = int.from_bytes(data[4:8], "little")
    return rate, channels


def _last_line(log: IO[bytes]) -> str:
    """Return the last line that ffmpeg, which has ended, wrote."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
