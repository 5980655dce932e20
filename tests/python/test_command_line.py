"""`koemorph animate`, `info`, `doctor` and `--help` as separate processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile

from koemorph.blendshapes import BLENDSHAPES
from koemorph.cli import COMMANDS, cli
from koemorph.model import MODELS, Model


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from koemorph.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def assert_rejected(result: subprocess.CompletedProcess[str], *values: str) -> None:
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    message = " ".join(result.stderr.split())
    assert message.endswith("."), message
    for value in values:
        assert value in message


@pytest.mark.parametrize("fps", [30, 60])
def test_animate_writes_all_frames(
    tmp_path: Path, tiny_models: dict[int, Path], speech: Path, fps: int
) -> None:
    out = tmp_path / "face.jsonl"
    result = run("animate", speech, "-o", out, "--fps", str(fps), "--model", tiny_models[fps])
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    report = result.stdout.split()
    assert {str(out) + ":", str(len(lines)), str(fps)} <= set(report), report
    assert len(lines) == round(soundfile.info(speech).duration * fps)
    for index, line in enumerate(lines):
        assert line["frame_index"] == index
        assert line["timestamp"] == pytest.approx(index / fps, abs=1e-9)
        assert len(line["blendshapes"]) == 52
    seconds, frame = divmod(len(lines) - 1, fps)
    assert lines[-1]["timecode"] == f"00:00:{seconds:02}:{frame:02}"


@pytest.mark.parametrize("name", ["face.anim", "face.npz", "face.json"])
def test_all_settings_affect_the_file(
    tmp_path: Path, tiny_models: dict[int, Path], speech: Path, name: str
) -> None:
    settings = ("--preset", "expressive", "--retarget", "vrm1", "--node", "Head/Face")
    result = run("animate", speech, "-o", tmp_path / name, *settings, "--model", tiny_models[30])
    assert result.returncode == 0, result.stderr
    written = (tmp_path / name).read_bytes()
    model = Model(tiny_models[30])
    animation = model.animate(speech, preset="expressive", retarget="vrm1")
    animation.save(tmp_path / name, node="Head/Face")
    assert written == (tmp_path / name).read_bytes()
    for other in (model.animate(speech, preset="expressive"), model.animate(speech)):
        assert other.names != animation.names
    usual = model.animate(speech, retarget="vrm1")
    assert np.abs(usual.weights - animation.weights).max() > 0.01


def test_dash_writes_to_standard_output(tiny_models: dict[int, Path], speech: Path) -> None:
    result = run("animate", speech, "-o", "-", "--model", tiny_models[30])
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == round(soundfile.info(speech).duration * 30)
    for options, words in (
        (["--format", "csv"], "jsonl"),
        (["--retarget", "vrm1"], "52"),
    ):
        result = run("animate", speech, "-o", "-", "--model", tiny_models[30], *options)
        assert_rejected(result, words)


def test_unusual_sample_rates_and_channels(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    rng = np.random.default_rng(0)
    for rate, channels in ((8000, 7), (192000, 1), (22051, 2)):
        path = tmp_path / f"{rate}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal((rate // 2, channels)), rate)
        out = tmp_path / "out.jsonl"
        result = run("animate", path, "-o", out, "--model", tiny_models[30])
        assert result.returncode == 0, result.stderr
        assert len(out.read_text().splitlines()) == 15


def test_nan_and_inf_become_silence(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    samples = np.zeros(16000, np.float32)
    samples[:10] = np.nan
    samples[50:60] = np.inf
    path = tmp_path / "nan.wav"
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    result = run("animate", path, "-o", "-", "--model", tiny_models[30])
    assert result.returncode == 0
    values = [json.loads(line)["blendshapes"] for line in result.stdout.splitlines()]
    assert np.isfinite(values).all()


def test_invalid_recordings_are_rejected(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is no sound")
    empty = tmp_path / "empty.wav"
    soundfile.write(empty, np.zeros(0), 16000)
    one = tmp_path / "one.wav"
    soundfile.write(one, np.zeros(1), 16000)
    sound = np.random.default_rng(0).normal(0, 0.1, 48000)
    raw = tmp_path / "samples.raw"
    raw.write_bytes(sound.astype("<i2").tobytes())
    wide = tmp_path / "wide.wav"
    soundfile.write(wide, np.zeros((1600, 65)), 16000)
    slow = tmp_path / "slow.wav"
    soundfile.write(slow, np.zeros(4000), 4000)
    out = tmp_path / "out.jsonl"
    cases = {
        tmp_path / "missing.wav": "does not exist",
        tmp_path: "is a folder",
        text: "as audio",
        empty: "no samples",
        one: "0.1 ms",
        raw: "96000 zero bytes",
        slow: "4000 Hz",
        wide: "65, at most 64",
    }
    for path, words in cases.items():
        assert_rejected(run("animate", path, "-o", out, "--model", tiny_models[30]), words)
        assert not out.exists()
    if os.name != "nt":
        assert_rejected(run("animate", os.devnull, "-o", out), "is a pipe or a device")


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_file_names_need_not_be_utf8(
    tmp_path: Path, tiny_models: dict[int, Path], speech: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"v\xff.wav")
    missing = run("animate", odd, "-o", "-", errors="surrogateescape")
    assert_rejected(missing, "v\\udcff.wav: it does not exist")
    odd.write_bytes(speech.read_bytes())
    strict = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}  # as in most languages' locales
    arguments = ["preview", odd, "--model", tiny_models[30]]
    result = run(*arguments, errors="surrogateescape", env=strict)
    assert result.returncode == 0, result.stderr
    assert "v\udcff.html (" in result.stdout
    assert odd.with_suffix(".html").is_file()


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_model_path_must_be_utf8(tmp_path: Path) -> None:
    result = run("info", tmp_path / os.fsdecode(b"m\xff.onnx"), errors="surrogateescape")
    assert_rejected(result, "m\\udcff.onnx: its path is not valid UTF-8")


def test_invalid_models_are_rejected(
    tmp_path: Path, tiny_models: dict[int, Path], speech: Path
) -> None:
    foreign = tmp_path / "foreign.onnx"
    foreign.write_bytes(b"not a model")
    out = tmp_path / "out.jsonl"
    for arguments, words in (
        (["--model", tmp_path / "missing.onnx"], "missing.onnx"),
        (["--model", foreign], "not a model"),
        (["--model", tiny_models[30], "--fps", "60"], "30 fps"),
    ):
        assert_rejected(run("animate", speech, "-o", out, *arguments), words)
        assert not out.exists()


def test_invalid_outputs_are_rejected(
    tmp_path: Path, tiny_models: dict[int, Path], speech: Path
) -> None:
    model = ["--model", tiny_models[30]]
    nowhere = tmp_path / "none" / "face.jsonl"
    assert_rejected(run("animate", speech, "-o", nowhere, *model), "does not exist")
    odd = tmp_path / "face.doc"
    assert_rejected(run("animate", speech, "-o", odd, *model), "format")
    # The output is checked before the recording.
    unread = run("animate", tmp_path / "missing.wav", "-o", nowhere, *model)
    assert_rejected(unread, "none does not exist")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() != 0:  # root may write anywhere
        assert_rejected(run("animate", speech, "-o", locked / "f.jsonl", *model), "locked")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locked"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["animate", "A", "-o", "A", "--format", "jsonl"],
        ["preview", "A", "-o", "A"],
        ["live", "--wav", "A", "--jsonl", "A"],
        ["animate", "voice.wav", "--rig", "A", "-o", "A", "--format", "glb"],
        ["animate", "voice.wav", "--retarget", "A", "-o", "A", "--format", "json"],
        ["animate", "voice.wav", "--preset", "A", "-o", "A", "--format", "csv"],
        ["animate", "voice.wav", "voice.wav", "--preset", "A", "-o", ".", "--format", "json"],
        ["retarget", "A", "--map", "vrm1", "-o", "A", "--format", "json"],
        ["retarget", "face.jsonl", "--map", "A", "-o", "A", "--format", "json"],
        ["retarget", "face.jsonl", "--rig", "A", "-o", "A", "--format", "glb"],
    ],
)
def test_output_must_not_be_an_input(tmp_path: Path, speech: Path, arguments: list[str]) -> None:
    (tmp_path / "voice.wav").write_bytes(speech.read_bytes())
    source = tmp_path / "voice.json"
    source.write_bytes(speech.read_bytes())
    words = (str(source) if word == "A" else word for word in arguments)
    assert_rejected(run(*words, cwd=tmp_path), "same file as the input")
    assert source.read_bytes() == speech.read_bytes()


def test_info_prints_the_metadata(tiny_models: dict[int, Path]) -> None:
    result = run("info", tiny_models[30], env=os.environ | {"COLUMNS": "2000"})
    assert result.returncode == 0, result.stderr
    for words in ("lookahead_frames", "eGeMAPSv02", "mel_window"):
        assert words in result.stdout


def test_info_folds_long_values(tiny_models: dict[int, Path]) -> None:
    narrow = run("info", tiny_models[30], env=os.environ | {"COLUMNS": "60"}).stdout
    values = "".join(line.partition("│")[2].strip() for line in narrow.splitlines())
    assert ",".join(BLENDSHAPES) in values


def test_output_in_a_limited_encoding(tmp_path: Path) -> None:
    western = os.environ | {"PYTHONIOENCODING": "cp1252"}  # a pipe on Windows
    result = run("doctor", "--model", tmp_path / "[no].onnx", env=western, encoding="cp1252")
    assert result.returncode == 1, result.stderr
    words = result.stdout.split()
    assert {"ok", "bad", "numpy"} <= set(words)
    assert "[no].onnx" in "".join(words)


def test_info_lists_the_bundled_models() -> None:
    result = run("info")
    assert result.returncode == 0, result.stderr
    names = [line.split()[0] for line in result.stdout.splitlines()[2:]]
    assert names == sorted(path.stem.removeprefix("koemorph-") for path in MODELS.glob("*.onnx"))
    assert {"30", "60"} <= set(names)


def test_fps_option_selects_the_bundled_model(tmp_path: Path, speech: Path) -> None:
    out = tmp_path / "face.npz"
    assert run("animate", speech, "-o", out, "--fps", "60").returncode == 0
    with np.load(out) as written:
        assert written["fps"] == 60
        np.testing.assert_array_equal(written["weights"], Model("60").animate(speech).weights)


def test_unknown_model_name_is_rejected(speech: Path) -> None:
    result = run("animate", speech, "-o", "-", "--model", "30-nothing")
    assert_rejected(result, 'Model "30-nothing"', "30, 30-fast")


def test_model_name_takes_precedence_over_a_file(
    tiny_models: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "30").write_bytes(tiny_models[30].read_bytes())
    monkeypatch.chdir(tmp_path)
    assert Model("30").metadata()["name"] == "koemorph-30"
    assert Model(tmp_path / "30").metadata()["name"] == "tiny"


def undescribed(command: click.Command, name: str) -> list[str]:
    """Return the options of a command and its subcommands that have no help."""
    found = [
        f"{name} {option.opts[0]}"
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            inner = command.get_command(context, below)
            assert inner is not None
            found += undescribed(inner, f"{name} {below}")
    return found


def test_every_option_has_help() -> None:
    assert undescribed(cli, "koemorph") == []


def test_help_lists_all_commands_without_extras() -> None:
    absent = ("aiohttp", "hydra", "pandas", "pythonosc", "sounddevice", "torch")
    code = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1].split(',')))\n"
    code += "from koemorph.cli import main; main(['--help'])"
    command = [sys.executable, "-c", code, ",".join(absent)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith("  ")]
    summaries = {row[0]: row[1:] for row in rows}
    assert set(COMMANDS) <= set(summaries)
    assert all(summaries[name] for name in COMMANDS)


@pytest.mark.parametrize("arguments", [["nonsense"], ["animate"], ["animate", "--fps", "31"]])
def test_invalid_arguments_print_the_usage(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "Usage" in result.stderr
