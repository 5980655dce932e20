"""The microphone, through PortAudio: opened again when it was lost, with silence in between."""

from __future__ import annotations

import os
from collections import deque
from typing import Any

import numpy as np

from koemorph.errors import AudioError
from koemorph.live.sources import FloatArray, Source

_RETRY_SECONDS = 1.0
_SILENT_SECONDS = 1.0
"""A device that delivers nothing for so long is taken for lost, whatever it says."""
_HELD_BLOCKS = 2000


def _sounddevice() -> Any:
    # Without a wish PulseAudio and PipeWire hand over sound in lumps of up to two seconds.
    os.environ.setdefault("PULSE_LATENCY_MSEC", "20")
    try:
        import sounddevice
    except OSError as error:  # the wheel for Linux leaves PortAudio itself to the system
        raise AudioError(
            "PortAudio, which reads microphones, is not installed; install it "
            "(Debian and Ubuntu: apt install libportaudio2) and try again."
        ) from error
    return sounddevice


def input_devices() -> list[tuple[int, str, int, int]]:
    """Index, name, channels and default rate (Hz) of every device that can record."""
    devices = _sounddevice().query_devices()
    return [
        (
            index,
            str(device["name"]),
            int(device["max_input_channels"]),
            int(device["default_samplerate"]),
        )
        for index, device in enumerate(devices)
        if device["max_input_channels"] > 0
    ]


class MicrophoneSource(Source):
    """One channel of a microphone at its own rate, in blocks of about 10 ms."""

    channels = 1

    def __init__(self, device: str = "") -> None:
        """`device`: an index, a part of a name, or "" for the default; AudioError without it."""
        self._sd = _sounddevice()
        self._device: int | str | None = int(device) if device.isdecimal() else device or None
        try:
            found = self._sd.query_devices(self._device, "input")
        except (ValueError, self._sd.PortAudioError) as error:
            raise AudioError(self._no_device(device)) from error
        self.sample_rate = int(found["default_samplerate"])
        self._blocks: deque[FloatArray] = deque(maxlen=_HELD_BLOCKS)
        self._stream: Any = None
        self._began = self._heard = self._retry = 0.0
        self._given = 0

    def _no_device(self, device: str) -> str:
        names = ", ".join(f'{index} "{name}"' for index, name, *_ in input_devices())
        if not names:
            return "No microphone was found; plug one in, or use --wav FILE or --stdin RATE."
        wanted = f'No microphone is called "{device}"' if device else "There is no default one"
        return f"{wanted}; choose one of {names}."

    def start(self, now: float) -> None:
        self._began = self._heard = now
        self._open()
        if self._stream is None:
            raise AudioError(f"The microphone cannot be used: {self.trouble}.")

    def _open(self) -> None:
        try:
            stream = self._sd.InputStream(
                device=self._device,
                channels=1,
                samplerate=self.sample_rate,
                blocksize=self.sample_rate // 100,
                latency="low",
                dtype="float32",
                callback=self._receive,
            )
            stream.start()
        except (ValueError, self._sd.PortAudioError) as error:
            self.trouble = str(error).rstrip(".")
            return
        self._stream = stream
        self.trouble = ""

    def _receive(self, data: FloatArray, frames: int, time: Any, status: Any) -> None:
        self._blocks.append(data.copy())

    def read(self, now: float) -> FloatArray:
        parts = []
        while self._blocks:
            parts.append(self._blocks.popleft())
        if parts:
            self._heard = now
        elif now - self._heard > _SILENT_SECONDS:
            parts.append(self._silence(now))
            self._try_again(now)
        audio = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
        self._given += len(audio)
        return audio

    def _silence(self, now: float) -> FloatArray:
        missing = int((now - self._began) * self.sample_rate) - self._given
        return np.zeros((max(missing, 0), 1), np.float32)

    def _try_again(self, now: float) -> None:
        self.trouble = self.trouble or "the microphone was lost; trying again"
        if now < self._retry:
            return
        self._retry = now + _RETRY_SECONDS
        self._stop()
        # PortAudio lists devices once; a device that came back is only seen after starting anew.
        self._sd._terminate()
        self._sd._initialize()
        self._open()

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        self._stop()
