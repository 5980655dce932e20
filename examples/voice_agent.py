"""Animate a voice agent with asyncio: chunks of a text-to-speech engine in, frames out.

    python examples/voice_agent.py line.wav --interrupt-after 1.5

The engine delivers audio faster than it is played. So the program pushes at most AHEAD seconds
more than are played, and samples the face at the time of the sound that is heard. When the user
interrupts, the chunks stop and the face moves to rest. Replace `synthesize` by your engine and
`show` by your renderer or network connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable

import numpy as np
import numpy.typing as npt
import soundfile

import koemorph

AHEAD = 2.0  # s; less than the stream's history_seconds (default 30), or unread frames are lost
FADE = 0.25  # s
CHUNK_SECONDS = 0.1

Samples = npt.NDArray[np.int16]
Show = Callable[[float, npt.NDArray[np.float32]], None]


async def synthesize(path: str) -> AsyncIterator[tuple[Samples, int]]:
    """Yield (chunk, sample rate), as a text-to-speech engine does: here from a file."""
    audio, sample_rate = soundfile.read(path, dtype="int16", always_2d=True)
    size = round(CHUNK_SECONDS * sample_rate)
    for start in range(0, len(audio), size):
        yield audio[start : start + size, 0], sample_rate
        await asyncio.sleep(0)


class Utterance:
    """One utterance: audio is pushed by `feed` and the face is read by `play`, concurrently."""

    def __init__(self, model: koemorph.Model, sample_rate: int, show: Show) -> None:
        self._stream = model.stream(sample_rate=sample_rate)
        self._sample_rate = sample_rate
        self._frame_seconds = 1 / model.fps
        self._show = show
        self._pushed = 0
        self._end: float | None = None  # s of playback, known when all chunks have arrived
        self._started = asyncio.get_running_loop().time()

    def playback_time(self) -> float:
        """Return the time of the sound that is heard now, in seconds.

        A program that plays audio takes it from its audio device: samples played / sample rate.
        """
        return asyncio.get_running_loop().time() - self._started

    async def feed(self, chunks: AsyncIterator[tuple[Samples, int]]) -> None:
        """Push the chunks, at most AHEAD seconds before they are heard."""
        async for chunk, _ in chunks:
            while self._pushed / self._sample_rate > self.playback_time() + AHEAD:
                await asyncio.sleep(self._frame_seconds)
            self._stream.push(chunk)
            self._pushed += len(chunk)
        self._stream.flush()
        self._end = self._pushed / self._sample_rate

    def interrupt(self) -> None:
        """End the utterance: the face moves to rest within FADE seconds."""
        now = self.playback_time()
        self._stream.fade_out(now, FADE)
        self._end = now + FADE

    async def play(self) -> None:
        """Show one frame per frame period, until the utterance has ended."""
        while self._end is None or self.playback_time() < self._end:
            now = self.playback_time()
            self._show(now, self._stream.sample(now))
            await asyncio.sleep(self._frame_seconds)
        self._show(self._end, self._stream.sample(self._end))


async def play_speech(
    model: koemorph.Model, path: str, show: Show, interrupt_after: float | None = None
) -> None:
    """Animate one utterance; `interrupt_after` seconds simulate a user who interrupts."""
    sample_rate = soundfile.info(path).samplerate
    utterance = Utterance(model, sample_rate, show)
    feeding = asyncio.create_task(utterance.feed(synthesize(path)))
    playing = asyncio.create_task(utterance.play())
    if interrupt_after is not None:
        await asyncio.sleep(interrupt_after)
        feeding.cancel()
        utterance.interrupt()
    await asyncio.gather(playing, feeding, return_exceptions=interrupt_after is not None)


def main() -> None:
    """Print the frames of one utterance."""
    parser = argparse.ArgumentParser(description="Animate a text-to-speech voice.")
    parser.add_argument("audio", help="stands for the text-to-speech engine")
    parser.add_argument("--interrupt-after", type=float, help="seconds")
    options = parser.parse_args()

    def show(seconds: float, weights: npt.NDArray[np.float32]) -> None:
        frame = {"timestamp": round(seconds, 4), "blendshapes": weights.round(6).tolist()}
        print(json.dumps(frame), flush=True)

    asyncio.run(play_speech(koemorph.Model(), options.audio, show, options.interrupt_after))


if __name__ == "__main__":
    main()
