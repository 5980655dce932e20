"""The live page in headless Chromium with a fake microphone."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import aiohttp
import chromium
import loudness_model
import numpy as np
import preview_rigs
import pytest
import soundfile
from chromium import Wait
from page_server import RunningServer, audio_message, run

from koemorph import serve
from koemorph.blendshapes import INDEX
from koemorph.browser_audio import MAX_DELAY, RESUME_DELAY, AudioMessage, AudioReceiver
from koemorph.errors import DataError
from koemorph.model import Model
from koemorph.retarget import load_retarget_map
from koemorph.serve import MAX_STREAMS, Server
from koemorph.stream import Stream


@pytest.fixture
def exchanged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the blocks that the server animated, each with its frames."""
    blocks: list[tuple[np.ndarray, np.ndarray]] = []
    animate_block = serve._animate

    def animate(stream: Stream, samples: np.ndarray) -> np.ndarray:
        blocks.append((samples.copy(), animate_block(stream, samples)))
        return blocks[-1][1]

    monkeypatch.setattr(serve, "_animate", animate)
    return blocks


def is_talking(sound: np.ndarray, rate: int, frames: int) -> np.ndarray:
    """Whether each frame at 30 fps is within a quarter of a second of sound above -40 dB."""
    edges = np.arange(frames + 1) * rate // 30
    edges = np.minimum(edges, len(sound) - 1)
    power = np.maximum.reduceat(np.abs(sound), edges[:-1])
    return np.convolve(power > 0.01, np.ones(15), "same") > 0


def test_the_mouth_moves_during_speech_only(
    tmp_path: Path,
    speech: Path,
    serving: RunningServer,
    exchanged: list[tuple[np.ndarray, np.ndarray]],
    open_browser,
    wait_until: Wait,
) -> None:
    """Compared with the audio that the browser sent, since a busy browser loses some."""
    voice, rate = soundfile.read(speech, dtype="float32")
    voice = voice[: int(2.5 * rate)]
    silence = np.zeros(int(2.5 * rate), np.float32)
    soundfile.write(tmp_path / "mic.wav", np.concatenate([voice, silence]), rate, "PCM_16")
    page = open_browser(*chromium.fake_microphone(tmp_path / "mic.wav")).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    # The fake microphone repeats its file: two rounds of speech and silence.
    wait_until(page, "koemorph.connection?.frames > 320")
    assert errors == []
    frames, rate, values = page.evaluate(
        "(({ connection, history }) =>"
        " [connection.frames, connection.context.sampleRate, [...history.values]])(koemorph)"
    )
    assert "ms latency" in page.text_content("#status")
    page.click("#play")
    wait_until(page, "!koemorph.connection.running")
    shown = np.array(values).reshape(-1, 52) / 255
    sound = np.concatenate([samples for samples, _ in exchanged])
    returned = np.concatenate([frames for _, frames in exchanged])[:frames, 1:]
    # The page shows the returned frames, and these are those of the audio.
    np.testing.assert_allclose(shown, returned[-len(shown) :], atol=0.51 / 255)
    animated = serving.model.animate(sound, sample_rate=int(rate), preset="microphone")
    np.testing.assert_allclose(returned, animated.weights[:frames], atol=1e-5)
    talking = is_talking(sound, int(rate), frames)
    jaw = returned[:, INDEX["jawOpen"]]
    assert 0.2 < talking.mean() < 0.9
    assert jaw[talking].max() > 0.5
    assert np.quantile(jaw[~talking], 0.9) < 0.05


def test_a_slow_machine_skips_audio_and_limits_the_delay(
    serving: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processing at half real time, on a simulated clock."""
    rate, size, blocks = 48000, 480, 1000
    animate_block = serve._animate
    clock = began = 100.0
    late: list[float] = []

    def animate(stream: Stream, samples: np.ndarray) -> np.ndarray:
        nonlocal clock
        late.append(clock - began - samples[0])
        clock += 2 * size / rate
        return animate_block(stream, np.zeros_like(samples))

    monkeypatch.setattr(serve, "_animate", animate)
    monkeypatch.setattr(serve, "_now", lambda: clock)

    async def send_audio() -> list[float]:
        skipped: list[float] = []
        seconds = 0.0
        async with aiohttp.ClientSession() as session, session.ws_connect(serving.stream) as socket:
            for at in np.arange(blocks) * size / rate:
                block = np.full(size, at, np.float32)
                await socket.send_bytes(audio_message(block, round(at * rate), at))
            while seconds < blocks * size / rate - 2 * MAX_DELAY:
                message = await socket.receive(timeout=60)
                if message.type is aiohttp.WSMsgType.TEXT:
                    skipped.append(message.json()["skipped"])
                else:
                    frames = np.frombuffer(message.data, "<f4").reshape(-1, 53)
                    assert (frames[:, 0] > seconds - 1e-6).all()
                    seconds = float(frames[-1, 0])
        return skipped

    skipped = asyncio.run(send_audio())
    # Half of ten seconds is processed in time; the rest is skipped and reported.
    assert max(late) <= MAX_DELAY + 1e-6
    assert skipped == sorted(skipped)
    assert skipped[-1] == pytest.approx(blocks * size / rate / 2, abs=2 * MAX_DELAY)


def test_a_stalled_connection_is_caught_up_in_one_gap() -> None:
    """Audio that was delayed by 1.5 s: the oldest part is skipped, time continues."""
    rate, size = 1000, 10
    receiver = AudioReceiver(rate, 0.0)
    stall = 1.5
    accepted = []
    for k in range(400):
        at = k * size / rate
        now = max(at, 1.0 + stall) if at > 1.0 else at
        if receiver.accept(AudioMessage(k * size, at, np.zeros(size, np.float32)), now):
            accepted.append((at, now - at))
    assert max(late for _, late in accepted) <= MAX_DELAY
    gaps = np.diff([at for at, _ in accepted])
    assert np.sum(gaps > 1.5 * size / rate) == 1
    assert receiver.dropped_seconds == pytest.approx(stall - RESUME_DELAY, abs=2 * size / rate)
    positions = np.array([0.5, 1.0, 1.2, len(accepted) * size / rate])
    lost = np.array([0, 0, receiver.dropped_seconds, receiver.dropped_seconds])
    np.testing.assert_allclose(
        receiver.source_times(positions), positions + lost, atol=2 * size / rate
    )
    # Audio that the page itself dropped counts as well.
    before = receiver.dropped_seconds
    assert receiver.accept(AudioMessage(4300, 4.3, np.zeros(size, np.float32)), 4.3)
    assert receiver.dropped_seconds == pytest.approx(before + 0.3)


def test_the_page_reports_skipped_audio(
    serving: RunningServer, monkeypatch: pytest.MonkeyPatch, open_browser, wait_until: Wait
) -> None:
    animate_block = serve._animate
    working = threading.Event()

    def animate(stream: Stream, samples: np.ndarray) -> np.ndarray:
        working.wait(60)
        return animate_block(stream, samples)

    monkeypatch.setattr(serve, "_animate", animate)
    page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    try:
        # The connection exists before the page opens the microphone.
        link = "koemorph.connection"
        late = f"{link}.sent / {link}.context.sampleRate > {MAX_DELAY} + 1"
        wait_until(page, f"{link}?.running && {late}")
    finally:
        working.set()
    wait_until(page, "document.getElementById('status').textContent.includes('skipped')")
    assert page.evaluate("koemorph.connection.skipped") >= MAX_DELAY


def test_a_denied_microphone_is_reported(
    serving: RunningServer, open_browser, wait_until: Wait
) -> None:
    page = open_browser("--deny-permission-prompts").new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.click("#start")
    wait_until(page, "document.getElementById('status').textContent.includes('allow it in')")


@pytest.mark.parametrize("capacity", [0, MAX_STREAMS])
def test_a_double_click_opens_one_microphone_and_all_is_closed(
    serving: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    open_browser,
    wait_until: Wait,
    capacity: int,
) -> None:
    monkeypatch.setattr(serve, "MAX_STREAMS", capacity)
    page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    page.evaluate(
        "() => { for (const id of ['start', 'play']) document.getElementById(id).click() }"
    )
    if capacity:
        wait_until(page, "koemorph.connection.frames > 10")
        assert serving.server._streams == 1
        page.click("#play")
    else:
        wait_until(page, "document.getElementById('status').textContent.includes('at once')")
    track = page.evaluate("koemorph.connection.media.getTracks()[0].readyState")
    assert (track, page.evaluate("koemorph.connection.context.state")) == ("ended", "closed")


def test_a_stopped_server_is_reported(
    serving: RunningServer, open_browser, wait_until: Wait
) -> None:
    page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
    page.goto(serving.page)
    wait_until(page, "!!window.koemorph?.ready")
    fail = "AudioWorklet.prototype.addModule = () => Promise.reject(Error('Network error'))"
    page.evaluate(f"() => {{ {fail} }}")
    page.click("#start")
    wait_until(
        page, "document.getElementById('status').textContent.includes('koemorph serve is running')"
    )


def test_preset_and_retarget_map_reach_the_page(
    tmp_path: Path, free_port: int, open_browser, wait_until: Wait
) -> None:
    """A retargeted rig has its own weights in every message; the drawn face keeps all 52."""
    description = {"koemorph": "retarget", "version": 1, "name": "half"}
    description["targets"] = {"vowelA": {"from": {"jawOpen": 0.5}}}
    (tmp_path / "map.json").write_text(json.dumps(description))
    rig = preview_rigs.two_materials(tmp_path / "rig.glb", ("vowelA", "vowelI"))
    model = Model(loudness_model.save(tmp_path / "m.onnx"))
    target = load_retarget_map(tmp_path / "map.json")
    server = Server(model, rig, "127.0.0.1", preset="raw", retarget=target)
    with run(server, free_port) as serving:
        page = open_browser(*chromium.FAKE_MICROPHONE).new_page()
        page.goto(serving.page)
        wait_until(page, "!!window.koemorph?.ready")
        page.click("#start")
        wait_until(page, "koemorph.connection?.rigHistory?.latest.vowelA > 0.01")
        history = "koemorph.connection.rigHistory.latest.vowelA, koemorph.history.latest.jawOpen"
        vowel, jaw = page.evaluate(f"[{history}]")
        assert vowel == pytest.approx(jaw / 2, abs=1e-5)
    with pytest.raises(DataError):
        Server(model, None, "127.0.0.1", preset="missing")
