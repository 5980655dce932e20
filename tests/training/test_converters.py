"""Conversion of other captures, and checks of data sets."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from babble import write_babble
from click.testing import CliRunner
from error_code import raises_code

from koemorph import Animation, Model
from koemorph.blendshapes import BLENDSHAPES, INDEX, LIVE_LINK_ROTATIONS, PASCAL_NAMES
from koemorph.errors import DataError, OutputError
from koemorph.outputs import WriteOptions, livelink_csv
from koemorph.outputs.jsonl import timecode
from koemorph.training.cli.dataset import command
from koemorph.training.datasets.check import check_recording
from koemorph.training.datasets.ffmpeg import video_start
from koemorph.training.datasets.recordings import read_recording, write_recording

JAW = INDEX["jawOpen"]


def run(*arguments: object) -> tuple[int, str]:
    """koemorph dataset ...; its return value and output. Errors come through."""
    result = CliRunner().invoke(
        command, [str(argument) for argument in arguments], standalone_mode=False
    )
    if result.exception is not None:
        raise result.exception
    return result.return_value or 0, result.output


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Two seconds of noise at 48 kHz."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(96000)
    soundfile.write(tmp_path / "sound.wav", noise, 48000)
    return tmp_path / "sound.wav"


def live_link_rows(frames: int, begin: int = 40953 * 60) -> list[str]:
    """A Live Link Face CSV at 60 fps whose jawOpen rises as a line, from 11:22:33 on."""
    lines = [",".join(["Timecode", "BlendShapeCount", *PASCAL_NAMES, *LIVE_LINK_ROTATIONS])]
    for frame in range(frames):
        values = [0.0] * 61
        values[JAW] = frame / frames
        lines.append(",".join([f"{timecode(begin + frame, 60)}.000", "61", *map(str, values)]))
    return lines


def test_live_link_is_converted(tmp_path: Path, sound: Path) -> None:
    rows = live_link_rows(120)
    rows[11] = rows[11].split(",")[0] + ",0"  # a frame without a face
    (tmp_path / "take.csv").write_text("\n".join(rows))
    run("from-live-link", tmp_path / "take.csv", sound, tmp_path / "take")
    recording = read_recording(tmp_path / "take")
    assert recording.fps == 60.0
    np.testing.assert_allclose(recording.capture.weights[:, JAW], np.arange(120) / 120, atol=1e-5)
    assert recording.capture.labelled.all()


def test_frames_with_lost_tracking_are_left_out(tmp_path: Path, sound: Path) -> None:
    """`check` reports them."""
    rows = live_link_rows(120)
    lost = [*range(10), *range(50, 80)]
    for frame in lost:
        rows[frame + 1] = rows[frame + 1].split(",")[0] + ",0"
    (tmp_path / "take.csv").write_text("\n".join(rows))
    run("from-live-link", tmp_path / "take.csv", sound, tmp_path / "take")
    seen = [*range(9, 51), *range(79, 120)]  # beside what was seen, too
    recording = read_recording(tmp_path / "take")
    np.testing.assert_allclose(recording.capture.times, np.array(seen) / 60)
    assert recording.metadata["num_frames"] == len(seen)
    jaw = np.clip(np.array(seen), 10, 119) / 120
    np.testing.assert_allclose(recording.capture.weights[:, JAW], jaw, atol=1e-5)
    assert "Frames are missing in 1 place " in run("check", tmp_path)[1]


def test_a_take_may_cross_midnight(tmp_path: Path, sound: Path) -> None:
    rows = live_link_rows(120, begin=24 * 3600 * 60 - 30)
    rows[1] = rows[1].split(",")[0] + ",0"
    (tmp_path / "take.csv").write_text("\n".join(rows))
    run("from-live-link", tmp_path / "take.csv", sound, tmp_path / "take")
    jaw = read_recording(tmp_path / "take").capture.weights[1:, JAW]
    np.testing.assert_allclose(jaw, np.arange(1, 120) / 120, atol=1e-5)


def test_drop_frame_timecodes_match_the_audio(tmp_path: Path) -> None:
    heading, *rows = live_link_rows(61 * 60, begin=0)
    # Numbered as 60 a second, of which four are left out at the full minute.
    rows = [row.replace(":", ";", 3).replace(";", ":", 2) for row in rows]
    rows = [row for row in rows if not row.startswith(tuple(f"00:01:00;0{k}" for k in range(4)))]
    (tmp_path / "take.csv").write_text("\n".join([heading, *rows]))
    frame = 1001 / 60000
    soundfile.write(tmp_path / "sound.wav", np.zeros(round(len(rows) * frame * 8000) + 1), 8000)
    run("from-live-link", tmp_path / "take.csv", tmp_path / "sound.wav", tmp_path / "take")
    recording = read_recording(tmp_path / "take")
    assert recording.fps == 59.94
    assert len(recording.capture.times) == len(rows)
    assert recording.capture.times[-1] == pytest.approx(frame * (len(rows) - 1), abs=1e-4)
    jaw = [float(row.split(",")[2 + JAW]) for row in rows]
    np.testing.assert_allclose(recording.capture.weights[:, JAW], jaw, atol=1e-5)


def test_a_take_too_short_for_its_frame_rate_needs_the_option(tmp_path: Path, sound: Path) -> None:
    (tmp_path / "take.csv").write_text("\n".join(live_link_rows(20)))
    arguments = ("from-live-link", tmp_path / "take.csv", sound, tmp_path / "take")
    with raises_code(DataError, "unknown_fps", "--fps"):
        run(*arguments)
    with raises_code(DataError, "invalid_fps", 0):
        run(*arguments, "--fps", 0)
    run(*arguments, "--fps", 60)
    jaw = read_recording(tmp_path / "take").capture.weights[:20, JAW]
    np.testing.assert_allclose(jaw, np.arange(20) / 20, atol=1e-5)


def test_a_30_fps_take_with_timecodes_at_60_fps_stays_at_30_fps(
    tmp_path: Path, sound: Path
) -> None:
    """Its frames are those of the table, without interpolated ones."""
    heading, *rows = live_link_rows(180)
    (tmp_path / "take.csv").write_text("\n".join([heading, *rows[::2]]))
    run("from-live-link", tmp_path / "take.csv", sound, tmp_path / "take")
    recording = read_recording(tmp_path / "take")
    assert recording.fps == 30.0
    assert recording.metadata["source_fps"] == 30.0
    jaw = recording.capture.weights[:, JAW]
    np.testing.assert_allclose(jaw, 2 * np.arange(60) / 180, atol=1e-5)


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
def test_an_exported_csv_is_converted_with_its_frame_rate(tmp_path: Path, fps: int) -> None:
    """Writer and reader agree, though the timecodes count sixtieths at any frame rate."""
    frames = 3 * fps
    weights = np.zeros((frames, len(BLENDSHAPES)), np.float32)
    weights[:, JAW] = np.arange(frames) / frames
    animation = Animation(np.arange(frames) / fps, weights, BLENDSHAPES, fps)
    livelink_csv.write(animation, tmp_path / "take.csv", WriteOptions())
    soundfile.write(tmp_path / "sound.wav", np.full(3 * 8000, 0.1), 8000)
    run("from-live-link", tmp_path / "take.csv", tmp_path / "sound.wav", tmp_path / "take")
    recording = read_recording(tmp_path / "take")
    assert recording.fps == fps
    np.testing.assert_allclose(recording.capture.weights, weights, atol=2e-5)


def test_beat_is_mapped_by_name(tmp_path: Path, sound: Path) -> None:
    frames = [{"weights": [0.5, 0.25], "time": k / 60} for k in range(120)]
    (tmp_path / "a.json").write_text(
        json.dumps({"names": ["mouthSmileLeft", "jawOpen"], "frames": frames})
    )
    run("from-beat", tmp_path / "a.json", sound, tmp_path / "a")
    recording = read_recording(tmp_path / "a")
    assert recording.fps == 60.0
    np.testing.assert_allclose(recording.capture.weights[:, JAW], 0.25)
    assert recording.capture.labelled.sum() == 2


@pytest.mark.parametrize(("rate", "digits", "fps"), [(60, 4, 60), (30, 3, 30), (48, 6, 48)])
def test_beat_frame_rate_is_estimated_from_rounded_times(
    tmp_path: Path, sound: Path, rate: int, digits: int, fps: float
) -> None:
    frames = [{"weights": [0.5], "time": round(k / rate, digits)} for k in range(2 * rate)]
    (tmp_path / "a.json").write_text(json.dumps({"names": ["jawOpen"], "frames": frames}))
    run("from-beat", tmp_path / "a.json", sound, tmp_path / "a")
    recording = read_recording(tmp_path / "a")
    assert recording.fps == pytest.approx(fps, abs=1e-3)
    assert len(recording.capture.times) == 2 * rate


def test_beat_without_times_uses_the_fps_option(tmp_path: Path, sound: Path) -> None:
    frames = [{"weights": [0.5]} for _ in range(119)]
    (tmp_path / "a.json").write_text(json.dumps({"names": ["jawOpen"], "frames": frames}))
    run("from-beat", tmp_path / "a.json", sound, tmp_path / "a", "--fps", 59.5)
    assert read_recording(tmp_path / "a").metadata["source_fps"] == 59.5


def test_a_face_is_not_extended_to_longer_audio(
    tmp_path: Path, sound: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def converted(begin: float) -> None:
        frames = [{"weights": [k / 60], "time": begin + k / 60} for k in range(60)]
        (tmp_path / "a.json").write_text(json.dumps({"names": ["jawOpen"], "frames": frames}))
        run("from-beat", tmp_path / "a.json", sound, tmp_path / "a")

    converted(0.0)
    assert "1.00 s" in caplog.text
    assert "2.00 s" in caplog.text
    assert len(read_recording(tmp_path / "a").capture.times) == 60
    assert [problem.code for problem in check_recording(tmp_path / "a")] == ["length_mismatch"]
    converted(1.5)
    assert len(read_recording(tmp_path / "a").capture.times) == 31  # the one before 1.5 s, too
    with raises_code(DataError, "no_overlap", "2.00 s", "2.98 s"):
        converted(2.0)


def test_phone_audio_and_unusual_file_names_are_read(
    tmp_path: Path, sound: Path, needs_tool: Callable[[str], str]
) -> None:
    (tmp_path / "take.csv").write_text("\n".join(live_link_rows(120)))
    odd = tmp_path / "take:1.m4a"
    subprocess.run([needs_tool("ffmpeg"), "-i", sound, f"file:{odd}"], check=True)
    run("from-live-link", tmp_path / "take.csv", odd, tmp_path / "take")
    assert len(read_recording(tmp_path / "take").capture.times) >= 120


def test_start_of_a_video_relative_to_its_audio(
    tmp_path: Path, sound: Path, needs_tool: Callable[[str], str]
) -> None:
    ffmpeg, grey = needs_tool("ffmpeg"), ["-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=1"]
    needs_tool("ffprobe")
    for late, inputs in (
        (0.0, [*grey, "-i", str(sound)]),
        (0.6, ["-i", str(sound), "-itsoffset", "0.6", *grey]),
        (
            0.0,
            [*grey, "-itsoffset", "0.6", "-i", str(sound)],
        ),  # read_soundtrack adds silence instead
    ):
        film = tmp_path / f"{len(list(tmp_path.iterdir()))}.mkv"
        encoded = ["-map", "0", "-map", "1", "-c:a", "pcm_s16le", str(film)]
        subprocess.run([ffmpeg, "-v", "error", *inputs, *encoded], check=True)
        assert video_start(film) == pytest.approx(late, abs=0.021)
    (tmp_path / "text.mkv").write_text("no film")
    with raises_code(DataError, "ffmpeg_failed", "text.mkv"):
        video_start(tmp_path / "text.mkv")


def test_the_last_frame_is_kept(tmp_path: Path) -> None:
    """29 frames of 640 samples; 29 * 640 / 16000 * 25 is a little less than 29."""
    soundfile.write(tmp_path / "a.wav", np.full(29 * 640, 0.1), 16000)
    frames = [{"weights": [k / 29], "time": k / 25} for k in range(29)]
    (tmp_path / "a.json").write_text(json.dumps({"names": ["jawOpen"], "frames": frames}))
    run("from-beat", tmp_path / "a.json", tmp_path / "a.wav", tmp_path / "a")
    jaw = read_recording(tmp_path / "a").capture.weights[:, JAW]
    np.testing.assert_allclose(jaw, np.arange(29) / 29, atol=1e-6)


def test_v1_pairs_are_converted(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / "old" / split).mkdir(parents=True)
        soundfile.write(tmp_path / "old" / split / "a.wav", np.zeros(16000), 16000)
        lines = [
            json.dumps({"timestamp": round(k / 30, 4), "blendshapes": [k / 30] * 52})
            for k in range(30)
        ]
        (tmp_path / "old" / split / "a.jsonl").write_text("\n".join(lines))
    assert "wrote 2 recordings" in run("from-v1", tmp_path / "old", tmp_path / "new")[1]
    recording = read_recording(tmp_path / "new" / "val" / "a")
    assert recording.metadata["source_format"] == "KoeMorph v1.0"
    np.testing.assert_allclose(recording.capture.weights[:, 3], np.arange(30) / 30, atol=1e-6)


def test_missing_pairs_and_unwritable_folders_are_reported(tmp_path: Path) -> None:
    write_babble(tmp_path / "new" / "clip", 0)
    with raises_code(DataError, "no_pairs"):
        run("from-v1", tmp_path / "new", tmp_path / "newer")
    (tmp_path / "file").touch()
    with raises_code(OutputError, "cannot_create_folder", "clip"):
        write_babble(tmp_path / "file" / "clip", 0)


def beat(*frames: object, names: str = "jawOpen") -> str:
    return json.dumps({"names": [names], "frames": frames})


@pytest.mark.parametrize(
    ("name", "text", "code", "where"),
    [
        ("take.csv", "a,b\n1,2", "invalid_table", ""),
        (
            "take.csv",
            "\n".join([*live_link_rows(2), "11:22:33:02,61,1,2"]),
            "invalid_row",
            "line 4",
        ),
        ("take.csv", "\n".join([*live_link_rows(2), "11:22:33:02,61,x"]), "invalid_row", "line 4"),
        (
            "take.csv",
            "\n".join(live_link_rows(70)).replace("11:22", "noon"),
            "invalid_timecode",
            "noon",
        ),
        (
            "take.csv",
            "\n".join(live_link_rows(70)).replace(":07.0", ":inf"),
            "invalid_timecode",
            "",
        ),
        ("take.csv", "\0\udcff", "invalid_table", ""),
        ("take.csv", None, "not_readable", "take.csv"),
        ("a.json", None, "not_readable", "a.json"),
        ("a.json", "{}", "invalid_table", ""),
        ("a.json", "[1", "invalid_table", ""),
        ("a.json", beat(), "no_frames", ""),
        ("a.json", beat({"weights": [1.0, 2.0]}), "invalid_shape", "frame 0"),
        ("a.json", beat({"weights": ["x"]}), "not_finite", ""),
        ("a.json", beat({"weights": [float("nan")]}), "not_finite", "frame 0"),
        (
            "a.json",
            beat({"weights": [1], "time": 0.2}, {"weights": [1], "time": 0.1}),
            "unordered_times",
            "frame 1",
        ),
        ("a.json", beat({"weights": [1.0]}, names="snout"), "unknown_blendshapes", "snout"),
        (
            "a.json",
            json.dumps({"names": ["jawOpen", "JawOpen"], "frames": [{"weights": [0, 1]}]}),
            "duplicate_blendshape",
            "jawOpen",
        ),
    ],
)
def test_invalid_tables_are_refused(
    tmp_path: Path, sound: Path, name: str, text: str | None, code: str, where: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    kind = "from-live-link" if name.endswith("csv") else "from-beat"
    with raises_code(DataError, code, name, where):
        run(kind, tmp_path / name, sound, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_valid_data_set_has_no_problems(tmp_path: Path) -> None:
    for seed in range(2):
        write_babble(tmp_path / str(seed), seed)
    status, output = run("check", tmp_path)
    assert status == 0
    assert output.splitlines()[-1] == "2 recordings, 0 problems"


def test_every_kind_of_problem_is_reported(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(64000).astype(np.float32)
    moving = np.random.default_rng(1).random((120, len(BLENDSHAPES))).astype(np.float32)
    write_recording(tmp_path / "silent", 0 * noise, 16000, moving, 30)
    write_recording(tmp_path / "short", noise[:40000], 16000, moving, 30)
    write_recording(tmp_path / "still", noise, 16000, 0 * moving, 30)
    gap = write_recording(tmp_path / "gap", noise, 16000, moving, 30)
    lines = (gap / "blendshapes.jsonl").read_text().splitlines()
    (gap / "blendshapes.jsonl").write_text("\n".join(lines[:50] + lines[60:]))
    drift = write_recording(tmp_path / "drift", noise, 16000, moving, 30)
    metadata = json.loads((drift / "metadata.json").read_text())
    (drift / "metadata.json").write_text(json.dumps({**metadata, "source_fps": 29.0}))
    broken = write_recording(tmp_path / "broken", noise, 16000, moving, 30)
    (broken / "blendshapes.jsonl").write_text('{"timestamp": 0, "blendshapes": [0.5]}')
    missing = write_recording(tmp_path / "missing", noise, 16000, moving, 30)
    (missing / "audio.wav").unlink()
    write_recording(tmp_path / "click", noise[:99], 16000, moving[:1], 30)
    apart = write_recording(tmp_path / "apart", noise, 16000, moving, 30)
    starts = {"fps": 30, "audio_start": "01:00:00:00", "blendshapes_start": "01:00:09:00"}
    (apart / "timecode.json").write_text(json.dumps(starts))
    other = write_recording(tmp_path / "other", noise, 16000, moving, 30)
    metadata = json.loads((other / "metadata.json").read_text())
    counts = {"num_frames": 121, "duration_seconds": 5}
    (other / "metadata.json").write_text(json.dumps({**metadata, **counts}))
    status, output = run("check", tmp_path)
    assert status == 1
    assert output.splitlines()[-1].endswith(" problems")
    expected = {
        "silent": "silent",
        "short": "length_mismatch",
        "still": "static",
        "gap": "missing_frames",
        "drift": "fps_mismatch",
        "broken": "unreadable",
        "missing": "unreadable",
        "click": "unreadable",
        "apart": "unreadable",
        "other": "frame_count",
    }
    for name, code in expected.items():
        codes = [problem.code for problem in check_recording(tmp_path / name)]
        assert code in codes, name
        assert f"/{name}" in output
    assert {p.code for p in check_recording(other)} >= {"frame_count", "duration"}


def test_a_problem_names_the_recording_once(tmp_path: Path) -> None:
    folder = write_babble(tmp_path / "clip", 0)
    (folder / "timecode.json").write_text("{}")
    (problem,) = check_recording(folder)
    assert str(problem).count(str(folder)) == 1


def test_audio_without_face_and_face_without_audio_are_reported(tmp_path: Path) -> None:
    whole = write_babble(tmp_path / "whole", 0)
    for name in ("one.flac", "folder/audio.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(whole / "audio.wav", tmp_path / name)
    shutil.copyfile(whole / "blendshapes.jsonl", tmp_path / "two.jsonl")
    (tmp_path / "phones.jsonl").write_text('{"name": "whole", "phones": []}\n')
    status, output = run("check", tmp_path)
    assert status == 1
    lines = output.splitlines()
    assert lines[-1] == "1 recording, 3 problems"
    found = {
        line.split(": The file is missing")[0] for line in lines if "The file is missing" in line
    }
    assert found == {
        str(tmp_path / name) for name in ("one.jsonl", "two.wav", "folder/blendshapes.jsonl")
    }


def test_drift_between_audio_and_face_is_reported(tmp_path: Path, speech: Path) -> None:
    voice, rate = soundfile.read(speech, dtype="float32")
    audio = np.resize(voice, 60 * rate)
    jaw = Model("30").animate(audio, sample_rate=rate, preset="raw").weights[:, JAW]
    weights = np.zeros((60 * 30, len(BLENDSHAPES)), np.float32)
    # The camera lost 200 ms half way.
    frames = np.arange(len(weights))
    weights[:, JAW] = jaw[frames - np.where(frames < 900, 0, 6)]
    write_recording(tmp_path / "slow", audio, rate, weights, 30)
    status, output = run("check", tmp_path)
    assert status == 1
    assert "drift apart" in output
