"""The npm package in Node.js: the native core's curves, errors, and the size of the download."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koemorph import BLENDSHAPES, Controls, Model
from koemorph.model import bundled_model

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


def node(path: str, script: str, *arguments: object) -> bytes:
    command = [path, HERE / script, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


@pytest.mark.parametrize("wasm", ["koemorph-simd.wasm", "koemorph.wasm"])
def test_frames_equal_those_of_the_native_core(
    web_package: Path, needs_tool: Callable[[str], str], speech: Path, tmp_path: Path, wasm: str
) -> None:
    samples, sample_rate = soundfile.read(speech, dtype="float32")
    model = bundled_model("30-fast")
    samples.astype("<f4").tofile(tmp_path / "speech.f32")
    arguments = (
        web_package,
        model,
        tmp_path / "speech.f32",
        sample_rate,
        web_package / "dist" / wasm,
    )
    frames = np.frombuffer(node(needs_tool("node"), "animate.mjs", *arguments), "<f4")
    expected = Model(model).animate(samples, sample_rate=sample_rate, controls=Controls()).weights
    np.testing.assert_allclose(frames.reshape(-1, 52)[: len(expected)], expected, atol=1e-5)


def test_faces_errors_and_maps(
    web_package: Path, needs_tool: Callable[[str], str], tiny_models: dict[int, Path]
) -> None:
    out = json.loads(node(needs_tool("node"), "checks.mjs", web_package, tiny_models[30]))
    assert out["codes"] == {
        "other": "invalid_model",
        "missing": "no_model",
        "sampleRate": "invalid_argument",
        "samples": "invalid_argument",
        "preset": "invalid_argument",
        "control": "invalid_argument",
        "map": "invalid_map",
    }
    assert out["names"] == list(BLENDSHAPES)
    assert (out["fps"], out["frameCount"]) == (30, 60)
    assert out["between"] < 1e-6
    assert [out[name] for name in ("newest", "back", "paused", "callback")] == [True] * 4
    assert out["faded"] == 0
    assert out["afterReset"] == [0, 0]
    assert out["map"] == [["aa", "ou", "x"], [True, True, False], 3]


def test_weights_reach_three_js_and_vrm_avatars(
    web_package: Path,
    needs_tool: Callable[[str], str],
    tiny_models: dict[int, Path],
    avatar_packages: Path,
) -> None:
    arguments = (web_package, tiny_models[30], avatar_packages)
    out = json.loads(node(needs_tool("node"), "avatars.mjs", *arguments))
    jaw, blink = (
        np.float32(BLENDSHAPES.index(name) + 1) / 100 for name in ("jawOpen", "eyeBlinkLeft")
    )
    np.testing.assert_allclose(out["head"], [jaw, 0, blink], atol=1e-6)
    np.testing.assert_allclose(out["teeth"], [jaw], atol=1e-6)
    assert sorted(out["matched"]) == ["eyeBlinkLeft", "jawOpen"]
    assert out["missing"] == 50
    assert out["perfectSync"] == [True, False]
    assert out["perfectJaw"] == pytest.approx(jaw)
    assert out["plain"] == pytest.approx(out["expected"])
    assert out["plain"][1] > 0
    assert out["refused"]


@pytest.mark.parametrize(("model", "limit"), [("30-fast", 1.0e6), ("30", 3.0e6)])
def test_the_download_is_small(web_package: Path, model: str, limit: float) -> None:
    files = [*(web_package / "dist").glob("*.js"), web_package / "dist" / "koemorph-simd.wasm"]
    files.append(web_package / "models" / f"koemorph-{model}.onnx")
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) <= limit
