"""The npm package in headless Chromium: AudioWorklet, worker, microphone, warnings."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from chromium import FAKE_MICROPHONE, fake_microphone

from koemorph import Controls, Model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
SECONDS = 2
# Plays the recording into 8 faces, while the page is busy for 200 ms at a time. Returns the first
# sample of the recording in the stream, and the frames of each face.
PLAY = """async (count) => {
  const { KoeMorph } = await import("/dist/koemorph.js");
  const koemorph = await KoeMorph.load({ model: "/model.onnx" });
  const context = new AudioContext({ sampleRate: 48000 });
  await context.resume();
  const bytes = await (await fetch("/speech.wav")).arrayBuffer();
  const buffer = await context.decodeAudioData(bytes);
  const source = new AudioBufferSourceNode(context, { buffer });
  const faces = [];
  for (let k = 0; k < count; k++) {
    faces.push(await koemorph.createFace());
    await faces[k].connect(source);
  }
  const when = Math.ceil((context.currentTime + 0.3) * 100) / 100;
  source.start(when);
  const ended = new Promise((done) => (source.onended = done));
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  await wait(300);
  for (let k = 0; k < 4; k++) {
    for (const end = performance.now() + 200; performance.now() < end; );
    await wait(20);
  }
  await ended;
  await wait(300);
  const end = (face) => new Promise((done) => face.addEventListener("captured", done));
  const captured = faces.map(end);
  for (const face of faces) face.disconnect();
  await Promise.all(captured);
  await Promise.all(faces.map((face) => face.flush()));
  const leads = faces.map((face) => Math.round((when - face.origin) * context.sampleRate));
  return { leads, frames: faces.map((face) => [...face.frames]) };
}"""
# The jaw opens by this much within some seconds of the microphone's speech.
MICROPHONE = """async () => {
  const { KoeMorph } = await import("/dist/koemorph.js");
  const koemorph = await KoeMorph.load({ model: "/models/koemorph-30-fast.onnx" });
  const face = await koemorph.createFace();
  const context = new AudioContext();
  try {
    await face.connectMicrophone(context);
  } catch (error) {
    return error.code;
  }
  const jaw = koemorph.blendshapes.indexOf("jawOpen");
  const end = performance.now() + 30000;
  let open = 0;
  while (open < 0.1 && performance.now() < end) {
    await new Promise((done) => setTimeout(done, 16));
    open = Math.max(open, face.sample()[jaw]);
  }
  face.disconnect();
  return open;
}"""
SUSPENDED = """async () => {
  const { KoeMorph } = await import("/dist/koemorph.js");
  const koemorph = await KoeMorph.load({ model: "/model.onnx" });
  const face = await koemorph.createFace();
  const context = new AudioContext();
  await context.suspend();
  context.resume = () => new Promise(() => {}); // as without a click
  const warned = new Promise((done) => face.addEventListener("warning", done));
  await face.connect(new OscillatorNode(context));
  const warning = await warned;
  const weights = [...face.sample()];
  await context.close();
  const closed = await face.connect(new OscillatorNode(context)).catch((error) => error.code);
  const load = (model) => KoeMorph.load({ model }).catch((error) => error.code);
  return [warning.detail.code, Math.max(...weights), closed, await load("/none.onnx"),
    await load("/speech.wav")];
}"""
# A recording computed ahead of its playback: the frames, and the time between them and the audio.
AHEAD = """async () => {
  const { KoeMorph } = await import("/dist/koemorph.js");
  const koemorph = await KoeMorph.load({ model: "/model.onnx" });
  const face = await koemorph.createFace({ historySeconds: 0.5 });
  const context = new AudioContext({ sampleRate: 48000 });
  const bytes = await (await fetch("/speech.wav")).arrayBuffer();
  const buffer = await context.decodeAudioData(bytes);
  const frames = await face.schedule(buffer, context, 10);
  const latency = context.baseLatency + context.outputLatency;
  return [[...frames], [...face.sample(10 + 30 / 30 + latency)]];
}"""


@pytest.fixture
def page_of(
    web_package: Path,
    serve: Callable[[Path], str],
    open_browser: Callable[..., Browser],
    tiny_models: dict[int, Path],
    speech: Path,
    tmp_path: Path,
) -> Callable[..., Page]:
    """page_of(*switches) opens a page of the package's server, with a model and a recording."""
    samples, rate = soundfile.read(speech, dtype="float32", frames=SECONDS * 22050)
    positions = np.arange(SECONDS * 48000) * rate / 48000
    sound = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
    folder = tmp_path / "site"
    shutil.copytree(web_package, folder)
    soundfile.write(folder / "speech.wav", sound, 48000, subtype="FLOAT")
    shutil.copy(tiny_models[30], folder / "model.onnx")
    (folder / "index.html").write_text("<!doctype html><title>test</title>")

    def open_page(*switches: str) -> Page:
        page = open_browser(*switches).new_page()
        page.goto(f"{serve(folder)}/index.html")
        page.set_default_timeout(180_000)
        return page

    return open_page


def recording(folder: Path) -> np.ndarray:
    return soundfile.read(folder / "site" / "speech.wav", dtype="float32")[0]


def test_a_busy_page_loses_no_audio_of_eight_faces(
    page_of: Callable[..., Page], tiny_models: dict[int, Path], tmp_path: Path
) -> None:
    result = page_of(AUTOPLAY).evaluate(PLAY, 8)
    sound = recording(tmp_path)
    for lead, values in zip(result["leads"], result["frames"], strict=True):
        assert lead > 0
        frames = np.reshape(values, (-1, 52))
        stream = np.concatenate([np.zeros(lead, np.float32), sound])
        expected = (
            Model(tiny_models[30]).animate(stream, sample_rate=48000, controls=Controls()).weights
        )
        count = min(len(frames), len(expected)) - 2  # the end of the audio is silence here
        assert count > SECONDS * 30
        np.testing.assert_allclose(frames[:count], expected[:count], atol=1e-4)


def test_a_buffer_is_computed_ahead_of_its_playback(
    page_of: Callable[..., Page], tiny_models: dict[int, Path], tmp_path: Path
) -> None:
    values, now = page_of(AUTOPLAY).evaluate(AHEAD)
    frames = np.reshape(values, (-1, 52))
    expected = (
        Model(tiny_models[30])
        .animate(recording(tmp_path), sample_rate=48000, controls=Controls())
        .weights
    )
    np.testing.assert_allclose(frames[: len(expected)], expected, atol=1e-4)
    np.testing.assert_allclose(now, expected[30], atol=1e-4)


def test_the_microphone_moves_the_jaw(page_of: Callable[..., Page], speech: Path) -> None:
    assert page_of(AUTOPLAY, *fake_microphone(speech)).evaluate(MICROPHONE) > 0.1


def test_a_denied_microphone_has_a_code(page_of: Callable[..., Page]) -> None:
    assert page_of(AUTOPLAY, FAKE_MICROPHONE[1], "--deny-permission-prompts").evaluate(
        MICROPHONE
    ) in ("microphone_denied", "no_microphone")


def test_a_suspended_context_and_wrong_files_have_codes(page_of: Callable[..., Page]) -> None:
    assert page_of().evaluate(SUSPENDED) == [
        "context_suspended",
        0,
        "context_closed",
        "fetch_failed",
        "invalid_model",
    ]


def test_the_demo_animates_a_recording(page_of: Callable[..., Page], speech: Path) -> None:
    page = page_of(AUTOPLAY)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(page.url.replace("index.html", "demo/index.html"))
    page.set_input_files("#file", speech)
    jaw = "window.demo.then(({ face, koemorph }) =>"
    jaw += " face.weights[koemorph.blendshapes.indexOf('jawOpen')] > 0.1)"
    while not page.evaluate(jaw):
        page.wait_for_timeout(50)
    page.select_option("#preset", "expressive")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('latency')")
    assert errors == []
