"""Animate live audio: 16-bit PCM from standard input, or a microphone; one JSON line per frame.

    arecord -q -f S16_LE -r 48000 -c 1 | python examples/pcm_to_frames.py --sample-rate 48000
    python examples/pcm_to_frames.py --microphone     # needs: pip install sounddevice

Each frame is printed as soon as it is computed: about 37 ms after its sound arrived.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time

import numpy as np

import koemorph

BLOCK_SECONDS = 0.01


def print_frames(stream: koemorph.Stream) -> None:
    """Print the frames that were computed since the last call."""
    animation = stream.pull()
    for seconds, weights in zip(animation.times, animation.weights, strict=True):
        print(json.dumps({"timestamp": float(seconds), "blendshapes": weights.round(6).tolist()}))
    sys.stdout.flush()


def animate_standard_input(model: koemorph.Model, sample_rate: int) -> None:
    """Push each block as it arrives. `push` computes the frames on this thread."""
    stream = model.stream(sample_rate=sample_rate)
    block_bytes = 2 * round(BLOCK_SECONDS * sample_rate)
    while block := sys.stdin.buffer.read(block_bytes):
        stream.push(np.frombuffer(block[: len(block) // 2 * 2], "<i2"))
        print_frames(stream)
    stream.flush()
    print_frames(stream)


def animate_microphone(model: koemorph.Model, sample_rate: int) -> None:
    """Push in the audio callback; a worker thread of the library computes the frames."""
    import sounddevice

    stream = model.stream(sample_rate=sample_rate, worker=True, preset="microphone")

    def on_audio(block: np.ndarray, *_: object) -> None:
        stream.push(block)

    with sounddevice.InputStream(sample_rate, channels=1, dtype="float32", callback=on_audio):
        while True:
            print_frames(stream)
            time.sleep(1 / model.fps)


def main() -> None:
    """Choose the source and animate it until it ends."""
    parser = argparse.ArgumentParser(description="Animate live audio.")
    parser.add_argument("--sample-rate", type=int, default=48000, help="Hz")
    parser.add_argument("--model", default="30", help="a bundled model's name or an .onnx file")
    parser.add_argument("--microphone", action="store_true", help="instead of standard input")
    options = parser.parse_args()
    animate = animate_microphone if options.microphone else animate_standard_input
    with contextlib.suppress(KeyboardInterrupt):
        animate(koemorph.Model(options.model), options.sample_rate)


if __name__ == "__main__":
    main()
