"""The preview page in headless Chromium, offline: face and sound in step."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from koemorph.animation import Animation
from koemorph.cli.preview import command
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import DataError, KoemorphError, OutputError
from koemorph.preview import build_page
from koemorph.preview import sound as sounds

if TYPE_CHECKING:
    from playwright.sync_api import Page

Wait = Callable[["Page", str], None]
MOUTH = """(at) => {
  const k = window.koemorph, canvas = k.stage.face;
  k.stage.draw(k.track.sample(at, k.weights), k.weights);
  const w = canvas.width, h = canvas.height;
  const pixels = canvas.getContext("2d").getImageData(w * 0.45, h * 0.5, w * 0.1, h * 0.2).data;
  let dark = 0;
  for (let i = 0; i < pixels.length; i += 4) dark += pixels[i] < 100;
  return dark;
}"""

PICTURES = """async (seek) => {
  const { player, stage } = window.koemorph, draw = stage.drawFaces;
  const picture = () => new Promise(requestAnimationFrame);
  let drawn = 0;
  stage.drawFaces = (...given) => { drawn++; draw.apply(stage, given); };
  if (seek !== null) await player.seek(seek);
  for (let k = 0; k < 5; k++) await picture();
  stage.drawFaces = draw;
  return drawn;
}"""
# Shares of the screen's resolution that are drawn while pictures take so many milliseconds.
QUALITY = """() => {
  const windows = (quality, count, pace) => {
    for (let k = 0; k < count * WINDOW; k++) {
      now += pace(quality.share);
      quality.asked(true, 0.5);
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


# How many sounds begin, and whether one still plays, when Play is pressed so many times before the
# sound card is ready.
PRESSES = """async (times) => {
  const { player } = window.koemorph, start = AudioBufferSourceNode.prototype.start;
  const resume = player.context.resume;
  let begun = 0, open;
  const ready = new Promise((done) => (open = done));
  player.context.resume = () => ready.then(() => resume.call(player.context));
  AudioBufferSourceNode.prototype.start = function (...given) {
    begun++;
    start.apply(this, given);
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
  return [begun, playing];
}"""


def show(open_browser, wait_until: Wait, path: Path) -> tuple[Page, list[str]]:
    context = open_browser("--autoplay-policy=no-user-gesture-required").new_context(
        offline=True, viewport={"width": 1280, "height": 800}
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    wait_until(page, "!!window.koemorph?.loadTime")
    return page, errors


def test_page_draws_the_frame_that_is_heard(
    tmp_path: Path, talking: Animation, tone: Path, open_browser, wait_until: Wait
) -> None:
    capture = Animation(talking.times, talking.weights * 0.5, BLENDSHAPES, 30)
    title = '</script><b>"{{data}}" 声'
    html = build_page(talking, title, sounds.read(tone), capture=capture)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    assert page.text_content("#title") == title
    # The sound in the page begins where the recording's does: the codec's delay is taken off.
    wait_until(page, "!!koemorph.player.buffer")
    begins = page.evaluate(
        "(() => { const b = koemorph.player.buffer, x = b.getChannelData(0);"
        " return x.findIndex((v) => Math.abs(v) > 0.1) / b.sampleRate; })()"
    )
    assert begins == pytest.approx(1.0, abs=0.012)
    page.click('[data-view="face"]')
    assert page.evaluate(f"({MOUTH})(0.5)") == 0
    assert page.evaluate(f"({MOUTH})(1.5)") > 300
    page.evaluate("koemorph.player.seek(0.9)")
    page.keyboard.press("Space")
    wait_until(page, "koemorph.player.time() > 1.2")
    assert page.evaluate("koemorph.weights.jawOpen") == pytest.approx(0.8, abs=0.01)
    page.click('.row[data-name="mouthClose"]')
    assert page.get_attribute('.row[data-name="mouthClose"]', "aria-pressed") == "true"
    wait_until(page, "!koemorph.player.playing")
    page.click('[data-view="both"]')
    assert errors == []


def test_keys_and_buttons_play_one_sound(
    tmp_path: Path, talking: Animation, tone: Path, open_browser, wait_until: Wait
) -> None:
    (tmp_path / "page.html").write_text(build_page(talking, "x", sounds.read(tone)), "utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    wait_until(page, "!!koemorph.player.buffer")
    assert page.evaluate(PRESSES, 3) == [1, True]
    assert page.evaluate(PRESSES, 2) == [0, False]
    page.evaluate("koemorph.player.seek(0)")
    # Space plays after a click, whatever was clicked, and once however long it is held.
    row = '.row[data-name="mouthFunnel"]'
    page.click(row)
    page.evaluate("addEventListener('keyup', (e) => (window.pressesButton = !e.defaultPrevented))")
    page.keyboard.down("Space")
    page.keyboard.down("Space")
    page.keyboard.up("Space")
    wait_until(page, "koemorph.player.time() > 1")  # or has ended, where nobody looked meanwhile
    assert page.get_attribute(row, "aria-pressed") == "true"
    assert not page.evaluate("pressesButton")  # as Firefox does when it is let go
    page.evaluate("koemorph.player.pause(), koemorph.player.seek(1)")
    page.keyboard.press("Alt+ArrowLeft")  # the browser's own
    assert page.evaluate("koemorph.player.time()") == 1
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("koemorph.player.time()") == pytest.approx(1 - 1 / 30)
    # Where Tab has gone, Space presses the button as everywhere.
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.get_attribute('.row[data-name="mouthPucker"]', "aria-pressed") == "true"
    assert not page.evaluate("koemorph.player.playing || koemorph.player.starting")
    assert errors == []


def test_page_in_a_frame_without_room_waits_for_some(
    tmp_path: Path, talking: Animation, open_browser, wait_until: Wait
) -> None:
    (tmp_path / "page.html").write_text(build_page(talking, "x"), "utf-8")
    (tmp_path / "frame.html").write_text('<iframe width="0" height="0" src="page.html"></iframe>')
    page = open_browser().new_page()
    page.goto((tmp_path / "frame.html").as_uri())
    page.wait_for_function("frames.length === 1")
    inner = page.frames[1]
    wait_until(inner, "!!window.koemorph?.ready")
    page.wait_for_timeout(200)
    page.evaluate("Object.assign(document.querySelector('iframe'), { width: 800, height: 600 })")
    wait_until(inner, "koemorph.drawn > 30")


def test_page_draws_only_what_moves_and_no_finer_than_it_can(
    tmp_path: Path, talking: Animation, open_browser, wait_until: Wait
) -> None:
    (tmp_path / "page.html").write_text(build_page(talking, "x"), encoding="utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    assert page.evaluate(PICTURES, None) == 0
    assert page.evaluate(PICTURES, 1.5) == 1
    shares = page.evaluate(QUALITY)
    assert shares["light"] == 1
    assert shares["heavy"] == pytest.approx(0.5, abs=0.02)
    assert shares["lightAgain"] == 1
    assert shares["slowScreen"] == [1, 1]  # coarser pictures would come no sooner
    assert errors == []


def test_page_fits_a_telephone(
    tmp_path: Path, talking: Animation, open_browser, wait_until: Wait
) -> None:
    path = tmp_path / "page.html"
    path.write_text(build_page(talking, "a rather long name of a take", capture=talking), "utf-8")
    page, _ = show(open_browser, wait_until, path)
    page.set_viewport_size({"width": 390, "height": 844})
    for shown in ("[data-view=both]", "[data-name=jawForward]", "#start", "#play", "#timeline"):
        box = page.locator(shown).bounding_box()
        assert box is not None, f"{shown} is not to be seen"
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, shown
        assert box["y"] + box["height"] <= 844, shown
    # Held across, the stage is low: what starts is beside the face.
    page.set_viewport_size({"width": 844, "height": 390})
    stage, start = (page.locator(shown).bounding_box() for shown in (".stage", "#start"))
    assert stage is not None
    assert start is not None
    assert start["x"] > stage["x"] + 0.6 * stage["width"]


def test_page_shows_the_users_rig(
    tmp_path: Path, talking: Animation, shared_data: Path, open_browser, wait_until: Wait
) -> None:
    rig = shared_data / "rigs" / "ict_face52.glb"
    (tmp_path / "page.html").write_text(build_page(talking, "rig", rig=rig), encoding="utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    moved = page.evaluate(
        "(() => { const r = koemorph.stage.rig, far = [0, 1.5].map((t) => {"
        " r.morph(koemorph.track.sample(t, koemorph.weights));"
        " return r.moved.reduce((most, v, i) => Math.max(most, Math.abs(v - r.rest[i])), 0); });"
        " return far; })()"
    )
    assert moved[0] == 0
    # As far as the rig's own jawOpen goes, relative to the size the page gives the head.
    from koemorph.blendshapes import INDEX
    from koemorph.outputs import rig as rigs
    from koemorph.outputs.gltf_read import Reader
    from koemorph.preview.mesh import pack

    info, _ = pack(rig)
    gltf = rigs.load(rig)
    surface = Reader(gltf).surface(0, 0)
    delta = surface.deltas[rigs.target_names(gltf.json["meshes"][0]).index("jawOpen")]
    scale = next(t for t in info["targets"] if t["names"] == ["jawOpen"])["scale"]
    assert INDEX["jawOpen"] == 17
    assert moved[1] == pytest.approx(0.8 * scale, rel=0.01)
    half = np.abs(delta).max() / scale
    assert half == pytest.approx(np.ptp(surface.positions[:, 1]) / 2, rel=0.5)
    assert errors == []


def test_without_webgl_the_face_is_shown_instead_of_the_rig(
    tmp_path: Path, talking: Animation, shared_data: Path, open_browser, wait_until: Wait
) -> None:
    rig = shared_data / "rigs" / "ict_face52.glb"
    html = build_page(talking, "rig", rig=rig)
    broken = "<script>HTMLCanvasElement.prototype.getContext = ((was) => function (kind, ...more) {"
    broken += "return kind === '2d' ? was.call(this, kind, ...more) : null;"
    broken += "})(HTMLCanvasElement.prototype.getContext)</script>"
    (tmp_path / "page.html").write_text(html.replace("<body", f"{broken}<body"), "utf-8")
    page, errors = show(open_browser, wait_until, tmp_path / "page.html")
    assert "no WebGL 2" in (page.text_content("#status") or "")
    assert page.locator("#face").is_visible()
    assert not page.locator("#rig").is_visible()
    assert page.locator("#views button").count() == 0
    assert errors == []


def test_command_makes_a_page(tmp_path: Path, speech: Path, tiny_models: dict[int, Path]) -> None:
    target = tmp_path / "page.html"
    args = [str(speech), "-o", str(target), "--model", str(tiny_models[30])]
    result = CliRunner().invoke(command, args, catch_exceptions=False)
    assert result.exit_code == 0
    html = target.read_text("utf-8")
    assert not re.search(r"(?:src|href)=[\"']?(?!data:)\w+:", html), (
        "the page refers to the network"
    )
    assert len(html) < 1_000_000


def test_a_capture_that_begins_late_and_has_gaps_stays_in_time(talking: Animation) -> None:
    seen = np.r_[12:25, 50:60]  # the face was lost for most of a second
    capture = Animation(talking.times[seen], talking.weights[seen], BLENDSHAPES, 30)
    page = build_page(capture, "x", capture=Animation(talking.times, talking.weights))
    found = re.search('id="data">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    assert data["duration"] == pytest.approx(2)
    values = gzip.decompress(base64.b64decode(data["track"]["values"]))
    jaw = np.frombuffer(values, np.uint8).reshape(-1, 52)[:, INDEX["jawOpen"]] / 255
    expected = np.interp(talking.times, capture.times, capture["jawOpen"])
    np.testing.assert_allclose(jaw, expected, atol=1 / 255)
    with pytest.raises(DataError, match="no frames"):
        build_page(Animation(np.zeros(0), np.zeros((0, 52), np.float32)), "x")


def test_what_is_no_number_is_silence(tmp_path: Path) -> None:
    samples = np.full((16000, 2), 0.25, np.float32)
    samples[100:200, 0] = np.nan
    samples[200:300] = np.inf, -np.inf
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    sound = sounds.read(tmp_path / "nan.wav")
    expected = np.full(16000, 0.25)
    expected[100:200], expected[200:300] = 0.125, 0
    np.testing.assert_allclose(sound.samples, expected)
    assert sounds.compressed(sound)


def test_all_settings_reach_the_page(
    tmp_path: Path, talking: Animation, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    opened: list[str] = []

    def build(animation: Animation, title: str, sound: Any, rig: Any, capture: Any) -> str:
        given.update(animation=animation, sound=sound, rig=rig, capture=capture)
        return "page"

    monkeypatch.setattr("koemorph.preview.build_page", build)
    monkeypatch.setattr("webbrowser.open", opened.append)
    (tmp_path / "take").mkdir()
    talking.save(tmp_path / "take" / "blendshapes.jsonl")
    still = Animation(talking.times, 0 * talking.weights)
    still.save(tmp_path / "still.jsonl")
    places = ["--audio", tone, "--capture", tmp_path / "take", "--rig", tmp_path / "hero.glb"]
    arguments = [str(part) for part in (tmp_path / "still.jsonl", *places, "--open")]
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    assert given["sound"].duration == 2
    assert given["rig"] == tmp_path / "hero.glb"
    assert given["animation"]["jawOpen"].max() == 0
    assert given["capture"]["jawOpen"].max() == pytest.approx(0.8)
    assert opened == [(tmp_path / "still.html").as_uri()]


@pytest.mark.parametrize("sound", ["audio.wav", "blendshapes.wav"])
def test_command_reads_frames_with_the_sound_beside_them(
    tmp_path: Path, talking: Animation, sound: str
) -> None:
    talking.save(tmp_path / "blendshapes.jsonl")
    soundfile.write(tmp_path / sound, np.zeros(32000), 16000)
    result = CliRunner().invoke(command, [str(tmp_path / "blendshapes.jsonl")])
    assert result.exit_code == 0
    assert '"audio":null' not in (tmp_path / "blendshapes.html").read_text("utf-8")


def test_a_sound_shorter_than_a_frame_is_shown(tmp_path: Path, talking: Animation) -> None:
    talking.save(tmp_path / "take.jsonl")
    soundfile.write(tmp_path / "take.wav", np.zeros(100), 16000)
    result = CliRunner().invoke(command, [str(tmp_path / "take.jsonl")], catch_exceptions=False)
    assert result.exit_code == 0


def test_a_recording_that_is_too_long_is_told_at_once(
    tmp_path: Path, talking: Animation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "read", None)
    talking.save(tmp_path / "take.jsonl")
    soundfile.write(tmp_path / "take.wav", np.zeros(8000 * 60 * 21, np.int16), 8000)
    for source in ("take.jsonl", "take.wav"):
        with pytest.raises(DataError, match=r"take\.wav lasts 21 minutes; a page holds 20"):
            CliRunner().invoke(command, [str(tmp_path / source)], catch_exceptions=False)


@pytest.mark.parametrize("source", [".", "missing.jsonl"])
def test_what_is_no_recording_is_a_sentence(source: str) -> None:
    with pytest.raises(KoemorphError, match=r"is a folder|Cannot read"):
        CliRunner().invoke(command, [source], catch_exceptions=False)


def test_what_cannot_be_shown_is_a_sentence(tmp_path: Path, talking: Animation) -> None:
    other = Animation(talking.times, talking.weights[:, :1], ("A",), 30)
    with pytest.raises(DataError, match="52 blendshapes"):
        build_page(other, "x")
    with pytest.raises(OutputError, match="no rig at"):
        build_page(talking, "x", rig=tmp_path / "missing.glb")
