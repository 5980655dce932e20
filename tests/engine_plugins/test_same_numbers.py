"""C, Python, Unity and Unreal compute equal animations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from engine_game import Voice, run

from koemorph import Controls, Model
from koemorph.model import MODELS


def blendshapes(jsonl: str) -> npt.NDArray[np.float64]:
    return np.array([json.loads(line)["blendshapes"] for line in jsonl.splitlines()])


@pytest.mark.parametrize("model", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
def test_c_python_unity_and_unreal_agree(
    unity_game: list[str],
    unreal_player: Path,
    game_folder: Path,
    native_build: Path,
    voice_of: Callable[[Path], Voice],
    model: Path,
    tmp_path: Path,
) -> None:
    """With every bundled model."""
    voice = voice_of(model)
    samples = np.fromfile(voice.file, dtype=np.float32).reshape(-1, voice.channels)
    wav = tmp_path / "voice.wav"
    soundfile.write(wav, samples, voice.sample_rate, subtype="FLOAT")
    output = run([native_build / "examples" / "wav_to_jsonl", voice.model, wav]).stdout
    # The defaults of C and of the plugins: the command line's own default is a preset.
    preset = tmp_path / "defaults.json"
    described = {"koemorph": "preset", "version": 1, "name": "defaults", "controls": {}}
    preset.write_text(json.dumps(described))
    arguments = [wav, "--model", model, "--preset", preset, "-o", "-"]
    animate = [sys.executable, "-c", "from koemorph.cli import main; main()", "animate"]
    faces = {
        "Python": Model(model).animate(wav, controls=Controls()).weights,
        "koemorph animate": blendshapes(run([*animate, *arguments]).stdout),
        "C": blendshapes(output),
    }

    def rows(name: str, *command: str | Path) -> npt.NDArray[np.float64]:
        out = tmp_path / f"{name}.f64"
        run([*command, out], game_folder)
        return np.fromfile(out).reshape(-1, 53)[:, 1:]

    sound = (voice.file, str(voice.sample_rate), str(voice.channels))
    faces["Unity"] = rows("unity", *unity_game, "bake", *sound, voice.model)
    faces["Unreal"] = rows("unreal", unreal_player, "bake", game_folder, voice.model, *sound)

    for name, found in faces.items():
        np.testing.assert_allclose(found, voice.animation.weights, atol=1e-5, err_msg=name)
