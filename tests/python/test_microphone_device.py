"""The microphone source with a simulated device, and the choice of a device."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread, current_thread
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from waiting import wait_for

from koemorph.cli.live import command
from koemorph.errors import AudioError
from koemorph.live import microphone
from koemorph.live.microphone import MicrophoneSource


class DeviceGoneError(Exception):
    """Replaces PortAudioError."""


class SimulatedDevice:
    """The part of sounddevice that MicrophoneSource uses, as a device that can be unplugged."""

    PortAudioError = DeviceGoneError

    def __init__(self) -> None:
        self.connected, self.opened, self.rate = True, 0, 16000.0
        self.callback: Callable[..., None] | None = None

    def open(self, callback: Callable[..., None], samplerate: int, **_: Any) -> SimulatedDevice:
        if not self.connected:
            raise DeviceGoneError("Device unavailable.")
        if samplerate != self.rate:
            raise DeviceGoneError("Invalid sample rate.")
        self.opened += 1
        self.callback = callback
        return self

    def query_devices(self, *_: Any) -> dict[str, float]:
        return {"default_samplerate": self.rate}

    def do_nothing(self) -> None:
        pass

    InputStream = open
    start = close = _terminate = _initialize = _exit_handler = do_nothing

    def deliver(self, value: float, samples: int) -> None:
        assert self.callback is not None
        self.callback(np.full((samples, 1), value, np.float32), samples, None, None)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> SimulatedDevice:
    simulated = SimulatedDevice()
    monkeypatch.setattr(microphone, "_sounddevice", lambda: simulated)
    return simulated


def started_microphone(device: SimulatedDevice) -> tuple[MicrophoneSource, float]:
    """Return a microphone after 0.4 s of audio, and the seconds that it returned."""
    source = MicrophoneSource()
    source.start(0.0)
    device.deliver(1, 6400)
    source.read(0.0)
    device.deliver(1, 1600)
    return source, len(source.read(0.4)) / source.sample_rate


def read_through(source: MicrophoneSource, begin: float, end: float) -> np.ndarray:
    """Return the audio from `begin` to `end`, waiting for every reopening."""
    blocks = []
    for step in range(round((end - begin) * 10)):
        blocks.append(source.read(begin + (step + 1) / 10))
        if source._reopening is not None:
            source._reopening.join()
    return np.concatenate(blocks)[:, 0]


def test_silence_replaces_a_lost_device_without_a_time_jump(device: SimulatedDevice) -> None:
    source = MicrophoneSource()
    source.start(0.0)
    device.deliver(1, 1600)
    assert not len(source.read(0.1)), "a backlog was returned"
    device.deliver(1, 4800)
    assert source.read(0.4).sum() == 4800
    device.connected = False
    silence = read_through(source, 0.4, 4.0)
    assert not silence.any()
    assert len(silence) == pytest.approx(3.6 * 16000, abs=1)
    assert "Device unavailable" in source.error
    device.connected = True
    read_through(source, 4.0, 6.0)
    assert device.opened == 2
    # A device that is slow to deliver its first audio is not reopened.
    read_through(source, 6.0, 8.0)
    assert device.opened == 2
    # A backlog of two seconds that silence has replaced already.
    device.deliver(0.5, 32000)
    assert not read_through(source, 8.0, 8.4).any()
    device.deliver(0.25, 3200)
    assert source.read(8.5) == pytest.approx(np.full((1600, 1), 0.25))
    assert source.error == ""
    device.deliver(0.125, 1600)
    assert source.read(8.6) == pytest.approx(np.full((1600, 1), 0.125))
    source.close()


def test_a_suspended_program_does_not_reopen_the_device(device: SimulatedDevice) -> None:
    source, seconds = started_microphone(device)
    # After a suspend, the session runs before the device's first block arrives.
    seconds += len(source.read(8.0)) / 16000
    assert source._reopening is None
    device.deliver(0.5, 1600)
    sound = source.read(8.1)
    assert (sound == 0.5).all()
    assert seconds + len(sound) / 16000 == pytest.approx(8.1, abs=0.001)
    assert (device.opened, source.error) == (1, "")
    # A device that was lost meanwhile is reopened, a second later than usual.
    source.read(16.0)
    device.connected = False
    read_through(source, 16.0, 18.0)
    device.connected = True
    read_through(source, 18.0, 20.0)
    assert device.opened == 2
    source.close()


def test_a_reopened_device_may_have_another_sample_rate(device: SimulatedDevice) -> None:
    source, seconds = started_microphone(device)
    device.connected, device.rate = False, 384000.0
    seconds += len(read_through(source, 0.4, 3.0)) / source.sample_rate
    device.connected = True
    seconds += len(read_through(source, 3.0, 5.0)) / source.sample_rate
    assert "384000" in source.error, "an unsupported rate is silence"
    device.rate = 44100.0
    seconds += len(read_through(source, 5.0, 7.0)) / source.sample_rate
    assert source.sample_rate == 16000, "silence has the earlier sample rate"
    device.deliver(0.5, 4410)
    assert not read_through(source, 7.0, 7.1).any()
    device.deliver(0.25, 13230)
    sound = source.read(7.5)
    seconds += 0.1 + len(sound) / source.sample_rate
    assert source.sample_rate == 44100
    assert sound[-13230:] == pytest.approx(np.full((13230, 1), 0.25))
    assert seconds == pytest.approx(7.5, abs=0.001)
    source.close()


@pytest.mark.parametrize(
    ("times", "reopening"),
    [
        ((), False),
        ((1.0, 1.5), False),  # the program was suspended
        ((0.8, 1.2, 1.5), True),
    ],
)
def test_a_hung_sound_server_does_not_block_the_exit(
    device: SimulatedDevice,
    monkeypatch: pytest.MonkeyPatch,
    times: tuple[float, ...],
    reopening: bool,
) -> None:
    monkeypatch.setattr(microphone, "_OPENING_SECONDS", 0.1)
    back, closed_by, unregistered = Event(), [], []

    def close() -> None:
        closed_by.append(current_thread())
        back.wait()

    monkeypatch.setattr(device, "close", close)
    monkeypatch.setattr("atexit.unregister", unregistered.append)
    source, _ = started_microphone(device)
    for now in times:
        source.read(now)
    assert (source._reopening is not None) == reopening
    ending = Thread(target=source.close, daemon=True)
    ending.start()
    try:
        wait_for(lambda: not ending.is_alive())
        assert len(closed_by) == 1, "closed by two threads"
        assert unregistered == [device.do_nothing]
    finally:
        back.set()


def test_ambiguous_microphone_names_list_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, which lists each device under several interfaces."""
    microphones = [
        {"name": name, "hostapi": api, "max_input_channels": 1, "default_samplerate": 48000.0}
        for name in ("USB", "Line")
        for api in (0, 1)
    ]

    def query_devices(device: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        if device is None:
            return microphones
        raise ValueError("Multiple input devices found" if device == "usb" else "No input device")

    monkeypatch.setattr("sounddevice.query_devices", query_devices)
    monkeypatch.setattr("sounddevice.query_hostapis", lambda: [{"name": "MME"}, {"name": "WASAPI"}])
    listed = CliRunner().invoke(command, ["--devices"]).stdout.splitlines()
    assert listed[1] == "  1  USB, WASAPI  (1 channels, 48000 Hz)"
    for name, choices in (
        ("usb", r'0 "USB, MME", 1 "USB, WASAPI"\.$'),
        ("cam", r'3 "Line, WASAPI"'),
    ):
        with pytest.raises(AudioError, match=f'"{name}".*{choices}') as caught:
            MicrophoneSource(name)
        assert caught.value.code == "no_microphone"


def test_devices_without_a_microphone_prints_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koemorph.cli.live.input_devices", list)
    result = CliRunner().invoke(command, ["--devices"])
    assert result.exit_code == 0
    assert "--wav FILE" in result.stderr
