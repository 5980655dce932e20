"""One WAV, one model, one animation: in C, in Python, in Unity and in Unreal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from engine_game import run

from koemorph import Model
from koemorph.model import onnxruntime_library


def test_c_python_unity_and_unreal_agree(
    native_build: Path,
    unity_game: list[str],
    unreal_player: Path,
    game_folder: Path,
    tiny_models: dict[int, Path],
    speech: Path,
    tmp_path: Path,
) -> None:
    model = tiny_models[30]
    python = Model(model).animate(speech)
    samples, rate = soundfile.read(speech, dtype="float32")
    raw = tmp_path / "speech.f32"
    samples.tofile(raw)

    example = [native_build / "native" / "wav_to_jsonl", model, speech, onnxruntime_library()]
    lines = [json.loads(line) for line in run([*example]).stdout.splitlines()]
    faces = {"C": np.array([line["blendshapes"] for line in lines])}

    def rows(name: str, *command: str | Path) -> npt.NDArray[np.float64]:
        out = tmp_path / f"{name}.f64"
        run([*command, out], game_folder)
        return np.fromfile(out).reshape(-1, 53)[:, 1:]

    sound = (raw, str(rate), "1")
    faces["Unity"] = rows("unity", *unity_game, "bake", *sound, model)
    faces["Unreal"] = rows("unreal", unreal_player, "bake", game_folder, model, *sound)

    for name, found in faces.items():
        np.testing.assert_allclose(found, python.weights, atol=1e-5, err_msg=name)
