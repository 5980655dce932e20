"""The microphone, through PortAudio: opened again when it was lost, with silence in between."""

from __future__ import annotations

import atexit
import os
from collections import deque
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

import numpy as np

from koemorph.audio import check_sample_rate
from koemorph.errors import AudioError
from koemorph.live.sources import FloatArray, Source

_RETRY_SECONDS = 1.0
_SILENT_SECONDS = 1.0
"""A device that delivers nothing for so long is silence, and taken for lost, whatever it says."""
_STOOD_SECONDS = 0.5
"""When nobody has read for so long, it was the program that stood still, and not the device."""
_OPENING_SECONDS = 5.0
"""So long a device may take from being opened to its first sound; PulseAudio needs two."""
_SETTLING_SECONDS = 0.3
"""The first sound may come in a lump of what is long past; it would put all that follows behind."""
_HELD_BLOCKS = 2000
NO_MICROPHONE = "No microphone was found; plug one in, or use --wav FILE or --stdin RATE."
_LOST = "no sound comes from the microphone; trying again"


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
    """Index, name, channels and default rate (Hz) of every device that can record.

    The name ends with that of the system's interface: on Windows each device is there under four.
    """
    sd = _sounddevice()
    interfaces = sd.query_hostapis()
    return [
        (
            index,
            f"{device['name']}, {interfaces[device['hostapi']]['name']}",
            int(device["max_input_channels"]),
            int(device["default_samplerate"]),
        )
        for index, device in enumerate(sd.query_devices())
        if device["max_input_channels"] > 0
    ]


class MicrophoneSource(Source):
    """One channel of a microphone at its own rate, in blocks of about 10 ms.

    While it is lost there is silence, so that time goes on, and it is opened again by a thread of
    its own: asking a sound server that is gone may take seconds. What is there then may be another
    device with another rate; its first sound brings it.
    """

    channels = 1

    def __init__(self, device: str = "") -> None:
        """`device`: an index, parts of a name, or "" for the default; AudioError without it."""
        self._sd = _sounddevice()
        self._device: int | str | None = int(device) if device.isdecimal() else device or None
        try:
            self.sample_rate = self._rate()
        except (ValueError, self._sd.PortAudioError) as error:
            raise AudioError(self._no_device(device)) from error
        # With the rate of the device that gave them.
        self._blocks: deque[tuple[int, FloatArray]] = deque(maxlen=_HELD_BLOCKS)
        self._stream: Any = None
        self._reopening: Thread | None = None
        self._failure = ""
        # When sound came first; None while there is none.
        self._first: float | None = None
        self._flowing = False
        self._read = 0.0
        # When sound was last given, and up to when silence has stood in for it since.
        self._heard = 0.0
        self._filled = 0.0
        # No verdict about the device before this.
        self._patience = 0.0

    def _rate(self) -> int:
        """The device's own rate, Hz: another one would be resampled by who knows whom."""
        rate = int(self._sd.query_devices(self._device, "input")["default_samplerate"])
        check_sample_rate(rate, "The microphone")
        return rate

    def _no_device(self, device: str) -> str:
        found = input_devices()
        if not found:
            return NO_MICROPHONE
        wanted = f'No microphone is called "{device}"' if device else "There is no default one"
        meant = [entry for entry in found if device and device.lower() in entry[1].lower()]
        if len(meant) > 1:
            wanted, found = f'Several microphones are called "{device}"', meant
        names = ", ".join(f'{index} "{name}"' for index, name, *_ in found)
        return f"{wanted}; choose one of {names}."

    def start(self, now: float) -> None:
        self._read = self._heard = self._filled = now
        self._patience = now + _OPENING_SECONDS
        self._open()
        if self._stream is None:
            raise AudioError(f"The microphone cannot be used: {self._failure}.")

    def _open(self) -> None:
        try:
            rate = self._rate()
            stream = self._sd.InputStream(
                device=self._device,
                channels=1,
                samplerate=rate,
                blocksize=rate // 100,
                latency="low",
                dtype="float32",
                callback=partial(self._receive, rate),
            )
            self._stream = stream
            stream.start()
            self._failure = ""
        except (ValueError, AudioError, self._sd.PortAudioError) as error:
            self._stop()
            self._failure = str(error).rstrip(".")

    def _receive(self, rate: int, data: FloatArray, frames: int, time: Any, status: Any) -> None:
        self._blocks.append((rate, data.copy()))

    def read(self, now: float) -> FloatArray:
        if now - self._read > _STOOD_SECONDS:
            self._patience = max(self._patience, now + _SILENT_SECONDS)
        self._read = now
        rate, audio = self._take()
        if len(audio):
            self._first = now if self._first is None else self._first
            if self._flowing or now - self._first >= _SETTLING_SECONDS:
                return self._sound(rate, audio, now)
        if now - self._heard < _SILENT_SECONDS:
            return np.zeros((0, 1), np.float32)
        return self._silence(now)

    def _take(self) -> tuple[int, FloatArray]:
        """What one device has given, and its rate; the next device's is left for the next time."""
        rate, parts = self.sample_rate, [np.zeros((0, 1), np.float32)]
        while self._blocks and (len(parts) == 1 or self._blocks[0][0] == rate):
            rate, block = self._blocks.popleft()
            parts.append(block)
        return rate, np.concatenate(parts)

    def _sound(self, rate: int, audio: FloatArray, now: float) -> FloatArray:
        """Sound that came just now; the first of it after silence fills what is missing, just."""
        self.sample_rate = rate
        if not self._flowing:
            missing = self._missing(now)
            gap = np.zeros((max(0, missing - len(audio)), 1), np.float32)
            audio = np.concatenate([gap, audio[max(0, len(audio) - missing) :]])
        self._flowing = True
        self._heard = self._filled = now
        self._patience = 0.0
        self.error = ""
        return audio

    def _silence(self, now: float) -> FloatArray:
        """What stands in for sound until it flows again."""
        self._flowing = False
        self._try_again(now)
        self.error = f"{_LOST} ({self._failure})" if self._failure else _LOST
        missing = self._missing(now)
        self._filled += missing / self.sample_rate
        return np.zeros((missing, 1), np.float32)

    def _missing(self, now: float) -> int:
        """Samples that should have come by `now` for time to go on."""
        return max(0, int((now - self._filled) * self.sample_rate))

    def _try_again(self, now: float) -> None:
        if self._reopening is not None:
            if self._reopening.is_alive():
                return
            self._reopening = None
            self._patience = now + (_RETRY_SECONDS if self._stream is None else _OPENING_SECONDS)
        if now >= self._patience:
            self._first = None
            self._reopening = Thread(target=self._reopen, daemon=True, name="microphone")
            self._reopening.start()

    def _reopen(self) -> None:
        self._stop()
        # PortAudio lists devices once; a device that came back is only seen after starting anew.
        with suppress(self._sd.PortAudioError):
            self._sd._terminate()
        with suppress(self._sd.PortAudioError):
            self._sd._initialize()
        self._open()

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Give the device back; one that does not come back, as of a sound server that hangs, is
        left to the system.
        """
        closing = self._reopening
        if closing is not None:
            closing.join(_OPENING_SECONDS)
        if closing is None or not closing.is_alive():
            closing = Thread(target=self._stop, daemon=True, name="microphone")
            closing.start()
            closing.join(_OPENING_SECONDS)
        if closing.is_alive():
            # At the program's end PortAudio would wait for it as well.
            atexit.unregister(self._sd._exit_handler)
