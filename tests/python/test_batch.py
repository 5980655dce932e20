"""Batches: everything that can be animated is, once, and what cannot is told."""

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
from patience import wait_for

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
def test_one_bad_file_stops_nothing(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], jobs: str
) -> None:
    out = tmp_path / "out"
    args = [voices, "-o", out, "--model", tiny_models[30], "--jobs", jobs]
    first = animate(*args)
    assert first.return_value == 1
    assert "3 animated, 0 were done already, 1 failed" in first.stderr
    assert "bad.wav: " in first.stderr
    made = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert made == ["a.jsonl", "b.jsonl", "deep/声.jsonl"]
    assert len(read_jsonl(out / "deep" / "声.jsonl")) == 15
    before = (out / "a.jsonl").stat().st_mtime_ns
    (voices / "bad.wav").unlink()
    (out / "b.jsonl").unlink()
    second = animate(*args)
    assert second.return_value == 0
    assert "1 animated, 2 were done already, 0 failed" in second.stderr
    assert (out / "a.jsonl").stat().st_mtime_ns == before
    newer = (out / "a.jsonl").stat().st_mtime + 5
    os.utime(voices / "a.wav", (newer, newer))
    assert "1 animated" in animate(*args).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "natual"], "none of the presets"),
        (["--retarget", "vrm7"], "none of the maps"),
        (["--retarget", "vrm1"], "52 blendshapes"),
        (["--format", "csv", "--retarget", "vrm1"], "52 blendshapes"),
        (["--format", "glb"], "--rig"),
        (["--format", "glb", "--rig", "missing.glb"], "no rig at missing.glb"),
        (["--fps", "60"], "30 fps"),
        (["-o", "-"], "give -o a folder"),
        (["-o", "voices/a.wav"], "the output must be a folder"),
        (["-o", "voices/notes.md/out"], "Cannot make the folder"),
    ],
)
def test_what_would_fail_every_recording_is_told_once_and_costs_nothing(
    voices: Path,
    tmp_path: Path,
    tiny_models: dict[int, Path],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = [tmp_path / "out" / name for name in ("a.jsonl", "b.jsonl")]
    done[0].parent.mkdir()
    for path in done:
        path.write_text("an hour's work")
    before = sorted(tmp_path.rglob("*"))
    result = animate(voices, "-o", "out", "--model", tiny_models[30], "--overwrite", *options)
    assert isinstance(result.exception, KoemorphError)
    assert words in str(result.exception)
    assert sorted(tmp_path.rglob("*")) == before
    assert [path.read_text() for path in done] == ["an hour's work"] * 2


def test_a_slip_makes_no_folder(voices: Path, tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    result = animate(voices, "-o", tmp_path / "out", "--model", tiny_models[30], "--preset", "x")
    assert isinstance(result.exception, KoemorphError)
    assert not (tmp_path / "out").exists()


def test_a_slip_in_the_folder_s_name_is_told_as_one(tmp_path: Path) -> None:
    for output in (tmp_path, tmp_path / "new"):
        result = animate(tmp_path / "linez", "-o", output)
        assert isinstance(result.exception, AudioError)
        assert "linez" in str(result.exception)


def test_again_replaces_what_is_done(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a.jsonl", "bad.jsonl"):
        (out / name).write_text("")
    result = animate(voices, "-o", out, "--model", tiny_models[30], "--overwrite")
    assert "3 animated, 0 were done already, 1 failed" in result.stderr
    assert len(read_jsonl(out / "a.jsonl")) == 15
    assert (out / "bad.jsonl").exists()


def test_names_need_not_be_utf8(voices: Path, tmp_path: Path, tiny_models: dict[int, Path]) -> None:
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


def test_manifest_says_what_and_where(
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


def test_a_dead_process_costs_one_recording(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That one, and not the one before it, which another process animates meanwhile."""
    names = ["slow", "killer", "other", "last"]
    jobs = [batch.Job(voices / "a.wav", tmp_path / f"{name}.jsonl") for name in names]
    heard: dict[str, str] = {}
    monkeypatch.setattr(batch, "_work", dies_of_the_killer)
    settings = batch.Settings(model=tiny_models[30])
    batch.run(jobs, settings, 2, lambda job, _, trouble: heard.update({job.output.stem: trouble}))
    assert sorted(heard) == sorted(names)
    assert [name for name, trouble in heard.items() if trouble] == ["killer"]


def dies_of_the_killer(job: batch.Job, settings: batch.Settings) -> tuple[float, str]:
    begun = job.output.with_suffix(".begun")
    again = begun.exists()
    begun.touch()
    if job.output.stem == "killer":
        wait_for(job.output.with_name("slow.begun").exists)
        os._exit(1)
    if job.output.stem == "slow" and not again:
        time.sleep(60)  # until the pool ends its process, too
    assert batch._worker_model is not None
    return batch.animate_one(batch._worker_model, job, settings), ""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_workers_end_with_a_parent_that_was_killed(
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
    """The processes of a group that have not ended."""
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

def done(job, seconds, trouble):
    assert (seconds, trouble) == (0.1, "")
    pages.append(Path("/proc/self/statm").read_text().split()[1])

batch.run(jobs, batch.Settings(model=model), 1, done)
print(*pages)
"""


def test_memory_stays_however_many_recordings(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("the system does not tell a process's memory in /proc")
    noise = np.random.default_rng(0).normal(0, 0.1, 1600).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, 16000)
    # In a process of its own: what other tests leave behind is given back when it pleases Python.
    command = [sys.executable, "-c", A_THOUSAND, tmp_path, tiny_models[30]]
    pages = [int(page) for page in subprocess.check_output(command, text=True).split()]
    assert len(pages) == 1000
    assert (max(pages[200:]) - pages[199]) * os.sysconf("SC_PAGE_SIZE") < 2_000_000


def test_same_names_do_not_collide(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac"):
        (tmp_path / name).write_bytes(b"")
    jobs = batch.plan([tmp_path], tmp_path / "out", None)
    assert sorted(job.output.name for job in jobs) == ["a.jsonl", "a.wav.jsonl"]


def test_recordings_called_alike_go_into_their_folders(tmp_path: Path) -> None:
    lines = ["s1/001.wav", "s2/001.wav", "s3/001.wav", "s2/001.wav"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    jobs = batch.plan([tmp_path / "list.txt"], tmp_path / "out", None)
    outputs = [job.output.relative_to(tmp_path / "out").as_posix() for job in jobs]
    assert outputs == ["001.jsonl", "s2/001.jsonl", "s3/001.jsonl"]
    assert [job.audio.relative_to(tmp_path).as_posix() for job in jobs] == lines[:3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lists no recording"),
        (b"\xff\xfe", "UTF-8"),
        ("a.wav".encode("utf-16-le"), "UTF-8"),
        (b"a.wav\t./", "no name of a file"),
        (b".", "no name of a file"),
        (b"a.wav\t../../x", "outside"),
        (b"s1/a.wav\tx\ns2/a.wav\tx", "both become .* another name"),
    ],
)
def test_bad_manifests_are_sentences(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match=words):
        batch.plan([tmp_path / "list.txt"], tmp_path / "out", None)


def test_what_is_only_called_like_a_recording_is_none(tmp_path: Path) -> None:
    (tmp_path / "take.wav").mkdir()
    (tmp_path / "take.wav" / "a.wav").touch()
    (tmp_path / "take.wav" / "._a.wav").touch()  # what macOS lays beside a.wav
    jobs = batch.plan([tmp_path], tmp_path / "out", None)
    assert [job.output for job in jobs] == [tmp_path / "out" / "take.wav" / "a.jsonl"]


def test_a_folder_without_audio_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="holds no recording"):
        batch.plan([tmp_path], tmp_path / "out", None)
