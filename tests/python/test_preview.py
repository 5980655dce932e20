"""The preview page in headless Chromium, offline, and the preview command."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    pass

MOUTH = """(at) => {
  const k = window.koemorph, canvas = k.stage.face;
  k.show(at);
  const w = canvas.width, h = canvas.height;
  const pixels = canvas.getContext("2d").getImageData(w * 0.45, h * 0.5, w * 0.1, h * 0.2).data;
  let dark = 0;
  for (let i = 0; i < pixels.length; i += 4) dark += pixels[i] < 100;
  return dark;
}"""

FRAMES_DRAWN = """async (seek) => {
  const { player, stage } = window.koemorph, draw = stage.drawFaces;
  const frame = () => new Promise(requestAnimationFrame);
  let drawn = 0;
  stage.drawFaces = (...args) => { drawn++; draw.apply(stage, args); };
  if (seek !== null) await player.seek(seek);
  for (let k = 0; k < 5; k++) await frame();
  stage.drawFaces = draw;
  return drawn;
}"""
# Shares of the screen's resolution that are drawn while frames take this many milliseconds.
QUALITY = """() => {
  const windows = (quality, count, pace) => {
    for (let k = 0; k < count * WINDOW; k++) {
      now += pace(quality.share);
      quality.frame(true, 0.5);
    }
    return quality.share;
  };
  let now = 0;
  performance.now = () => now;
  const heavy = new Quality(), screen = new Quality();
  return {
    light: windows(heavy, 10, () => 16.7),
    heavy: windows(heavy, 10, (share) => 60 * share),
    lightAgain: windows(heavy, 60, () => 16.7),
    slowScreen: [1, 2].map(() => windows(screen, 3, () => 33.3)),
  };
}"""


# How many audio sources start, and whether one plays, when Play is pressed this many times before
# the audio device is ready.
PRESSES = """async (times) => {
  const { player } = window.koemorph, start = AudioBufferSourceNode.prototype.start;
  const resume = player.context.resume;
  let started = 0, open;
  const ready = new Promise((done) => (open = done));
  player.context.resume = () => ready.then(() => resume.call(player.context));
  AudioBufferSourceNode.prototype.start = function (...args) {
    started++;
    start.apply(this, args);
  };
  for (let k = 0; k < times; k++) {
    document.getElementById("play").click();
    await new Promise((done) => setTimeout(done));
  }
  open();
  await player.context.resume();
  await new Promise((done) => setTimeout(done));
  AudioBufferSourceNode.prototype.start = start;
  delete player.context.resume;
  const playing = player.playing;
  player.pause();
  return [started, playing];
}"""


def test_the_face_follows_the_audio(
    tmp_path: Path, talking: Animation, tone: Path, open_browser, wait_until: Wait
) -> None:
    capture = Animation(talking.times, talking.weights * 0.5, BLENDSHAPES, 30)
    title = '</script><b>"{{data}}" 声'
    html = build_page([Take("a", talking), Take("b", capture)], title, sounds.read(tone))
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    assert page.text_content("#title") == title
    # The page compensates the codec's delay.
    wait_until(page, "!!koemorph.player.buffer")
    begins = page.evaluate(
        "(() => { const b = koemorph.player.buffer, x = b.getChannelData(0);"
        " return x.findIndex((v) => Math.abs(v) > 0.1) / b.sampleRate; })()"
    )
    assert begins == pytest.approx(1.0, abs=0.012)
    page.click('[data-take="0"]')
    assert page.evaluate(f"({MOUTH})(0.5)") == 0
    assert page.evaluate(f"({MOUTH})(1.5)") > 300
    page.evaluate("koemorph.player.seek(0.9)")
    page.keyboard.press("Space")
    wait_until(page, "koemorph.player.time() > 1.2")
    assert page.evaluate("koemorph.weights.jawOpen") == pytest.approx(0.8, abs=0.01)
    page.click('.row[data-name="mouthClose"]')
    assert page.get_attribute('.row[data-name="mouthClose"]', "aria-pressed") == "true"
    wait_until(page, "!koemorph.player.playing")
    page.click('[data-take="all"]')
    assert errors == []


def test_keys_and_buttons_start_one_audio_source(
    tmp_path: Path, talking: Animation, tone: Path, open_browser, wait_until: Wait
) -> None:
    (tmp_path / "page.html").write_text(
        build_page([Take("x", talking)], "x", sounds.read(tone)), "utf-8"
    )
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    wait_until(page, "!!koemorph.player.buffer")
    assert page.evaluate(PRESSES, 3) == [1, True]
    assert page.evaluate(PRESSES, 2) == [0, False]
    page.evaluate("koemorph.player.seek(0)")
    # Space plays after a click on any element, and once while it is held.
    row = '.row[data-name="mouthFunnel"]'
    page.click(row)
    page.evaluate("addEventListener('keyup', (e) => (window.pressesButton = !e.defaultPrevented))")
    page.keyboard.down("Space")
    page.keyboard.down("Space")
    page.keyboard.up("Space")
    wait_until(page, "koemorph.player.time() > 1")  # or has ended meanwhile
    assert page.get_attribute(row, "aria-pressed") == "true"
    assert not page.evaluate("pressesButton")  # as Firefox does on release
    page.evaluate("koemorph.player.pause(), koemorph.player.seek(1)")
    page.keyboard.press("Alt+ArrowLeft")  # a shortcut of the browser
    assert page.evaluate("koemorph.player.time()") == 1
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("koemorph.player.time()") == pytest.approx(1 - 1 / 30)
    # Space presses a button that was focused with Tab.
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.get_attribute('.row[data-name="mouthPucker"]', "aria-pressed") == "true"
    assert not page.evaluate("koemorph.player.playing || koemorph.player.starting")
    assert errors == []


def test_a_page_in_an_empty_frame_draws_once_it_has_a_size(
    tmp_path: Path, talking: Animation, open_browser, wait_until: Wait
) -> None:
    (tmp_path / "page.html").write_text(build_page([Take("x", talking)], "x"), "utf-8")
    (tmp_path / "frame.html").write_text('<iframe width="0" height="0" src="page.html"></iframe>')
    page = open_browser().new_page()
    page.goto((tmp_path / "frame.html").as_uri())
    page.wait_for_function("frames.length === 1")
    inner = page.frames[1]
    wait_until(inner, "!!window.koemorph?.ready")
    page.wait_for_timeout(200)
    page.evaluate("Object.assign(document.querySelector('iframe'), { width: 800, height: 600 })")
    wait_until(inner, "koemorph.drawn > 30")


def test_the_page_draws_changes_only_and_adapts_its_resolution(
    tmp_path: Path, talking: Animation, open_browser, wait_until: Wait
) -> None:
    (tmp_path / "page.html").write_text(build_page([Take("x", talking)], "x"), encoding="utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    assert page.evaluate(FRAMES_DRAWN, None) == 0
    assert page.evaluate(FRAMES_DRAWN, 1.5) == 1
    shares = page.evaluate(QUALITY)
    assert shares["light"] == 1
    assert shares["heavy"] == pytest.approx(0.5, abs=0.02)
    assert shares["lightAgain"] == 1
    assert shares["slowScreen"] == [1, 1]  # a lower resolution would not be faster
    assert errors == []


def test_the_page_fits_a_phone(
    tmp_path: Path, talking: Animation, open_browser, wait_until: Wait
) -> None:
    path = tmp_path / "page.html"
    takes = [Take("neutral", talking), Take("lively", talking)]
    path.write_text(build_page(takes, "a rather long name of a take"), "utf-8")
    page, _ = show(open_browser, wait_until, path)
    page.set_viewport_size({"width": 390, "height": 844})
    for shown in ("[data-take=all]", "[data-name=jawForward]", "#start", "#play", "#timeline"):
        box = page.locator(shown).bounding_box()
        assert box is not None, f"{shown} is not visible"
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, shown
        assert box["y"] + box["height"] <= 844, shown
    # In landscape the stage is low: the start button is beside the face.
    page.set_viewport_size({"width": 844, "height": 390})
    stage, start = (page.locator(shown).bounding_box() for shown in (".stage", "#start"))
    assert stage is not None
    assert start is not None
    assert start["x"] > stage["x"] + 0.6 * stage["width"]


def test_morph_targets_move_the_rig(
    tmp_path: Path, talking: Animation, shared_data: Path, open_browser, wait_until: Wait
) -> None:
    rig = shared_data / "rigs" / "ict_face52.glb"
    (tmp_path / "page.html").write_text(
        build_page([Take("rig", talking)], "rig", rig=rig), encoding="utf-8"
    )
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    moved = page.evaluate(
        "(() => { const r = koemorph.stage.rig, far = [0, 1.5].map((t) => {"
        " koemorph.show(t); r.morph(koemorph.takes[0].rigWeights);"
        " return r.moved.reduce((most, v, i) => Math.max(most, Math.abs(v - r.rest[i])), 0); });"
        " return far; })()"
    )
    assert moved[0] == 0
    # As far as the rig's jawOpen, relative to the page's head size.
    from koemorph.outputs import rig as rig_files
    from koemorph.outputs.gltf_read import Reader
    from koemorph.preview.mesh import pack

    info, _ = pack(rig)
    gltf = rig_files.load(rig)
    surface = Reader(gltf).surface(0, 0)
    delta = surface.deltas[rig_files.target_names(gltf, 0).index("jawOpen")]
    scale = next(t for t in info["targets"] if t["name"] == "jawOpen")["scale"]
    assert INDEX["jawOpen"] == 17
    assert moved[1] == pytest.approx(0.8 * scale, rel=0.01)
    half = np.abs(delta).max() / scale
    assert half == pytest.approx(np.ptp(surface.positions[:, 1]) / 2, rel=0.5)
    assert errors == []


def test_without_webgl_the_drawn_face_replaces_the_rig(
    tmp_path: Path, talking: Animation, shared_data: Path, open_browser, wait_until: Wait
) -> None:
    rig = shared_data / "rigs" / "ict_face52.glb"
    html = build_page([Take("rig", talking)], "rig", rig=rig)
    broken = "<script>HTMLCanvasElement.prototype.getContext = ((was) => function (kind, ...more) {"
    broken += "return kind === '2d' ? was.call(this, kind, ...more) : null;"
    broken += "})(HTMLCanvasElement.prototype.getContext)</script>"
    (tmp_path / "page.html").write_text(html.replace("<body", f"{broken}<body"), "utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    assert "no WebGL 2" in (page.text_content("#status") or "")
    assert page.locator("#face").is_visible()
    assert not page.locator("#rig").is_visible()
    assert page.locator("#cameras button").count() == 0
    assert errors == []


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
    seen = np.r_[12:25, 50:60]  # tracking was lost for most of a second
    capture = Animation(talking.times[seen], talking.weights[seen], BLENDSHAPES, 30)
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
    given: list[Any] = []
    opened: list[str] = []
    monkeypatch.setattr("koemorph.preview.build_page", lambda *args: given.extend(args) or "page")
    monkeypatch.setattr("webbrowser.open", opened.append)
    (tmp_path / "take").mkdir()
    talking.save(tmp_path / "take" / "blendshapes.jsonl")
    still = Animation(talking.times, 0 * talking.weights)
    still.save(tmp_path / "still.jsonl")
    options = ["--audio", tone, "--compare", tmp_path / "take", "--rig", tmp_path / "hero.glb"]
    options += ["--retarget", "vrm1", "--compare", f"ground truth={tmp_path / 'take'}", "--open"]
    arguments = [str(part) for part in (tmp_path / "still.jsonl", *options)]
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    takes, title, sound, rig, retarget = given
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
    options = ["--preset", "raw", "--preset", "expressive", "--compare", f"again={speech}"]
    result = CliRunner().invoke(command, [str(speech), "-o", str(target), *options])
    assert result.exit_code == 0, result.output
    page, errors = show(open_browser, wait_until, target)
    assert page.locator("#labels span").all_inner_texts() == ["raw", "expressive", "again"]
    jaw = "koemorph.takes.map((t) => t.faceWeights.jawOpen)"
    raw, expressive, again = page.evaluate(f"(koemorph.show(1.6), {jaw})")
    expected = {name: Model().animate(speech, preset=name) for name in ("raw", "expressive", None)}
    jaws = [expected[name]["jawOpen"][48] for name in ("raw", "expressive", None)]
    assert [raw, expressive, again] == pytest.approx(jaws, abs=0.02)
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
def test_options_that_need_another_input_are_refused(
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


def test_audio_that_is_too_long_is_refused_before_decoding(
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
def test_an_input_that_is_no_file_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(KoemorphError, match=re.escape(source)):
        CliRunner().invoke(
            command, [source, "-o", str(tmp_path / "x.html")], catch_exceptions=False
        )


def test_curves_without_a_rig_and_a_missing_rig_are_refused(
    tmp_path: Path, talking: Animation
) -> None:
    other = Animation(talking.times, talking.weights[:, :1], ("A",), 30)
    with pytest.raises(DataError) as caught:
        build_page([Take("x", other)], "x")
    assert caught.value.code == "not_arkit52"
    with pytest.raises(OutputError) as missing:
        build_page([Take("x", talking)], "x", rig=tmp_path / "missing.glb")
    assert missing.value.code == "rig_missing"
