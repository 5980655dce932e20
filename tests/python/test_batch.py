"""`koemorph animate` with several recordings, and the planning of its outputs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from waiting import wait_for

from koemorph import batch
from koemorph.cli.animate import command
from koemorph.errors import AudioError, DataError, KoemorphError
from koemorph.outputs.jsonl import read_jsonl


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """Three good recordings, one in a folder below with a name that is not ASCII, and a bad one."""
    folder = tmp_path / "voices"
    (folder / "deep").mkdir(parents=True)
    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    for name in ("a.wav", "b.flac", "deep/声.wav"):
        soundfile.write(folder / name, noise, 16000)
    (folder / "bad.wav").write_bytes(b"RIFF, but no more")
    (folder / "notes.md").write_text("no recording")
    return folder


def animate(*args: str | Path) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args], standalone_mode=False)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_invalid_recording_does_not_stop_the_batch(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], jobs: str
) -> None:
    out = tmp_path / "out"
    args = [voices, "-o", out, "--model", tiny_models[30], "--jobs", jobs]
    first = animate(*args)
    assert first.return_value == 1
    assert "3 recordings animated, 0 up to date, 1 failed" in first.stderr
    assert "bad.wav: " in first.stderr
    made = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert made == ["a.jsonl", "b.jsonl", "deep/声.jsonl"]
    assert len(read_jsonl(out / "deep" / "声.jsonl")) == 15
    before = (out / "a.jsonl").stat().st_mtime_ns
    (voices / "bad.wav").unlink()
    (out / "b.jsonl").unlink()
    second = animate(*args)
    assert second.return_value == 0
    assert "1 recording animated, 2 up to date, 0 failed" in second.stderr
    assert (out / "a.jsonl").stat().st_mtime_ns == before
    newer = (out / "a.jsonl").stat().st_mtime + 5
    os.utime(voices / "a.wav", (newer, newer))
    assert "1 recording animated" in animate(*args).stderr


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (["--preset", "natual"], '"natual"'),
        (["--retarget", "vrm7"], '"vrm7"'),
        (["--retarget", "vrm1"], "52"),
        (["--format", "csv", "--retarget", "vrm1"], "52"),
        (["--format", "glb"], "--rig"),
        (["--format", "glb", "--rig", "missing.glb"], "missing.glb"),
        (["--fps", "60"], "30 fps"),
        (["-o", "-"], "--output"),
        (["-o", "voices/a.wav"], "voices/a.wav is a file"),
        (["-o", "voices/notes.md/out"], "voices/notes.md/out"),
    ],
)
def test_invalid_settings_fail_before_any_output_changes(
    voices: Path,
    tmp_path: Path,
    tiny_models: dict[int, Path],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    value: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = [tmp_path / "out" / name for name in ("a.jsonl", "b.jsonl")]
    done[0].parent.mkdir()
    for path in done:
        path.write_text("earlier output")
    before = sorted(tmp_path.rglob("*"))
    result = animate(voices, "-o", "out", "--model", tiny_models[30], "--overwrite", *options)
    assert isinstance(result.exception, KoemorphError)
    assert value in str(result.exception)
    assert sorted(tmp_path.rglob("*")) == before
    assert [path.read_text() for path in done] == ["earlier output"] * 2


def test_invalid_preset_creates_no_folder(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    result = animate(voices, "-o", tmp_path / "out", "--model", tiny_models[30], "--preset", "x")
    assert isinstance(result.exception, KoemorphError)
    assert not (tmp_path / "out").exists()


def test_missing_input_folder_is_named(tmp_path: Path) -> None:
    for output in (tmp_path, tmp_path / "new"):
        result = animate(tmp_path / "linez", "-o", output)
        assert isinstance(result.exception, AudioError)
        assert result.exception.code == "file_not_found"
        assert "linez" in str(result.exception)


def test_overwrite_replaces_finished_outputs(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a.jsonl", "bad.jsonl"):
        (out / name).write_text("")
    result = animate(voices, "-o", out, "--model", tiny_models[30], "--overwrite")
    assert "3 recordings animated, 0 up to date, 1 failed" in result.stderr
    assert len(read_jsonl(out / "a.jsonl")) == 15
    assert (out / "bad.jsonl").exists()


def test_file_names_need_not_be_utf8(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    if os.name == "nt":
        pytest.skip("names are text on Windows")
    folder = tmp_path / "odd"
    folder.mkdir()
    odd = folder / os.fsdecode(b"v\xff.wav")
    odd.write_bytes((voices / "a.wav").read_bytes())
    for name in ("jsonl", "csv", "anim", "json", "npz"):
        out = tmp_path / name
        result = animate(folder, "-o", out, "--format", name, "--model", tiny_models[30])
        assert result.return_value == 0, result.stderr
        assert [os.fsencode(path.name)[:2] for path in out.iterdir()] == [b"v\xff"]


def test_manifest_lists_recordings_and_outputs(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    lines = "a.wav\nb.flac\tscene 1/hero.line01\na.wav\thero.line02.wav\na.wav\thero.CSV\n"
    (voices / "list.txt").write_text(lines, encoding="utf-8-sig")
    result = animate(
        voices / "list.txt", "-o", tmp_path / "out", "--format", "npz", "--model", tiny_models[30]
    )
    assert result.return_value == 0
    made = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")
    }
    assert made == {"a.npz", "scene 1/hero.line01.npz", "hero.line02.npz", "hero.npz"}


def test_killed_process_fails_only_its_recording(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process animates the recording before it at the same time."""
    names = ["slow", "killer", "other", "last"]
    jobs = [batch.Job(voices / "a.wav", tmp_path / f"{name}.jsonl") for name in names]
    errors: dict[str, str] = {}
    monkeypatch.setattr(batch, "_work", exit_in_killer_job)
    settings = batch.Settings(model=tiny_models[30])
    batch.run(jobs, settings, 2, lambda job, _, error: errors.update({job.output.stem: error}))
    assert sorted(errors) == sorted(names)
    assert [name for name, error in errors.items() if error] == ["killer"]


def exit_in_killer_job(job: batch.Job, settings: batch.Settings) -> tuple[float, str]:
    marker = job.output.with_suffix(".begun")
    is_retry = marker.exists()
    marker.touch()
    if job.output.stem == "killer":
        wait_for(job.output.with_name("slow.begun").exists)
        os._exit(1)
    if job.output.stem == "slow" and not is_retry:
        time.sleep(60)  # The pool ends this process earlier.
    assert batch._worker_model is not None
    return batch.animate_one(batch._worker_model, job, settings), ""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_exit_when_their_parent_is_killed(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    lines = tmp_path / "many.txt"
    lines.write_text("".join(f"voices/a.wav\t{index}.jsonl\n" for index in range(2000)))
    out = tmp_path / "out"
    code = "from koemorph.cli import main; main()"
    args = ["animate", lines, "-o", out, "--model", tiny_models[30], "--jobs", "2"]
    parent = subprocess.Popen([sys.executable, "-c", code, *args], start_new_session=True)
    wait_for(lambda: out.is_dir() and len(list(out.glob("*.jsonl"))) > 4)
    assert len(running(parent.pid)) > 2
    parent.kill()
    parent.wait()
    wait_for(lambda: not running(parent.pid))
    assert not list(out.glob("*.part"))


def running(group: int) -> list[int]:
    """Return the running processes of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, pgrp, *_ = entry.read_text().rpartition(")")[2].split()
            if int(pgrp) == group and state != "Z":
                found.append(int(entry.parent.name))
    return found


A_THOUSAND = """
import sys
import time
from pathlib import Path
from koemorph import batch

folder, model = map(Path, sys.argv[1:])
jobs = [batch.Job(folder / "a.wav", folder / f"{index}.jsonl") for index in range(1000)]
pages = []

def done(job, seconds, error):
    assert (seconds, error) == (0.1, "")
    pages.append(Path("/proc/self/statm").read_text().split()[1])

batch.run(jobs, batch.Settings(model=model), 1, done)
print(*pages)
"""


def test_memory_does_not_grow_with_the_number_of_recordings(
    tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    noise = np.random.default_rng(0).normal(0, 0.1, 1600).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, 16000)
    # In its own process, because memory of other tests may be freed meanwhile.
    command = [sys.executable, "-c", A_THOUSAND, tmp_path, tiny_models[30]]
    pages = [int(page) for page in subprocess.check_output(command, text=True).split()]
    assert len(pages) == 1000
    assert (max(pages[200:]) - pages[199]) * os.sysconf("SC_PAGE_SIZE") < 2_000_000


def test_names_that_differ_in_the_extension_do_not_collide(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac"):
        (tmp_path / name).write_bytes(b"")
    jobs = batch.plan([tmp_path], tmp_path / "out", None)
    assert sorted(job.output.name for job in jobs) == ["a.jsonl", "a.wav.jsonl"]


def test_equal_names_go_into_subfolders(tmp_path: Path) -> None:
    lines = ["s1/001.wav", "s2/001.wav", "s3/001.wav", "s2/001.wav"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    jobs = batch.plan([tmp_path / "list.txt"], tmp_path / "out", None)
    outputs = [job.output.relative_to(tmp_path / "out").as_posix() for job in jobs]
    assert outputs == ["001.jsonl", "s2/001.jsonl", "s3/001.jsonl"]
    assert [job.audio.relative_to(tmp_path).as_posix() for job in jobs] == lines[:3]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_manifest"),
        (b"\xff\xfe", "invalid_manifest"),
        ("a.wav".encode("utf-16-le"), "invalid_manifest"),
        (b"a.wav\t./", "invalid_output"),
        (b".", "invalid_output"),
        (b"a.wav\t../../x", "invalid_output"),
        (b"s1/a.wav\tx\ns2/a.wav\tx", "output_collision"),
    ],
)
def test_invalid_manifest_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError) as raised:
        batch.plan([tmp_path / "list.txt"], tmp_path / "out", None)
    assert raised.value.code == code


def test_folders_and_macos_metadata_are_not_recordings(tmp_path: Path) -> None:
    (tmp_path / "take.wav").mkdir()
    (tmp_path / "take.wav" / "a.wav").touch()
    (tmp_path / "take.wav" / "._a.wav").touch()  # macOS metadata of a.wav
    jobs = batch.plan([tmp_path], tmp_path / "out", None)
    assert [job.output for job in jobs] == [tmp_path / "out" / "take.wav" / "a.jsonl"]


def test_folder_without_audio_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(AudioError) as raised:
        batch.plan([tmp_path], tmp_path / "out", None)
    assert raised.value.code == "no_recordings"
