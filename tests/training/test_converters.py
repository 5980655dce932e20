"""Conversion of other captures to recordings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from babble import write_babble
from dataset_command import run
from error_code import raises_code

from koemorph import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX, LIVE_LINK_ROTATIONS, PASCAL_NAMES
from koemorph.errors import DataError, OutputError
from koemorph.outputs import WriteOptions, livelink_csv
from koemorph.outputs.jsonl import timecode
from koemorph.training.datasets.check import check_recording
from koemorph.training.datasets.ffmpeg import video_start
from koemorph.training.datasets.recordings import read_recording

JAW = INDEX["jawOpen"]


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
    captured = [*range(9, 51), *range(79, 120)]  # frames next to captured ones, too
    recording = read_recording(tmp_path / "take")
    np.testing.assert_allclose(recording.capture.times, np.array(captured) / 60)
    assert recording.metadata["num_frames"] == len(captured)
    jaw = np.clip(np.array(captured), 10, 119) / 120
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
    # Numbers at 60 fps, of which four are skipped at each full minute.
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
    """The timecodes of the writer count sixtieths at any frame rate."""
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
    assert len(read_recording(tmp_path / "a").capture.times) == 31  # with the frame before 1.5 s
    with raises_code(DataError, "no_overlap", "2.00 s", "2.98 s"):
        converted(2.0)


def test_phone_audio_and_unusual_file_names_are_read(
    tmp_path: Path, sound: Path, needs_tool: Callable[[str], str]
) -> None:
    (tmp_path / "take.csv").write_text("\n".join(live_link_rows(120)))
    unusual = tmp_path / "take:1.m4a"
    subprocess.run([needs_tool("ffmpeg"), "-i", sound, f"file:{unusual}"], check=True)
    run("from-live-link", tmp_path / "take.csv", unusual, tmp_path / "take")
    assert len(read_recording(tmp_path / "take").capture.times) >= 120


def test_start_of_a_video_relative_to_its_audio(
    tmp_path: Path, sound: Path, needs_tool: Callable[[str], str]
) -> None:
    ffmpeg, gray = needs_tool("ffmpeg"), ["-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=1"]
    needs_tool("ffprobe")
    for start, inputs in (
        (0.0, [*gray, "-i", str(sound)]),
        (0.6, ["-i", str(sound), "-itsoffset", "0.6", *gray]),
        (
            0.0,
            [*gray, "-itsoffset", "0.6", "-i", str(sound)],
        ),  # read_soundtrack adds silence instead
    ):
        video = tmp_path / f"{len(list(tmp_path.iterdir()))}.mkv"
        encoded = ["-map", "0", "-map", "1", "-c:a", "pcm_s16le", str(video)]
        subprocess.run([ffmpeg, "-v", "error", *inputs, *encoded], check=True)
        assert video_start(video) == pytest.approx(start, abs=0.021)
    (tmp_path / "text.mkv").write_text("no video")
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
def test_invalid_tables_are_rejected(
    tmp_path: Path, sound: Path, name: str, text: str | None, code: str, where: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    kind = "from-live-link" if name.endswith("csv") else "from-beat"
    with raises_code(DataError, code, name, where):
        run(kind, tmp_path / name, sound, tmp_path / "out")
    assert not (tmp_path / "out").exists()
