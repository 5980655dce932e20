"""Reading audio files: lengths without headers, damaged files, telephone codecs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from koemorph.audio import AudioReader, ProblemHandler, open_audio
from koemorph.errors import AudioError

RATE = 44100


def voice(seconds: float = 4) -> npt.NDArray[np.float32]:
    """Louder and louder noise, of which no second is like another; hard to pack after easy."""
    samples = np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    return samples * np.linspace(0, 1, len(samples), dtype=np.float32)


def make_mp3(path: Path, mode: str) -> Path:
    """Write an MP3 with a length header: its first frame has the tag Xing or Info."""
    soundfile.write(path, voice(), RATE, bitrate_mode=mode, compression_level=0.5)
    return path


def remove_length_header(mp3: Path) -> Path:
    """Remove the length header, as in an MP3 written to a pipe."""
    data = mp3.read_bytes()
    name = next(name for name in (b"Xing", b"Info") if name in data[:2000])
    mp3.write_bytes(data.replace(name, bytes(4), 1))
    return mp3


def read(
    path: Path, on_problem: ProblemHandler | None = None
) -> tuple[AudioReader, npt.NDArray[np.float32]]:
    with open_audio(path, on_problem=on_problem) as recording:
        return recording, np.concatenate(list(recording.blocks))[:, 0]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("tag", [1000, 100_000])
def test_mp3_without_length_header_is_read_completely(tmp_path: Path, mode: str, tag: int) -> None:
    path = remove_length_header(make_mp3(tmp_path / "a.mp3", mode))
    # A picture, as of a cover, before the sound.
    size = bytes((tag >> 21 & 127, tag >> 14 & 127, tag >> 7 & 127, tag & 127))
    path.write_bytes(b"ID3\x03\0\0" + size + bytes(tag) + path.read_bytes())
    recording, samples = read(path)
    assert recording.sample_count == len(samples)
    assert abs(len(samples) - len(voice())) < 0.1 * RATE  # encoder delay and padding
    loudness = [float(np.std(part)) for part in np.array_split(samples, 8)]
    assert loudness == sorted(loudness)


def test_truncated_mp3_has_no_repeated_samples(tmp_path: Path) -> None:
    path = make_mp3(tmp_path / "a.mp3", "CONSTANT")
    recording, whole = read(path)
    assert recording.sample_count == len(whole) == len(voice())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 5])
    problems: list[AudioError] = []
    _, rest = read(path, problems.append)
    assert [problem.code for problem in problems] == ["damaged_audio"]
    assert "of 4.00 s" in str(problems[0])
    assert 0.3 < len(rest) / len(whole) < 0.5
    np.testing.assert_array_equal(rest[:-1152], whole[: len(rest) - 1152])


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, voice(), RATE)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    with pytest.raises(AudioError) as raised:
        read(path)
    assert raised.value.code == "damaged_audio"


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_file_truncated_while_reading_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, voice(60), RATE)
    if ending == "mp3":
        remove_length_header(path)
    with open_audio(path) as recording:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        with pytest.raises(AudioError) as raised:
            list(recording.blocks)
    assert raised.value.code == "damaged_audio"


@pytest.mark.parametrize("subtype", ["GSM610", "ULAW", "IMA_ADPCM"])
def test_telephone_codecs_are_read(tmp_path: Path, subtype: str) -> None:
    samples = voice(1)[: 8000 // 320 * 320]
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype=subtype)
    recording, read_back = read(tmp_path / "a.wav")
    assert recording.sample_rate == 8000
    assert len(samples) <= len(read_back) < len(samples) + 1000
