"""The preview page in headless Chromium, offline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chromium import Wait, show

from koemorph.animation import Animation
from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.preview import Take, build_page
from koemorph.preview import sound as sounds

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


# The drawn fraction of the screen's resolution for several durations of a frame in milliseconds.
QUALITY = """() => {
  const windows = (quality, count, pace) => {
    for (let k = 0; k < count * WINDOW; k++) {
      now += pace(quality.scale);
      quality.frame(true, 0.5);
    }
    return quality.scale;
  };
  let now = 0;
  performance.now = () => now;
  const heavy = new Quality(), screen = new Quality();
  return {
    light: windows(heavy, 10, () => 16.7),
    heavy: windows(heavy, 10, (scale) => 60 * scale),
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
    onset = page.evaluate(
        "(() => { const b = koemorph.player.buffer, x = b.getChannelData(0);"
        " return x.findIndex((v) => Math.abs(v) > 0.1) / b.sampleRate; })()"
    )
    assert onset == pytest.approx(1.0, abs=0.012)
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
    scales = page.evaluate(QUALITY)
    assert scales["light"] == 1
    assert scales["heavy"] == pytest.approx(0.5, abs=0.02)
    assert scales["lightAgain"] == 1
    assert scales["slowScreen"] == [1, 1]  # a lower resolution would not be faster
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
