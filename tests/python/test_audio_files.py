"""Audio files as programs, pipes and networks leave them: all is read, or its loss reported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from koemorph.audio import RawFormat, open_audio, read_mono
from koemorph.errors import AudioError

FPS = 30
Encode = Callable[..., bytes]


def tone(seconds: float, sample_rate: int = 16000) -> npt.NDArray[np.float32]:
    times = np.arange(int(seconds * sample_rate)) / sample_rate
    return (0.3 * np.sin(2 * np.pi * 300 * times)).astype(np.float32)


def ffmpeg(*arguments: str | Path, data: bytes = b"") -> bytes:
    command = [shutil.which("ffmpeg") or "ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False).stdout


@pytest.fixture(scope="module")
def encode(tmp_path_factory: pytest.TempPathFactory, needs_tool: Callable[[str], str]) -> Encode:
    """encode(name, *options) returns 1.5 s of noise as ffmpeg writes it to a file."""
    needs_tool("ffmpeg")
    folder = tmp_path_factory.mktemp("encoded")
    source = folder / "source.wav"
    soundfile.write(source, np.random.default_rng(0).normal(0, 0.1, 24000), 16000)

    @cache
    def write(name: str, *options: str, to_pipe: bool = False) -> bytes:
        if to_pipe:
            return ffmpeg("-i", source, *options, "-f", name, "-")
        path = folder / f"encoded.{name}"
        ffmpeg("-i", source, *options, path)
        return path.read_bytes()

    return write


def frames_of(path: Path) -> tuple[float, list[AudioError]]:
    """Return the frames that the audio of a file lasts, and its problems."""
    problems: list[AudioError] = []
    with open_audio(path, on_problem=problems.append) as reader:
        return sum(map(len, reader.blocks)) * FPS / reader.sample_rate, problems


def decoded_frames(path: Path) -> float:
    """Return the frames that ffmpeg decodes."""
    samples = ffmpeg("-i", path, "-f", "s16le", "-ac", "1", "-ar", "16000", "-")
    return len(samples) / 32000 * FPS


def cut_wav(data: bytes, riff: int, size: int) -> bytes:
    at = data.index(b"data")
    sizes = [value.to_bytes(4, "little") for value in (riff, size)]
    return data[:4] + sizes[0] + data[8 : at + 4] + sizes[1] + data[at + 8 :]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mp3", ["-ar", "44100"]),
        ("mp3", ["-q:a", "4", "-ac", "2"]),
        ("mp3", ["-write_xing", "0", "-id3v2_version", "0"]),
        ("mp2", []),
        ("ogg", ["-c:a", "libvorbis", "-ar", "44100", "-ac", "2"]),
        ("ogg", ["-c:a", "flac"]),
        ("ogg", ["-c:a", "libvorbis", "-output_ts_offset", "100"]),
        ("opus", ["-c:a", "libopus", "-output_ts_offset", "100"]),
        ("opus", ["-c:a", "libopus", "-frame_duration", "60"]),
        ("flac", ["-ar", "48000"]),
        ("wav", ["-rf64", "always"]),
        ("wav", ["-c:a", "libmp3lame"]),
        ("wav", ["-c:a", "adpcm_ms"]),
        ("caf", []),
        ("au", []),
        ("w64", []),
        ("aiff", []),
        ("m4a", ["-c:a", "aac"]),
        ("mp4", ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]),
        ("webm", ["-c:a", "libopus"]),
        ("mka", ["-c:a", "libvorbis"]),
        ("aac", ["-c:a", "aac"]),
    ],
)
def test_every_format_lasts_as_long_as_ffmpeg_decodes(
    encode: Encode, tmp_path: Path, name: str, options: list[str]
) -> None:
    path = tmp_path / "a.bin"  # Recognized by its bytes.
    path.write_bytes(encode(name, *options))
    frames, problems = frames_of(path)
    assert not problems
    assert frames == pytest.approx(decoded_frames(path), abs=1)
    assert 44 < frames < 48.5


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "flac", "wav", "aiff", "au", "w64", "webm"])
def test_files_written_to_a_pipe_are_read_to_the_end(
    encode: Encode, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"a.{name}"
    path.write_bytes(encode(name, to_pipe=True))
    frames, problems = frames_of(path)
    assert not problems
    assert frames == pytest.approx(45, abs=3)  # MP3 without a length tag has padding.


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("mp3", [], 3),
        ("mp3", ["-write_xing", "0", "-id3v2_version", "0"], 3),
        ("mp3", ["-id3v2_version", "0"], 2),
        ("ogg", ["-c:a", "libvorbis"], 3),
        ("ogg", ["-c:a", "flac"], 2),
        ("opus", ["-c:a", "libopus"], 3),
    ],
)
def test_joined_files_are_read_completely(
    encode: Encode, tmp_path: Path, name: str, options: list[str], count: int
) -> None:
    path = tmp_path / f"joined.{name}"
    path.write_bytes(encode(name, *options) * count)
    frames, problems = frames_of(path)
    assert not problems
    assert frames == pytest.approx(decoded_frames(path), abs=1)
    assert frames >= 45 * count - 1


@pytest.mark.parametrize("name", ["flac", "wav"])
def test_joined_flac_and_wav_files_are_read_completely(
    encode: Encode, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"joined.{name}"
    path.write_bytes(encode(name) * 3)
    assert frames_of(path) == (pytest.approx(135, abs=0.1), [])


@pytest.mark.parametrize("name", ["mp3", "ogg"])
def test_joined_files_of_different_rates_are_resampled(
    encode: Encode, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"joined.{name}"
    path.write_bytes(encode(name, "-ar", "44100") + encode(name, "-ar", "24000", "-ac", "2"))
    frames, problems = frames_of(path)
    assert not problems
    assert frames == pytest.approx(decoded_frames(path), abs=1.5)


@pytest.mark.parametrize("sizes", [(0, 0), (36, 0), (2**32 - 1, 2**32 - 1), (0, 2**31 - 1)])
def test_wav_of_unknown_size_is_read_to_the_end(tmp_path: Path, sizes: tuple[int, int]) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1), 16000)
    path.write_bytes(cut_wav(path.read_bytes(), *sizes))
    assert frames_of(path) == (30, [])


def test_other_unknown_lengths_are_read_to_the_end(encode: Encode, tmp_path: Path) -> None:
    caf = bytearray(encode("caf"))
    at = caf.index(b"data") + 4
    caf[at : at + 8] = b"\xff" * 8
    rf64 = bytearray(encode("wav", "-rf64", "always"))
    at = rf64.index(b"ds64") + 8
    rf64[at : at + 24] = bytes(24)
    flac = bytearray(encode("flac"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    for data in (caf, rf64, flac):
        (tmp_path / "a").write_bytes(data)
        assert frames_of(tmp_path / "a") == (pytest.approx(45, abs=0.1), [])


def test_wav_without_samples_before_other_chunks_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(0), 16000)
    path.write_bytes(path.read_bytes() + b"LIST\x04\0\0\0INFO")
    with pytest.raises(AudioError) as raised, open_audio(path):
        pass
    assert raised.value.code == "empty_audio"


@pytest.mark.parametrize("name", ["mp3", "ogg", "flac", "wav"])
def test_zeros_around_a_file_are_skipped(encode: Encode, tmp_path: Path, name: str) -> None:
    data = encode(name)
    frames = []
    for number, padded in enumerate((data, bytes(3000) + data, data + bytes(5000))):
        (tmp_path / f"{number}.{name}").write_bytes(padded)
        found, problems = frames_of(tmp_path / f"{number}.{name}")
        assert not problems
        frames.append(found)
    assert frames == pytest.approx([45] * 3, abs=0.1)


def test_mp3_with_an_incomplete_last_frame_is_read(encode: Encode, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(encode("mp3")[:-1])
    assert frames_of(path) == (pytest.approx(45, abs=1), [])


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "flac"])
@pytest.mark.parametrize("damage", ["zeros", "noise", "lost"])
def test_audio_behind_damage_is_read(
    encode: Encode, tmp_path: Path, name: str, damage: str
) -> None:
    options = ["-page_duration", "200000"] if name in ("ogg", "opus") else []
    data = bytearray(encode(name, *options))
    middle = len(data) // 2
    noise = np.random.default_rng(1).bytes(900)
    data[middle : middle + 900] = {"zeros": bytes(900), "noise": noise, "lost": b""}[damage]
    path = tmp_path / f"a.{name}"
    path.write_bytes(data)
    frames, problems = frames_of(path)
    assert [problem.code for problem in problems] == ["damaged_audio"]
    assert 30 < frames < 45


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "flac", "wav", "aiff", "caf", "au", "m4a"])
def test_half_a_file_is_read_and_reported(encode: Encode, tmp_path: Path, name: str) -> None:
    faststart = ["-movflags", "+faststart"] if name == "m4a" else []
    pages = ["-page_duration", "200000"] if name in ("ogg", "opus") else []
    data = encode(name, *faststart, *pages)
    path = tmp_path / f"a.{name}"
    path.write_bytes(data[: len(data) * 6 // 10])
    frames, problems = frames_of(path)
    assert [problem.code for problem in problems] == ["damaged_audio"]
    assert f"{frames / FPS:.2f} s were read" in str(problems[0])
    assert 10 < frames < 30
    with pytest.raises(AudioError) as raised:
        read_mono(path)
    assert raised.value.code == "damaged_audio"


def test_decoders_write_nothing_to_standard_error(
    encode: Encode, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encode("mp3", "-q:a", "2")
    damaged = data[:4000] + bytes(500) + data[4500:]
    for number, content in enumerate((data, data[:-1], damaged, data * 2)):
        (tmp_path / f"{number}.mp3").write_bytes(content)
        frames_of(tmp_path / f"{number}.mp3")
    assert capfd.readouterr().err == ""


def test_other_output_is_not_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    from koemorph.audio_files.quiet import quiet_decoder

    with quiet_decoder(True):
        os.write(2, b"Note: Trying to resync...\nanother thread\n")
    assert capfd.readouterr().err == "another thread\n"


def test_content_counts_and_not_the_extension(encode: Encode, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(encode("m4a"))
    assert frames_of(path) == (pytest.approx(45, abs=1.2), [])


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"error": {"message": "invalid api key"}}', "invalid api key"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"", "an empty file"),
        (bytes(1000), "1000 zero bytes"),
        (bytes(range(1, 200)), "unknown"),
    ],
)
def test_message_names_what_is_not_audio(tmp_path: Path, data: bytes, value: str) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    with pytest.raises(AudioError) as raised, open_audio(path):
        pass
    assert raised.value.code == "not_audio"
    assert value in str(raised.value)


def test_containers_are_read_by_the_program_or_named(
    encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(encode("m4a"))
    monkeypatch.setitem(sys.modules, "av", None)
    assert frames_of(path) == (pytest.approx(45, abs=1.2), [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError) as raised, open_audio(path):
        pass
    assert raised.value.code == "missing_decoder"
    assert "MPEG-4" in str(raised.value)


def test_floats_at_the_scale_of_integers_are_divided(tmp_path: Path) -> None:
    for scale in (2**15, 2**23, 2**31):
        path = tmp_path / "a.wav"
        soundfile.write(path, tone(1) * np.float32(scale), 16000, subtype="FLOAT")
        problems: list[AudioError] = []
        samples, _ = read_mono(path, on_problem=problems.append)
        assert [problem.code for problem in problems] == ["integer_scale"]
        assert str(scale) in str(problems[0])
        np.testing.assert_allclose(samples, tone(1), atol=1e-6)
        with pytest.warns(UserWarning, match=str(scale)):
            read_mono(path)


def test_loud_floats_are_not_divided(tmp_path: Path) -> None:
    samples = 8 * tone(1)
    samples[100] = 90  # An outlier.
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read, _ = read_mono(tmp_path / "a.wav")
    np.testing.assert_array_equal(read, samples)


def test_channels_in_opposite_phase_are_not_averaged(tmp_path: Path) -> None:
    voice = tone(3)
    right = -0.9 * voice
    right[:16000] = voice[:16000]  # The first second is in phase.
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([voice, right], axis=1), 16000, subtype="FLOAT")
    samples, _ = read_mono(path)
    np.testing.assert_allclose(samples, voice, atol=1e-6)


@pytest.mark.parametrize("other", ["silent", "independent", "equal"])
def test_other_channels_are_averaged(tmp_path: Path, other: str) -> None:
    left = tone(2)
    noise = np.random.default_rng(0).normal(0, 0.2, len(left)).astype(np.float32)
    right = {"silent": 0 * left, "independent": noise, "equal": left}[other]
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([left, right], axis=1), 16000, subtype="FLOAT")
    np.testing.assert_allclose(read_mono(path)[0], (left + right) / 2, atol=1e-6)


def test_one_channel_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    channels = np.stack([tone(1), 0.5 * tone(1)], axis=1)
    soundfile.write(path, channels, 16000, subtype="FLOAT")
    for channel in (1, 2):
        np.testing.assert_array_equal(read_mono(path, channel=channel)[0], channels[:, channel - 1])
    with pytest.raises(AudioError) as raised:
        read_mono(path, channel=3)
    assert raised.value.code == "unknown_channel"


@pytest.mark.parametrize(
    ("text", "dtype"),
    [("16000", "<i2"), ("16000,2", "<i2"), ("16000,1,f32le", "<f4"), ("16000,2,s16be", ">i2")],
)
def test_raw_samples_are_read(tmp_path: Path, text: str, dtype: str) -> None:
    raw = RawFormat.parse(text)
    samples = np.repeat(tone(0.5)[:, None], raw.channels, axis=1)
    scaled = samples if dtype == "<f4" else samples * 32768
    path = tmp_path / "a.pcm"
    path.write_bytes(scaled.astype(dtype).tobytes())
    with open_audio(path, raw=raw) as reader:
        read = np.concatenate(list(reader.blocks))
    np.testing.assert_allclose(read, samples, atol=1e-4)


@pytest.mark.parametrize("text", ["", "x", "16000,x", "16000,1,s17", "16000,1,s16le,1", "-8"])
def test_invalid_raw_format_is_refused(text: str) -> None:
    with pytest.raises(AudioError) as raised:
        RawFormat.parse(text)
    assert raised.value.code == "invalid_raw_format"
