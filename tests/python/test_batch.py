"""`koemorph animate` with several recordings, and the planning of its outputs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from waiting import wait_for

from koemorph import batch, batch_plan, batch_settings
from koemorph.batch_record import RECORD_NAME, settings_fingerprint
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


def made(out: Path) -> list[str]:
    """Return the outputs in a folder, without the batch's own record."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != RECORD_NAME)
    return sorted(path.relative_to(out).as_posix() for path in files)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_invalid_recording_does_not_stop_the_batch(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], jobs: str
) -> None:
    out = tmp_path / "out"
    args = [voices, "-o", out, "--model", tiny_models[30], "--jobs", jobs]
    first = animate(*args)
    assert first.return_value == 1
    assert "3 recordings animated, 0 up to date, 1 failed" in first.stderr
    assert first.stderr.count("bad.wav") == 1
    assert "1 other file without audio: notes.md" in first.stderr
    assert made(out) == ["a.jsonl", "b.jsonl", "deep/声.jsonl"]
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
        assert [os.fsencode(name)[:2] for name in made(out)] == [b"v\xff"]


def test_manifest_lists_recordings_and_outputs(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    lines = "a.wav\nb.flac\tscene 1/hero.line01\na.wav\thero.line02.wav\na.wav\thero.CSV\n"
    (voices / "list.txt").write_text(lines, encoding="utf-8-sig")
    result = animate(
        voices / "list.txt", "-o", tmp_path / "out", "--format", "npz", "--model", tiny_models[30]
    )
    assert result.return_value == 0
    names = ["a.npz", "hero.line02.npz", "hero.npz", "scene 1/hero.line01.npz"]
    assert made(tmp_path / "out") == names


def test_killed_process_fails_only_its_recording(
    voices: Path, tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process animates the recording before it at the same time."""
    names = ["slow", "killer", "other", "last"]
    jobs = [batch_plan.Job(voices / "a.wav", tmp_path / f"{name}.jsonl") for name in names]
    errors: dict[str, str] = {}
    monkeypatch.setattr(batch, "_work", exit_in_killer_job)
    settings = batch_settings.Settings(model=tiny_models[30])
    batch.run(jobs, settings, 2, lambda job, result: errors.update({job.output.stem: result.error}))
    assert sorted(errors) == sorted(names)
    assert [name for name, error in errors.items() if error] == ["killer"]


def exit_in_killer_job(job: batch_plan.Job, settings: batch_settings.Settings) -> batch.Result:
    marker = job.output.with_suffix(".begun")
    is_retry = marker.exists()
    marker.touch()
    if job.output.stem == "killer":
        wait_for(job.output.with_name("slow.begun").exists)
        os._exit(1)
    if job.output.stem == "slow" and not is_retry:
        time.sleep(60)  # The pool ends this process earlier.
    assert batch._worker_model is not None
    return batch.animate_one(batch._worker_model, job, settings)


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
from koemorph import batch, batch_plan, batch_settings

folder, model = map(Path, sys.argv[1:])
jobs = [batch_plan.Job(folder / "a.wav", folder / f"{index}.jsonl") for index in range(1000)]
pages = []

def done(job, result):
    assert (result.seconds, result.error) == (0.1, "")
    pages.append(Path("/proc/self/statm").read_text().split()[1])

batch.run(jobs, batch_settings.Settings(model=model), 1, done)
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
    jobs = batch_plan.plan([tmp_path], tmp_path / "out", None).jobs
    assert sorted(job.output.name for job in jobs) == ["a.flac.jsonl", "a.wav.jsonl"]


def test_outputs_of_a_list_have_the_paths_in_it(tmp_path: Path) -> None:
    lines = ["s1/001.wav", "s2/001.wav", "s3/001.wav", "s2/001.wav"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    jobs = batch_plan.plan([tmp_path / "list.txt"], tmp_path / "out", None).jobs
    outputs = [job.output.relative_to(tmp_path / "out").as_posix() for job in jobs]
    assert outputs == ["s1/001.jsonl", "s2/001.jsonl", "s3/001.jsonl"]
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
        batch_plan.plan([tmp_path / "list.txt"], tmp_path / "out", None)
    assert raised.value.code == code


def test_folders_and_macos_metadata_are_not_recordings(tmp_path: Path) -> None:
    (tmp_path / "take.wav").mkdir()
    (tmp_path / "take.wav" / "a.wav").touch()
    (tmp_path / "take.wav" / "._a.wav").touch()  # macOS metadata of a.wav
    jobs = batch_plan.plan([tmp_path], tmp_path / "out", None).jobs
    assert [job.output for job in jobs] == [tmp_path / "out" / "take.wav" / "a.jsonl"]


def test_folder_without_audio_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(AudioError) as raised:
        batch_plan.plan([tmp_path], tmp_path / "out", None)
    assert raised.value.code == "no_recordings"


PRESET = '{"koemorph": "preset", "version": 1, "name": "x", "controls": {}}'


def write_noise(path: Path, seed: int = 0, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.1, (4000, channels)).astype(np.float32)
    soundfile.write(path, noise, 16000, format="WAV")
    return path


def test_folder_takes_every_kind_of_audio_and_names_the_rest(
    tmp_path: Path, tiny_models: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    names = ["a.aifc", "b.wave", "c.bwf", "d.snd", "e.mpga", "f.mp2", "g.m4a", "h.WEBM", "i", "j.x"]
    for name in names:  # The content is recognized by its bytes.
        write_noise(folder / name)
    write_noise(tmp_path / "elsewhere" / "k.wav")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "circle").symlink_to(folder)
    (folder / "data.bin").write_bytes(bytes(range(1, 200)))
    (folder / "lines.md").write_text("text")
    locked = folder / "locked"
    locked.mkdir()
    list_folder = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path == locked:
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    result = animate(folder, "-o", tmp_path / "out", "--model", tiny_models[30])
    assert result.return_value == 1
    assert "11 recordings animated, 0 up to date, 2 failed" in result.stderr
    for name in ("data.bin", "locked", "lines.md"):
        assert result.stderr.count(name) == 1
    stems = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j.x", "linked/k"]
    assert made(tmp_path / "out") == [f"{stem}.jsonl" for stem in stems]


def test_outputs_of_a_glob_keep_their_names_when_folders_are_added(
    tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    out = tmp_path / "out"
    arguments = ["-o", out, "--model", tiny_models[30]]
    cast = [write_noise(tmp_path / "cast" / name / "l1.wav", ord(name)) for name in "bcd"]
    animate(*cast, *arguments)
    assert made(out) == ["b/l1.jsonl", "c/l1.jsonl", "d/l1.jsonl"]
    before = {name: (out / name).read_bytes() for name in made(out)}
    cast.insert(0, write_noise(tmp_path / "cast" / "a" / "l1.wav", 1))
    second = animate(*cast, *arguments)
    assert "1 recording animated, 3 up to date" in second.stderr
    assert made(out) == ["a/l1.jsonl", *before]
    assert {name: (out / name).read_bytes() for name in before} == before
    assert (out / "a" / "l1.jsonl").read_bytes() not in before.values()


def test_recordings_of_one_folder_become_files_of_one_folder(tmp_path: Path) -> None:
    files = [tmp_path / "one" / name for name in ("a.wav", "b.wav")]
    jobs = batch_plan.plan(files, tmp_path / "out", None).jobs
    assert [job.output for job in jobs] == [tmp_path / "out" / f"{name}.jsonl" for name in "ab"]


def test_changed_settings_make_outputs_again(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    audio = write_noise(tmp_path / "in" / "a.wav")
    out = tmp_path / "out"
    preset = tmp_path / "own.json"
    preset.write_text(PRESET)
    model = tmp_path / "model.onnx"
    model.write_bytes(tiny_models[30].read_bytes())

    def animated(*options: str | Path) -> bool:
        chosen = ["--format", "npz", *([] if "--model" in options else ["--model", model])]
        stderr = animate(audio.parent, "-o", out, *chosen, *options).stderr
        assert ("1 recording animated" in stderr) != ("1 up to date" in stderr)
        return "1 recording animated" in stderr

    for options in (
        [],
        ["--preset", "subtle"],
        ["--retarget", "vrm1"],
        ["--channel", "1"],
        ["--model", tiny_models[60]],
        ["--preset", preset],
    ):
        assert animated(*options), options
        assert not animated(*options), options
    preset.write_text(PRESET.replace("{}", '{"saccades": 0}'))
    assert animated("--preset", preset)
    assert not animated("--preset", preset)
    state = audio.stat()
    write_noise(audio, seed=5)  # Another recording of the same size, which is not newer.
    os.utime(audio, ns=(state.st_mtime_ns, state.st_mtime_ns - 10**12))
    assert animated("--preset", preset)
    model.write_bytes(tiny_models[60].read_bytes())
    assert animated("--preset", preset)
    (out / "a.npz").unlink()
    assert animated("--preset", preset)


def test_changed_rig_makes_outputs_again(tmp_path: Path) -> None:
    rig = tmp_path / "rig.glb"
    settings = batch_settings.Settings(rig=rig)
    rig.write_bytes(b"1")
    before = settings_fingerprint(settings)
    assert settings_fingerprint(settings) == before
    rig.write_bytes(b"2")
    assert settings_fingerprint(settings) != before


def test_interrupted_record_is_read_to_its_last_complete_line(
    tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    out = tmp_path / "out"
    for name in "abc":
        write_noise(tmp_path / "in" / f"{name}.wav")
    arguments = [tmp_path / "in", "-o", out, "--model", tiny_models[30]]
    animate(*arguments)
    record = out / RECORD_NAME
    record.write_bytes(record.read_bytes()[:-20])
    assert "1 recording animated, 2 up to date" in animate(*arguments).stderr
    assert "0 recordings animated, 3 up to date" in animate(*arguments).stderr


def test_name_at_the_limit_fails_alone(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    long_name = "a" * 251 + ".wav"
    write_noise(tmp_path / "in" / long_name)
    write_noise(tmp_path / "in" / "b.wav")
    arguments = [tmp_path / "in", "-o", tmp_path / "out", "--model", tiny_models[30]]
    for preset in ([], ["--preset", tmp_path / "in" / "own.json"]):
        (tmp_path / "in" / "own.json").write_text(PRESET)
        result = animate(*arguments, *preset)
        assert result.return_value == 1
        assert "1 recording animated, 0 up to date, 1 failed" in result.stderr
        assert "name is too long" in result.stderr
        assert made(tmp_path / "out") == ["b.jsonl"]


@pytest.mark.parametrize("ending", ["", "/"])
def test_folder_is_an_output_of_one_recording(
    tmp_path: Path, tiny_models: dict[int, Path], ending: str
) -> None:
    audio = write_noise(tmp_path / "one" / "a.wav")
    out = tmp_path / "out"
    if not ending:
        out.mkdir()
    result = animate(audio, "-o", f"{out}{ending}", "--model", tiny_models[30])
    assert result.return_value == 0
    assert made(out) == ["a.jsonl"]


def test_damaged_recording_is_written_and_reported_every_time(
    tmp_path: Path, tiny_models: dict[int, Path]
) -> None:
    audio = write_noise(tmp_path / "in" / "a.wav")
    audio.write_bytes(audio.read_bytes()[:4044])
    for _ in range(2):
        result = animate(audio.parent, "-o", tmp_path / "out", "--model", tiny_models[30])
        assert result.return_value == 1
        assert "1 recording animated, 0 up to date, 0 failed, 1 with missing" in result.stderr
        assert result.stderr.count("a.wav") == 1
        assert len(read_jsonl(tmp_path / "out" / "a.jsonl")) == 4
    single = animate(audio, "-o", tmp_path / "b.jsonl", "--model", tiny_models[30])
    assert single.return_value == 1
    assert "0.12 of 0.25 s" in single.stderr
    assert len(read_jsonl(tmp_path / "b.jsonl")) == 4


@pytest.mark.parametrize("is_folder", [False, True])
def test_every_channel_gets_its_output(
    tmp_path: Path, tiny_models: dict[int, Path], is_folder: bool
) -> None:
    audio = write_noise(tmp_path / "in" / "a.wav", channels=2)
    out = tmp_path / "out"
    out.mkdir()
    arguments = ["--model", tiny_models[30], "--channel"]
    source, target = (audio.parent, out) if is_folder else (audio, out / "a.jsonl")
    result = animate(source, "-o", target, *arguments, "all")
    assert result.return_value == 0
    assert made(out) == ["a.channel1.jsonl", "a.channel2.jsonl"]
    channels = [(out / name).read_bytes() for name in made(out)]
    assert channels[0] != channels[1]
    for name, content in zip(("left", "right"), channels, strict=True):
        single = tmp_path / f"{name}.jsonl"
        assert animate(audio, "-o", single, *arguments, name).return_value == 0
        assert single.read_bytes() == content
    refused = animate(audio, "-o", tmp_path / "c.jsonl", *arguments, "3")
    assert isinstance(refused.exception, AudioError)
    assert refused.exception.code == "unknown_channel"


def test_standard_input_is_animated(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    audio = write_noise(tmp_path / "a.wav")
    samples, _ = soundfile.read(audio, dtype="int16")
    model = ["--model", tiny_models[30]]
    animate(audio, "-o", tmp_path / "a.jsonl", *model)
    inputs = {"": audio.read_bytes(), "16000": samples.tobytes()}
    for number, (raw, data) in enumerate(inputs.items()):
        options = ["--raw", raw] if raw else []
        out = tmp_path / f"{number}.jsonl"
        arguments = [str(one) for one in ("-", "-o", out, *model, *options)]
        result = CliRunner().invoke(command, arguments, input=data, standalone_mode=False)
        assert result.return_value == 0
        assert out.read_bytes() == (tmp_path / "a.jsonl").read_bytes()
    broken = CliRunner().invoke(
        command, ["-", "-o", str(tmp_path / "x.jsonl")], input=b"{}", standalone_mode=False
    )
    assert isinstance(broken.exception, AudioError)
    assert "standard input" in str(broken.exception)
    assert isinstance(animate("-", audio, "-o", tmp_path / "out").exception, DataError)
