"""Animate an audio file and print one JSON object per frame.

    python examples/file_to_jsonl.py line.wav > line.jsonl

`koemorph animate line.wav -o line.jsonl` does the same; this program shows the Python calls.
"""

from __future__ import annotations

import argparse
import json

import koemorph


def main() -> None:
    """Print the frames of a file."""
    parser = argparse.ArgumentParser(description="Animate an audio file.")
    parser.add_argument("audio")
    parser.add_argument("--model", default="30", help="a bundled model's name or an .onnx file")
    parser.add_argument("--preset", default=None, help="a preset's name or file")
    options = parser.parse_args()

    model = koemorph.Model(options.model)
    animation = model.animate(options.audio, preset=options.preset)
    for index, (time, weights) in enumerate(zip(animation.times, animation.weights, strict=True)):
        frame = {
            "frame_index": index,
            "timestamp": float(time),
            "blendshapes": [round(float(weight), 6) for weight in weights],
        }
        print(json.dumps(frame))


if __name__ == "__main__":
    main()
