"""The preview command and the content of its page."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import preview_rigs as rigs
import pytest
import soundfile
from chromium import Wait, show
from click.testing import CliRunner

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.cli.preview import command
from koemorph.errors import DataError, KoemorphError, OutputError
from koemorph.model import Model
from koemorph.preview import Take, build_page
from koemorph.preview import sound as sounds


def test_the_command_writes_an_offline_page(
    tmp_path: Path, speech: Path, tiny_models: dict[int, Path]
) -> None:
    target = tmp_path / "page.html"
    args = [str(speech), "-o", str(target), "--model", str(tiny_models[30])]
    result = CliRunner().invoke(command, args, catch_exceptions=False)
    assert result.exit_code == 0
    html = target.read_text("utf-8")
    assert not re.search(r"(?:src|href)=[\"']?(?!data:)\w+:", html), (
        "the page loads from the network"
    )
    assert len(html) < 1_000_000


def test_a_take_with_gaps_is_resampled_in_time(talking: Animation) -> None:
    captured = np.r_[12:25, 50:60]  # tracking was lost for most of a second
    capture = Animation(talking.times[captured], talking.weights[captured], BLENDSHAPES, 30)
    page = build_page([Take("x", capture)], "x")
    found = re.search('id="data">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    assert data["duration"] == pytest.approx(2)
    values = gzip.decompress(base64.b64decode(data["takes"][0]["track"]["values"]))
    jaw = np.frombuffer(values, np.uint8).reshape(-1, 52)[:, INDEX["jawOpen"]] / 255
    expected = np.interp(talking.times, capture.times, capture["jawOpen"])
    np.testing.assert_allclose(jaw, expected, atol=1 / 255)
    with pytest.raises(DataError) as caught:
        build_page([Take("x", Animation(np.zeros(0), np.zeros((0, 52), np.float32)))], "x")
    assert caught.value.code == "no_frames"


def test_samples_that_are_not_finite_become_silence(tmp_path: Path) -> None:
    samples = np.full((16000, 2), 0.25, np.float32)
    samples[100:200, 0] = np.nan
    samples[200:300] = np.inf, -np.inf
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    sound = sounds.read(tmp_path / "nan.wav")
    expected = np.full(16000, 0.25)
    expected[100:200], expected[200:300] = 0.125, 0
    np.testing.assert_allclose(sound.samples, expected)
    assert sounds.encode_mp3(sound)


def test_all_options_reach_the_page(
    tmp_path: Path, talking: Animation, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: list[Any] = []
    opened: list[str] = []
    monkeypatch.setattr(
        "koemorph.preview.build_page",
        lambda *args, edits: arguments.extend([*args, edits]) or "page",
    )
    # The rig is checked in test_rigs.py.
    monkeypatch.setattr("koemorph.cli.preview.choose_rig_map", lambda rig, retarget: retarget)
    (tmp_path / "edits.csv").write_text("start,end,target,operation,value\n0,1,jawOpen,set,1\n")
    monkeypatch.setattr("webbrowser.open", opened.append)
    (tmp_path / "take").mkdir()
    talking.save(tmp_path / "take" / "blendshapes.jsonl")
    still = Animation(talking.times, 0 * talking.weights)
    still.save(tmp_path / "still.jsonl")
    options = ["--audio", tone, "--compare", tmp_path / "take", "--rig", tmp_path / "hero.glb"]
    options += ["--retarget", "vrm1", "--compare", f"ground truth={tmp_path / 'take'}", "--open"]
    options += ["--edits", tmp_path / "edits.csv"]
    args = [str(part) for part in (tmp_path / "still.jsonl", *options)]
    assert CliRunner().invoke(command, args, catch_exceptions=False).exit_code == 0
    takes, title, sound, rig, retarget, edits = arguments
    assert [edit.target for edit in edits] == ["jawOpen"]
    assert [take.label for take in takes] == ["still", "take", "ground truth"]
    jaws = [take.animation["jawOpen"].max() for take in takes]
    assert jaws == pytest.approx([0, 0.8, 0.8])
    assert (title, sound.duration, rig) == ("still", 2, tmp_path / "hero.glb")
    assert "aa" in retarget.names
    assert opened == [(tmp_path / "still.html").as_uri()]


def test_presets_are_compared_by_name(
    tmp_path: Path, speech: Path, open_browser, wait_until: Wait
) -> None:
    target = tmp_path / "page.html"
    options = ["--preset", "raw", "--preset", "expressive", "--compare", f"default={speech}"]
    result = CliRunner().invoke(command, [str(speech), "-o", str(target), *options])
    assert result.exit_code == 0, result.output
    page, errors = show(open_browser, wait_until, target)
    assert page.locator("#labels span").all_inner_texts() == ["raw", "expressive", "default"]
    jaw = "koemorph.takes.map((t) => t.faceWeights.jawOpen)"
    raw, expressive, default = page.evaluate(f"(koemorph.show(1.6), {jaw})")
    expected = {name: Model().animate(speech, preset=name) for name in ("raw", "expressive", None)}
    jaws = [expected[name]["jawOpen"][48] for name in ("raw", "expressive", None)]
    assert [raw, expressive, default] == pytest.approx(jaws, abs=0.02)
    page.click('[data-take="1"]')
    assert page.locator("#labels span").count() == 0
    assert errors == []


def test_an_existing_page_is_kept_without_overwrite(tmp_path: Path, talking: Animation) -> None:
    talking.save(tmp_path / "take.jsonl")
    (tmp_path / "take.html").write_text("earlier")
    arguments = [str(tmp_path / "take.jsonl")]
    with pytest.raises(OutputError) as caught:
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert caught.value.code == "file_exists"
    assert (tmp_path / "take.html").read_text() == "earlier"
    assert CliRunner().invoke(command, [*arguments, "--overwrite"]).exit_code == 0
    assert (tmp_path / "take.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--retarget", "vrm1"], "retarget_without_rig"),
        (["--preset", "raw"], "preset_without_audio"),
    ],
)
def test_options_that_need_another_input_are_rejected(
    tmp_path: Path, talking: Animation, options: list[str], code: str
) -> None:
    talking.save(tmp_path / "take.jsonl")
    with pytest.raises(DataError) as caught:
        CliRunner().invoke(
            command, [str(tmp_path / "take.jsonl"), *options], catch_exceptions=False
        )
    assert caught.value.code == code


@pytest.mark.parametrize("extension", ["jsonl", "csv", "npz", "json", "anim", "glb"])
def test_every_format_of_animate_is_previewed(
    tmp_path: Path, talking: Animation, extension: str
) -> None:
    talking.save(tmp_path / f"take.{extension}", rig=rigs.two_materials(tmp_path / "rig.glb"))
    arguments = [str(tmp_path / f"take.{extension}")]
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    html = (tmp_path / "take.html").read_text("utf-8")
    found = re.search('id="data">(.*?)</script>', html)
    assert found is not None
    data = json.loads(found[1])
    assert (data["rig"] is not None) == (extension == "glb")
    track = data["takes"][0]["track"]
    jaw = np.frombuffer(gzip.decompress(base64.b64decode(track["values"])), np.uint8)
    jaw = jaw.reshape(-1, 52)[:, INDEX["jawOpen"]] / 255
    np.testing.assert_allclose(jaw[[0, 29, 30, 59]], [0, 0, 0.8, 0.8], atol=0.01)


@pytest.mark.parametrize("sound", ["audio.wav", "blendshapes.wav"])
def test_the_command_finds_the_audio_beside_an_animation(
    tmp_path: Path, talking: Animation, sound: str
) -> None:
    talking.save(tmp_path / "blendshapes.jsonl")
    soundfile.write(tmp_path / sound, np.zeros(32000), 16000)
    result = CliRunner().invoke(command, [str(tmp_path / "blendshapes.jsonl")])
    assert result.exit_code == 0
    assert '"audio":null' not in (tmp_path / "blendshapes.html").read_text("utf-8")


def test_audio_shorter_than_a_frame_is_accepted(tmp_path: Path, talking: Animation) -> None:
    talking.save(tmp_path / "take.jsonl")
    soundfile.write(tmp_path / "take.wav", np.zeros(100), 16000)
    result = CliRunner().invoke(command, [str(tmp_path / "take.jsonl")], catch_exceptions=False)
    assert result.exit_code == 0


def test_audio_that_is_too_long_is_rejected_before_decoding(
    tmp_path: Path, talking: Animation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "read", None)
    talking.save(tmp_path / "take.jsonl")
    soundfile.write(tmp_path / "take.wav", np.zeros(8000 * 60 * 21, np.int16), 8000)
    for source in ("take.jsonl", "take.wav"):
        with pytest.raises(DataError, match="21 minutes, at most 20") as caught:
            CliRunner().invoke(command, [str(tmp_path / source)], catch_exceptions=False)
        assert caught.value.code == "too_long"


@pytest.mark.parametrize("source", [".", "missing.jsonl"])
def test_an_input_that_is_no_file_is_rejected(tmp_path: Path, source: str) -> None:
    with pytest.raises(KoemorphError, match=re.escape(source)):
        CliRunner().invoke(
            command, [source, "-o", str(tmp_path / "x.html")], catch_exceptions=False
        )


def test_curves_without_a_rig_and_a_missing_rig_are_rejected(
    tmp_path: Path, talking: Animation
) -> None:
    other = Animation(talking.times, talking.weights[:, :1], ("A",), 30)
    with pytest.raises(DataError) as caught:
        build_page([Take("x", other)], "x")
    assert caught.value.code == "not_arkit52"
    with pytest.raises(OutputError) as missing:
        build_page([Take("x", talking)], "x", rig=tmp_path / "missing.glb")
    assert missing.value.code == "rig_missing"
