"""The work of koemorph export; separate, since it imports torch and ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from koemorph.errors import DataError

from ..cache import FeatureCache
from ..checkpoints import load_checkpoint
from ..datasets.recordings import read_audio
from ..export import at_fps, export, metadata
from ..expression import expression_backend
from ..styles import set_style


def run_export(checkpoint: Path, output: Path, audio: Path, options: dict[str, Any]) -> str:
    """Export a checkpoint.

    Args:
        checkpoint: A .safetensors file.
        output: The file to write.
        audio: Speech to verify with.
        options: The other options of the command.

    Returns:
        A line about size, difference from torch and duration of a frame.
    """
    loaded = load_checkpoint(checkpoint)
    described = loaded.description
    network, settings = at_fps(loaded, int(options["fps"] or described.features.fps))
    set_style(network, options["style"])
    texts = {
        **{key: options[key] for key in ("name", "model_version", "training_data")},
        "license": options["license_name"],
        "style": options["style"] or network.settings.styles[0],
        "metrics": _metrics(options["metrics"]),
    }
    samples, sample_rate = read_audio(audio)
    backend = expression_backend(described.expression_features)
    with FeatureCache.temporary(settings, backend) as cache:
        written = export(
            network,
            metadata(loaded, network, settings, texts),
            cache.load(samples, sample_rate),
            output,
            file_format=options["file_format"],
            quantize=options["quantize"],
            mobile=options["mobile"],
        )
    return (
        f"{written.path}: {written.bytes / 1e6:.2f} MB, {settings.fps} fps; largest difference "
        f"from torch {written.difference:.2g}, smallest r {written.correlation:.5f}; "
        f"{written.frame_milliseconds:.3f} ms per frame on one thread"
    )


def _metrics(path: Path | None) -> str:
    if path is None:
        return "{}"
    try:
        return json.dumps(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(
            f"--metrics {path}: not readable as JSON ({error}). Use the output of "
            "koemorph evaluate --json.",
            code="bad_json",
        ) from error
