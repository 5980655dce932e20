"""Elements of the preview page: the tongue, the rig's colours and camera, transport, videos."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import preview_rigs as rigs
import pytest
from chromium import Wait, show
from click.testing import CliRunner

from koemorph.animation import Animation
from koemorph.blendshapes import INDEX
from koemorph.cli.preview import command
from koemorph.errors import OutputError
from koemorph.model import Model
from koemorph.outputs import npz
from koemorph.preview import Take, build_page
from koemorph.preview import sound as sounds
from koemorph.preview import video as videos
from koemorph.retarget import load_retarget_map

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Per frame: pixels that tongueOut changes, and how many of them lie outside the inner lip contour.
TONGUE = """(frames) => {
  const size = 200, canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = (weights) => {
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, size, size);
    c.translate(size / 2, -20);
    drawMouth(c, weights);
    return c.getImageData(0, 0, size, size).data;
  };
  return frames.map((values) => {
    const weights = {};
    DATA.blendshapes.forEach((name, k) => (weights[name] = values[k]));
    const without = pixels({ ...weights, tongueOut: 0 }), shown = pixels(weights);
    const inner = lipPaths(mouthShape(weights)).inner;
    c.lineWidth = 2;  // antialiased edges
    let changed = 0, outside = 0;
    for (let k = 0; k < shown.length; k += 4) {
      if ([0, 1, 2, 3].every((j) => Math.abs(shown[k + j] - without[k + j]) < 3)) continue;
      changed++;
      const x = (k / 4) % size + 0.5, y = Math.floor(k / 4 / size) + 0.5;
      outside += !c.isPointInPath(inner, x, y) && !c.isPointInStroke(inner, x, y);
    }
    return [changed, outside];
  });
}"""

# The mean colour of a square around a point, given as fractions of the rig's canvas.
COLOR = """([x, y]) => {
  const canvas = koemorph.stage.rigCanvas, copy = document.createElement("canvas");
  copy.width = canvas.width; copy.height = canvas.height;
  const c = copy.getContext("2d");
  c.drawImage(canvas, 0, 0);
  return [...c.getImageData(canvas.width * x, canvas.height * y, 1, 1).data];
}"""


@pytest.fixture
def open_page(tmp_path: Path, open_browser, wait_until: Wait) -> Callable[..., Page]:
    """open_page(takes, **options) -> the page in a browser, without errors so far."""

    def open_takes(*takes: Take, **options: object) -> Page:
        html = build_page(takes, "title", **options)
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        page, errors = show(open_browser, wait_until, tmp_path / "page.html")
        assert errors == []
        return page

    return open_takes


def test_the_tongue_stays_inside_the_lips(
    speech: Path, talking: Animation, open_page: Callable[..., Page]
) -> None:
    animation = Model().animate(speech)
    assert animation["tongueOut"].max() > 0.02  # where the tongue used to appear
    page = open_page(Take("x", talking))
    frames = page.evaluate(TONGUE, animation.weights.tolist())
    assert sum(outside > 0 for _, outside in frames) == 0
    closed, opened = np.zeros((2, 5, 52))
    closed[:, INDEX["tongueOut"]] = opened[:, INDEX["tongueOut"]] = np.linspace(0, 1, 5)
    opened[:, INDEX["jawOpen"]] = 0.6
    assert sum(changed for changed, _ in page.evaluate(TONGUE, closed.tolist())) < 10
    grown = page.evaluate(TONGUE, opened.tolist())
    assert grown[0][0] < 5
    assert [changed for changed, _ in grown] == sorted(changed for changed, _ in grown)
    assert grown[-1][0] > 200
    assert all(outside == 0 for _, outside in grown)


def test_rig_materials_keep_their_colors_and_textures(
    tmp_path: Path, talking: Animation, open_page: Callable[..., Page]
) -> None:
    page = open_page(Take("x", talking), rig=rigs.two_materials(tmp_path / "rig.glb"))
    page.wait_for_timeout(500)
    red, green, blue, _ = page.evaluate(COLOR, [0.46, 0.5])
    assert green > 2 * max(red, blue)
    red, green, blue, _ = page.evaluate(COLOR, [0.54, 0.5])
    assert blue > 2 * max(red, green)


@pytest.mark.parametrize("vrm0", [False, True])
def test_the_camera_starts_in_front(
    tmp_path: Path, talking: Animation, open_page: Callable[..., Page], vrm0: bool
) -> None:
    """VRM 0.x models face -Z, so that their +X is on the other side of the picture."""
    page = open_page(Take("x", talking), rig=rigs.two_materials(tmp_path / "rig.glb", vrm0=vrm0))
    assert page.evaluate("[koemorph.stage.rig.camera.yaw, koemorph.stage.rig.camera.pitch]") == [
        0,
        0,
    ]
    page.wait_for_timeout(500)
    _, green, blue, _ = page.evaluate(COLOR, [0.46, 0.5])
    assert (blue > green) == vrm0


def test_the_camera_pans_and_shows_the_mouth(
    tmp_path: Path, talking: Animation, open_page: Callable[..., Page]
) -> None:
    page = open_page(Take("x", talking), rig=rigs.two_materials(tmp_path / "rig.glb"))
    camera = "koemorph.stage.rig.camera"
    page.click('[data-camera="mouth"]')
    assert page.evaluate(f"{camera}.target") == page.evaluate("DATA.rig.mouth")
    assert page.evaluate(f"{camera}.distance < HEAD_DISTANCE")
    box = page.locator("#rig").bounding_box()
    assert box is not None
    page.click('[data-camera="front"]')
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    page.keyboard.down("Shift")
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 80, middle[1], steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    x, y, _ = page.evaluate(f"{camera}.target")
    assert x < -0.1
    assert y == pytest.approx(0, abs=1e-6)
    assert page.evaluate(f"{camera}.yaw") == 0
    page.dblclick("#rig", position={"x": 20, "y": 20})
    assert page.evaluate(f"{camera}.target") == [0, 0, 0]


def test_takes_are_compared_on_the_rig(
    tmp_path: Path, talking: Animation, open_page: Callable[..., Page]
) -> None:
    still = Animation(talking.times, 0 * talking.weights)
    rig = rigs.two_materials(tmp_path / "rig.glb")
    page = open_page(Take("still", still), Take("open", talking), rig=rig)
    assert page.locator("#labels span").all_inner_texts() == ["still", "open"]
    page.evaluate("koemorph.player.seek(1.5)")
    page.wait_for_timeout(500)
    bottom = 0.95  # below the quads at rest, on the right one with an open jaw
    assert page.evaluate(COLOR, [0.27, bottom])[3] == 0
    assert page.evaluate(COLOR, [0.77, bottom])[3] == 255


def test_a_retarget_map_moves_a_rig_with_visemes(
    tmp_path: Path, talking: Animation, open_page: Callable[..., Page]
) -> None:
    rig = rigs.two_materials(tmp_path / "rig.glb", ("Fcl_MTH_A", "Fcl_MTH_I"))
    with pytest.raises(OutputError) as caught:
        build_page([Take("x", talking)], "x", rig=rig)
    assert caught.value.code == "rig_unmatched"
    targets = {"Fcl_MTH_A": {"from": {"jawOpen": 0.5}}}
    described = {"koemorph": "retarget", "version": 1, "name": "visemes", "targets": targets}
    (tmp_path / "map.json").write_text(json.dumps(described))
    page = open_page(Take("x", talking), rig=rig, retarget=load_retarget_map(tmp_path / "map.json"))
    weights = page.evaluate("(koemorph.show(1.5), koemorph.takes[0].rigWeights)")
    assert weights["Fcl_MTH_A"] == pytest.approx(0.4, abs=0.01)
    page.click('[data-view="face"]')
    assert page.evaluate("(koemorph.show(1.5), koemorph.weights.jawOpen)") == pytest.approx(
        0.8, abs=0.01
    )


def test_curves_of_another_rig_are_shown_on_that_rig(
    tmp_path: Path, talking: Animation, open_page: Callable[..., Page]
) -> None:
    rig = rigs.two_materials(tmp_path / "rig.glb", ("vowelA", "vowelI"))
    jaw = talking.weights[:, [INDEX["jawOpen"]]]
    page = open_page(Take("x", Animation(talking.times, jaw, ("vowelA",), 30)), rig=rig)
    weights = page.evaluate("(koemorph.show(1.5), koemorph.takes[0].rigWeights)")
    assert weights["vowelA"] == pytest.approx(0.8, abs=0.01)
    assert page.locator("#views button").count() == 0
    assert page.locator(".row").all_inner_texts() == ["vowelA"]


def test_loop_speed_and_frame_number(
    tone: Path, talking: Animation, open_page: Callable[..., Page], wait_until: Wait
) -> None:
    page = open_page(Take("x", talking), sound=sounds.read(tone))
    wait_until(page, "!!koemorph.player.buffer")
    page.evaluate("koemorph.player.seek(1.5)")
    wait_until(page, "document.getElementById('frame').textContent === '45'")
    page.keyboard.press("ArrowRight")
    wait_until(page, "document.getElementById('frame').textContent === '46'")
    page.click("#speed")
    assert page.text_content("#speed") == "0.5×"
    page.click("#play")
    wait_until(page, "!!koemorph.player.source")
    assert page.evaluate("koemorph.player.source.playbackRate.value") == 0.5
    page.click("#loop")
    page.evaluate("koemorph.player.seek(1.9)")
    wait_until(page, "koemorph.player.playing && koemorph.player.time() < 1")
    page.keyboard.press("KeyL")
    page.evaluate("koemorph.player.seek(1.9)")
    wait_until(page, "!koemorph.player.playing && koemorph.player.time() === 2")


def test_the_page_records_a_video(
    tone: Path, talking: Animation, open_page: Callable[..., Page], wait_until: Wait
) -> None:
    page = open_page(Take("x", talking), sound=sounds.read(tone))
    with page.expect_download(timeout=60_000) as download:
        page.click("#record")
    assert download.value.suggested_filename in ("title.webm", "title.mp4")
    assert page.evaluate("koemorph.recorder.video.size") > 5000
    assert page.text_content("#record") == "Save video"


def test_the_command_writes_a_video_of_every_frame(
    tmp_path: Path, tone: Path, talking: Animation, needs_tool: Callable[[str], str]
) -> None:
    needs_tool("chromium")
    ffmpeg, probe = needs_tool("ffmpeg"), needs_tool("ffprobe")
    short = Animation(talking.times[20:40] - talking.times[20], talking.weights[20:40])
    npz.write(short, tmp_path / "take.npz", None)  # type: ignore[arg-type]
    video = tmp_path / "take.mp4"
    arguments = [str(tmp_path / "take.npz"), "--video", str(video)]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    entries = "stream=codec_type,nb_read_frames,r_frame_rate,width,height"
    options = ["-v", "error", "-count_frames", "-show_entries", entries, "-of", "json"]
    run = subprocess.run([probe, *options, str(video)], capture_output=True, check=True)
    [stream] = json.loads(run.stdout)["streams"]
    assert stream["nb_read_frames"] == "20"
    assert (stream["r_frame_rate"], stream["width"], stream["height"]) == ("30/1", 1280, 720)
    forehead = ["-vf", "crop=2:2:640:180", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    read = [ffmpeg, "-v", "error", "-i", str(video), *forehead, "-"]
    red, _, blue = subprocess.run(read, capture_output=True, check=True).stdout[:3]
    assert red > blue  # skin; the background is blue


def test_missing_programs_and_formats_of_videos_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def code(name: str, installed: tuple[str, ...]) -> str:
        monkeypatch.setattr(
            shutil, "which", lambda program: program if program in installed else None
        )
        with pytest.raises(OutputError) as caught:
            videos.find_programs(tmp_path / name)
        return caught.value.code

    assert code("a.txt", ("ffmpeg", "chromium")) == "unknown_format"
    assert code("a.mp4", ()) == "ffmpeg_missing"
    assert code("a.mp4", ("ffmpeg",)) == "browser_missing"
