"""Sound of videos, and of audio formats that libsndfile cannot read, by ffmpeg."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import DataError, MissingExtraError

from .recordings import read_audio

# Videos, and audio that libsndfile does not read.
SUFFIXES = (
    ".mov", ".mp4", ".m4v", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".3gp", ".ts", ".mts",
    ".wmv", ".flv", ".ogv", ".m4a", ".aac", ".wma",
)  # fmt: skip


def read_soundtrack(path: Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file or the audio of a video, mono.

    Args:
        path: the file; ffmpeg reads it if its suffix is one of SUFFIXES.

    Returns:
        samples (n,) and the sample rate in Hz.

    Raises:
        AudioError: the audio file cannot be read.
        DataError: ffmpeg cannot read the file (ffmpeg_failed).
        MissingExtraError: ffmpeg is not installed (ffmpeg_missing).
    """
    if path.suffix.lower() not in SUFFIXES:
        return read_audio(path)
    with TemporaryDirectory() as folder:
        wav = Path(folder) / "soundtrack.wav"
        # Audio that begins after the video is preceded by silence.
        mono = ["-vn", "-ac", "1", "-af", "aresample=async=1:first_pts=0"]
        _run("ffmpeg", ["-i", f"file:{path}", *mono, str(wav)], path)
        return read_audio(wav)


def video_start(path: Path) -> float:
    """Read how long after its audio, as `read_soundtrack` returns it, a video begins.

    Cameras and browsers seldom start both at the same time.

    Args:
        path: the video.

    Returns:
        Seconds; 0 if the file does not contain it.

    Raises:
        DataError: ffprobe cannot read the file (ffmpeg_failed).
        MissingExtraError: ffprobe is not installed (ffmpeg_missing).
    """
    entries = ["-select_streams", "v:0", "-show_entries", "stream=start_time:format=start_time"]
    printed = json.loads(_run("ffprobe", [*entries, "-of", "json", f"file:{path}"], path))
    times = [part.get("start_time", "N/A") for part in (*printed["streams"], printed["format"])]
    if len(times) != 2 or "N/A" in times:
        return 0.0
    # ffmpeg puts time 0 at the earliest stream of the file, and so does its audio.
    return float(times[0]) - float(times[1])


def _run(program: str, arguments: Sequence[str], path: Path) -> str:
    """Run ffmpeg or ffprobe on a file; return its output."""
    try:
        result = subprocess.run(
            [program, "-v", "error", *arguments], check=True, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise MissingExtraError(
            f"cannot read the audio of {path}: {program} is not installed. Install ffmpeg.",
            code="ffmpeg_missing",
        ) from error
    except subprocess.CalledProcessError as error:
        raise DataError(
            f"{path}: {program} cannot read it ({error.stderr.strip()}).", code="ffmpeg_failed"
        ) from error
    return result.stdout
