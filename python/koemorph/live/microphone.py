"""Microphones through PortAudio, reopened after a loss, with silence meanwhile."""

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
from koemorph.errors import AudioError, raise_missing_extra
from koemorph.live.sources import FloatArray, Source

_RETRY_SECONDS = 1.0
_LOST_SECONDS = 1.0
"""Without audio for this long a device counts as lost, whatever it reports."""
_STALL_SECONDS = 0.5
"""Without a read for this long the program was suspended, and the device is not at fault."""
_OPENING_SECONDS = 5.0
"""Longest time from opening a device to its first audio; PulseAudio needs two seconds."""
_SETTLING_SECONDS = 0.3
"""Audio in this time after opening is discarded, because devices first deliver a backlog."""
_MAX_QUEUED_BLOCKS = 2000
NO_MICROPHONE = "No microphone found. Connect one, or use --wav FILE or --stdin RATE."
_LOST = "no audio from the microphone, reconnecting"


def _sounddevice() -> Any:
    # By default PulseAudio and PipeWire deliver blocks of up to two seconds.
    os.environ.setdefault("PULSE_LATENCY_MSEC", "20")
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise_missing_extra("koemorph live --mic", "live", error)
    except OSError as error:  # the Linux wheel does not include PortAudio
        raise AudioError(
            "Cannot use microphones: PortAudio is not installed. Install it (Debian and Ubuntu: "
            "apt install libportaudio2).",
            code="portaudio_missing",
        ) from error
    return sounddevice


def input_devices() -> list[tuple[int, str, int, int]]:
    """List the devices that can record.

    Returns:
        Index, name, channel count and default sample rate (Hz) of each. The name ends with the
        audio interface's, because Windows lists each device under four of them.

    Raises:
        AudioError: PortAudio is not installed (code "portaudio_missing").
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
    """One channel of a microphone at its own sample rate, in blocks of about 10 ms.

    A lost device is replaced by silence, so that time continues, and reopened in a separate
    thread, because asking a stopped sound server can take seconds. The reopened device may have
    another sample rate, which its first audio sets.
    """

    channels = 1

    def __init__(self, device: str = "") -> None:
        """Find the device.

        Args:
            device: An index, a part of a name, or "" for the default device.

        Raises:
            AudioError: There is no such device (code "no_microphone") or its sample rate is not
                supported.
        """
        self._sd = _sounddevice()
        self._device: int | str | None = int(device) if device.isdecimal() else device or None
        try:
            self.sample_rate = self._rate()
        except (ValueError, self._sd.PortAudioError) as error:
            raise AudioError(self._no_device(device), code="no_microphone") from error
        # Blocks with the sample rate of their device.
        self._blocks: deque[tuple[int, FloatArray]] = deque(maxlen=_MAX_QUEUED_BLOCKS)
        self._stream: Any = None
        self._reopening: Thread | None = None
        self._open_error = ""
        # When the device delivered its first audio; None before.
        self._first_audio: float | None = None
        self._receiving = False
        self._last_read = 0.0
        # When audio last arrived, and up to when audio or silence has been returned.
        self._last_audio = 0.0
        self._filled_until = 0.0
        # The device does not count as lost before this time.
        self._retry_after = 0.0

    def _rate(self) -> int:
        """Return the device's native sample rate in Hz, so that no driver resamples."""
        rate = int(self._sd.query_devices(self._device, "input")["default_samplerate"])
        check_sample_rate(rate, "The microphone")
        return rate

    def _no_device(self, device: str) -> str:
        found = input_devices()
        if not found:
            return NO_MICROPHONE
        problem = f'No microphone matches "{device}"' if device else "No default microphone"
        matching = [entry for entry in found if device and device.lower() in entry[1].lower()]
        if len(matching) > 1:
            problem, found = f'Several microphones match "{device}"', matching
        names = ", ".join(f'{index} "{name}"' for index, name, *_ in found)
        return f"{problem}. Choose one of {names}."

    def start(self, now: float) -> None:
        self._last_read = self._last_audio = self._filled_until = now
        self._retry_after = now + _OPENING_SECONDS
        self._open()
        if self._stream is None:
            raise AudioError(
                f"Cannot open the microphone: {self._open_error}.", code="microphone_failed"
            )

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
            self._open_error = ""
        except (ValueError, AudioError, self._sd.PortAudioError) as error:
            self._stop()
            self._open_error = str(error).rstrip(".")

    def _receive(
        self, rate: int, data: FloatArray, sample_count: int, time: Any, status: Any
    ) -> None:
        self._blocks.append((rate, data.copy()))

    def read(self, now: float) -> FloatArray:
        if now - self._last_read > _STALL_SECONDS:
            self._retry_after = max(self._retry_after, now + _LOST_SECONDS)
        self._last_read = now
        rate, audio = self._take_blocks()
        if len(audio):
            self._first_audio = now if self._first_audio is None else self._first_audio
            if self._receiving or now - self._first_audio >= _SETTLING_SECONDS:
                return self._accept(rate, audio, now)
        if now - self._last_audio < _LOST_SECONDS:
            return np.zeros((0, 1), np.float32)
        return self._fill_with_silence(now)

    def _take_blocks(self) -> tuple[int, FloatArray]:
        """Return the queued audio of one device and its sample rate."""
        rate, parts = self.sample_rate, [np.zeros((0, 1), np.float32)]
        while self._blocks and (len(parts) == 1 or self._blocks[0][0] == rate):
            rate, block = self._blocks.popleft()
            parts.append(block)
        return rate, np.concatenate(parts)

    def _accept(self, rate: int, audio: FloatArray, now: float) -> FloatArray:
        """Return new audio; after silence, exactly as much as the timeline lacks."""
        self.sample_rate = rate
        if not self._receiving:
            missing = self._missing_samples(now)
            gap = np.zeros((max(0, missing - len(audio)), 1), np.float32)
            audio = np.concatenate([gap, audio[max(0, len(audio) - missing) :]])
        self._receiving = True
        self._last_audio = self._filled_until = now
        self._retry_after = 0.0
        self.error = ""
        return audio

    def _fill_with_silence(self, now: float) -> FloatArray:
        """Return silence up to now and try to reopen the device."""
        self._receiving = False
        self._reopen_if_lost(now)
        self.error = f"{_LOST} ({self._open_error})" if self._open_error else _LOST
        missing = self._missing_samples(now)
        self._filled_until += missing / self.sample_rate
        return np.zeros((missing, 1), np.float32)

    def _missing_samples(self, now: float) -> int:
        """Return how many samples the timeline lacks at `now`."""
        return max(0, int((now - self._filled_until) * self.sample_rate))

    def _reopen_if_lost(self, now: float) -> None:
        if self._reopening is not None:
            if self._reopening.is_alive():
                return
            self._reopening = None
            self._retry_after = now + (_RETRY_SECONDS if self._stream is None else _OPENING_SECONDS)
        if now >= self._retry_after:
            self._first_audio = None
            self._reopening = Thread(target=self._reopen, daemon=True, name="microphone")
            self._reopening.start()

    def _reopen(self) -> None:
        self._stop()
        # PortAudio lists devices at initialization; a reconnected device appears after a new one.
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
        """Close the device; a device of a hung sound server is left to the system."""
        closing = self._reopening
        if closing is not None:
            closing.join(_OPENING_SECONDS)
        if closing is None or not closing.is_alive():
            closing = Thread(target=self._stop, daemon=True, name="microphone")
            closing.start()
            closing.join(_OPENING_SECONDS)
        if closing.is_alive():
            # PortAudio's exit handler would wait for it as well.
            atexit.unregister(self._sd._exit_handler)
