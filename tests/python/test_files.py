"""File outputs: atomic writes, dry runs, JSON lines round trips and error codes."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from waiting import wait_for

from koemorph import outputs
from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, GROUPS, INDEX, PASCAL_NAMES
from koemorph.errors import DataError, OutputError
from koemorph.outputs.atomic import atomic_open, atomic_path
from koemorph.outputs.jsonl import STDOUT, read_jsonl, timecode, write_jsonl
from koemorph.outputs.network import Frame
from koemorph.outputs.stream_file import JsonlOutput


def make_animation(frames: int = 7, fps: int = 30) -> Animation:
    weights = np.random.default_rng(1).random((frames, 52), np.float32)
    return Animation(np.arange(frames) / fps, weights, BLENDSHAPES, fps)


def test_blendshape_order_is_that_of_live_link() -> None:
    assert len(set(BLENDSHAPES)) == 52
    assert [INDEX[name] for name in ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen")] == [0, 7, 17]
    assert [INDEX[name] for name in ("mouthSmileLeft", "browInnerUp", "tongueOut")] == [23, 43, 51]
    assert PASCAL_NAMES[17] == "JawOpen"
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(BLENDSHAPES)


def test_jsonl_round_trip(tmp_path: Path) -> None:
    animation = make_animation(fps=60)
    animation.save(tmp_path / "a.jsonl")
    back = read_jsonl(tmp_path / "a.jsonl")
    assert back.fps == 60
    np.testing.assert_allclose(back.weights, animation.weights, atol=6e-7)
    np.testing.assert_allclose(back.times, animation.times, atol=6e-7)
    stream = io.StringIO()
    write_jsonl(animation, stream)
    assert stream.getvalue() == (tmp_path / "a.jsonl").read_text()
    first = json.loads(stream.getvalue().splitlines()[2])
    assert first["frame_index"] == 2
    assert first["timecode"] == "00:00:00:02"


def test_jsonl_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    make_animation().save(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_jsonl(path)) == 7


@pytest.mark.parametrize("missing", [[], [7, 8]])
@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
def test_fps_is_derived_from_rounded_timestamps(
    tmp_path: Path, fps: int, missing: list[int]
) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps({"timestamp": round(frame / fps, 3), "blendshapes": [0.0] * 52})
        for frame in range(20)
        if frame not in missing
    ]
    path.write_text("\n".join(lines))
    assert read_jsonl(path).fps == fps


def test_timecode_counts_frames_and_wraps() -> None:
    assert timecode(29, 30) == "00:00:00:29"
    assert timecode(30 * 3661, 30) == "01:01:01:00"
    assert timecode(60 * 86400 + 5, 60) == "00:00:00:05"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "bad_line"),
        (b"[]", "bad_line"),
        (b'{"timestamp": 0}', "bad_line"),
        (b'{"timestamp": 0, "blendshapes": [1]}', "bad_line"),
        (b"null", "bad_line"),
        (b"\xff\xfe", "unreadable"),
        (b"", "no_frames"),
    ],
)
def test_malformed_jsonl_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.jsonl") as caught:
        read_jsonl(path)
    assert caught.value.code == code


def test_a_failed_atomic_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError):  # noqa: SIM117, PT012
        with atomic_open(target) as stream:
            stream.write("new")
            raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with atomic_open(target) as stream:
        stream.write("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_atomic_write_follows_links_and_applies_the_umask(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_path(link) as path:
        path.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    plain = tmp_path / "plain.txt"
    plain.write_text("")
    assert real.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")
def test_a_terminated_child_keeps_its_parents_temporary_files(tmp_path: Path) -> None:
    code = """
import os, signal, sys, time
from koemorph.outputs.atomic import atomic_open, remove_partial_files_on_signal

remove_partial_files_on_signal()
ready, begun = os.pipe()
with atomic_open(sys.argv[1]) as stream:
    child = os.fork()
    if not child:
        os.write(begun, b"!")  # Python drops signals that arrive while a fork starts
        while True:
            time.sleep(0.01)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=stream)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "out.txt"], check=True)
    assert (tmp_path / "out.txt").read_text() == f"{-signal.SIGTERM}\n"


def test_atomic_write_to_a_device_is_direct() -> None:
    with atomic_open("/dev/null") as stream:
        stream.write("gone")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing/out.jsonl", "folder_missing"),
        (".", "is_folder"),
        ("file/out.jsonl", "not_a_folder"),
        ("n" * 300 + ".jsonl", "name_too_long"),
        ("out.xyz", "unknown_format"),
    ],
)
def test_an_unwritable_path_is_rejected(tmp_path: Path, path: str, code: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        make_animation().save(tmp_path / path, format=None if path != "." else "jsonl")
    assert caught.value.code == code


def test_a_path_without_write_permission_is_rejected() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc, where root cannot write either")
    with pytest.raises(OutputError, match=r"Cannot write /proc/koemorph\.jsonl"):
        make_animation().save("/proc/koemorph.jsonl")


def test_a_recording_stops_at_its_size_limit(tmp_path: Path) -> None:
    output = JsonlOutput(tmp_path / "live.jsonl", max_bytes=3000)
    for index in range(20):
        output.send(Frame.from_weights(index, 30, np.zeros(52, np.float32)))
    output.close()
    assert output.dropped > 0
    assert "limit" in output.error
    assert len(read_jsonl(tmp_path / "live.jsonl")) == output.sent > 0


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """Limit the size of files to `count` bytes, as a full disk does."""
    resource = pytest.importorskip("resource", reason="the system has no such limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_dry_run_reports_the_requested_path(tmp_path: Path) -> None:
    path = tmp_path / "face.csv"
    path.write_text("old")
    with room_for(1000), pytest.raises(OutputError, match=rf"^Cannot write {path}: "):
        outputs.dry_run(make_animation(), path, None, outputs.WriteOptions())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_drops_only_the_frames_written_meanwhile(tmp_path: Path) -> None:
    output = JsonlOutput(tmp_path / "live.jsonl")
    frames = [Frame.from_weights(index, 30, np.zeros(52, np.float32)) for index in range(40)]
    with room_for(3000):
        for frame in frames[:20]:
            output.send(frame)
    assert output.error
    kept = output.sent
    assert 0 < kept == 20 - output.dropped < 20
    output.send(frames[20])
    assert output.error == ""
    with room_for(3001):
        for frame in frames[21:]:
            output.send(frame)
        output.close()
    assert [path.name for path in tmp_path.iterdir()] == ["live.jsonl"]
    times = read_jsonl(tmp_path / "live.jsonl").times
    np.testing.assert_allclose(times * 30, [*range(kept), 20])


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_a_full_disk_keeps_the_earlier_content_of_redirected_standard_output(
    tmp_path: Path, mode: str
) -> None:
    path, before = tmp_path / "log.jsonl", "an earlier line\n" * 100
    path.write_text(before)
    terminal = os.dup(1)
    try:
        with path.open(mode) as file:
            file.seek(0, os.SEEK_END)
            os.dup2(file.fileno(), 1)
            output = JsonlOutput(STDOUT)
    finally:
        os.dup2(terminal, 1)
        os.close(terminal)
    with room_for(len(before) + 3000):
        for index in range(20):
            output.send(Frame.from_weights(index, 30, np.zeros(52, np.float32)))
    kept = output.sent
    assert 0 < kept == 20 - output.dropped < 20
    output.send(Frame.from_weights(20, 30, np.zeros(52, np.float32)))
    output.close()
    written = path.read_text()
    assert written.startswith(before)
    received = [json.loads(line)["frame_index"] for line in written[len(before) :].splitlines()]
    assert received == [*range(kept), 20]


def test_a_pipe_without_a_reader_does_not_block(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no named pipes")
    os.mkfifo(tmp_path / "pipe")
    frames = [Frame.from_weights(index, 30, np.zeros(52, np.float32)) for index in range(1001)]
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reading, "rb") as reader:
        output = JsonlOutput(tmp_path / "pipe")
        sending = Thread(target=lambda: [output.send(frame) for frame in frames[:-1]], daemon=True)
        sending.start()
        wait_for(lambda: output.sent + output.dropped == 1000)
        sending.join()
        assert "too slow" in output.error
        received = (reader.read() or b"").splitlines()
        assert 0 < len(received) == output.sent
        # Frames are sent again once the reader continues.
        output.send(frames[-1])
        assert output.error == ""
        assert json.loads(reader.readline())["frame_index"] == 1000
        output.close()


def test_an_empty_recording_replaces_no_file(tmp_path: Path) -> None:
    take = tmp_path / "live.jsonl"
    take.write_text("earlier recording")
    JsonlOutput(take).close()
    assert take.read_text() == "earlier recording"
    assert [path.name for path in tmp_path.iterdir()] == ["live.jsonl"]


def test_a_recording_is_renamed_even_when_closing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.BytesIO):
        def close(self) -> None:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    output = JsonlOutput(tmp_path / "live.jsonl")
    output.send(Frame.from_weights(0, 30, np.zeros(52, np.float32)))
    with output._file:
        monkeypatch.setattr(output, "_file", Failing())
        with pytest.raises(OSError, match="quota"):
            output.close()
    assert len(read_jsonl(tmp_path / "live.jsonl")) == 1
