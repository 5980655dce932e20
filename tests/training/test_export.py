"""Export, evaluation and figures of a trained checkpoint, by the command line."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from omegaconf import DictConfig

import koemorph
from koemorph import cli
from koemorph.blendshapes import INDEX
from koemorph.errors import DataError, KoemorphError, MissingExtraError, ModelError
from koemorph.training.cache import FeatureCache
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.config import LossConfig
from koemorph.training.datasets.recordings import read_audio, write_recording
from koemorph.training.export import at_fps, export
from koemorph.training.expression import expression_backend
from koemorph.training.lip_mesh import read_lips
from koemorph.training.losses import FaceLoss
from koemorph.training.metrics import jitter, lag, over_unbroken_runs, pause_metrics
from koemorph.training.network import Network
from koemorph.training.network_settings import NetworkSettings
from koemorph.training.phone_metrics import articulation_metrics
from koemorph.training.pictures import attention_picture
from koemorph.training.predict import animate
from koemorph.training.train import train

SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"
Configure = Callable[..., DictConfig]


def run(*arguments: object) -> str:
    """Run koemorph; return its output. Errors are raised."""
    texts = [str(argument) for argument in arguments]
    result = CliRunner().invoke(cli.cli, texts, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def checkpoint(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint after a few steps, with the native expression stream."""
    folder = tmp_path_factory.mktemp("run")
    train(
        configure(
            "training.max_epochs=1",
            "training.max_steps_per_epoch=20",
            "training.optimizer.lr=5e-3",
            "training.ema_decay=0",
        ),
        folder,
    )
    return folder / "checkpoints" / "last.safetensors"


@pytest.mark.parametrize("fps", [30, 60])
def test_torch_onnx_runtime_and_the_core_agree(checkpoint: Path, tmp_path: Path, fps: int) -> None:
    path = tmp_path / "model.onnx"
    printed = run("export", checkpoint, "-o", path, "--fps", fps, "--name", "babbler")
    found = re.search(r"difference from torch (\S+),", printed)
    assert found is not None
    assert float(found[1]) <= 1e-4
    audio, rate = read_audio(SAMPLE)
    animation = koemorph.Model(path).animate(audio, sample_rate=rate, preset="raw")
    loaded = load_checkpoint(checkpoint)
    network, features = at_fps(loaded, fps)
    backend = expression_backend(loaded.description.expression_features)
    with FeatureCache.temporary(features, backend) as cache:
        expected = animate(network, cache.load(audio, rate))
    np.testing.assert_allclose(animation.weights, expected, atol=1e-4)
    assert animation.fps == fps
    assert animation.weights.std(axis=0).max() > 1e-3
    metadata = koemorph.Model(path).metadata()
    assert metadata["name"] == "babbler"
    assert metadata["expression_features"] == "native"
    assert metadata["fps"] == str(fps)


@pytest.mark.parametrize(
    "options",
    [
        ("--quantize", "int8"),
        ("--quantize", "fp16"),
        ("--format", "torchscript"),
        ("--format", "torchscript", "--mobile"),
        ("--format", "executorch"),
    ],
)
def test_every_format_is_verified(
    checkpoint: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    if "executorch" in options:
        pytest.importorskip("executorch")
    path = tmp_path / ("model.onnx" if "--quantize" in options else "model.pt")
    printed = run("export", checkpoint, "-o", path, *options)
    assert path.stat().st_size > 10_000
    found = re.search(r"smallest r (\S+);", printed)
    assert found is not None
    assert float(found[1]) > 0.99


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((), "last.onnx"),
        (("--quantize", "int8", "--fps", "60"), "last-60-int8.onnx"),
        (("--format", "torchscript"), "last.pt"),
        (("--format", "torchscript", "--mobile"), "last.ptl"),
    ],
)
def test_the_default_output_is_next_to_the_checkpoint(
    checkpoint: Path, tmp_path: Path, options: tuple[str, ...], name: str
) -> None:
    copied = shutil.copy(checkpoint, tmp_path)
    assert f"{tmp_path / name}: " in run("export", copied, *options)
    assert {path.name for path in tmp_path.iterdir()} == {"last.safetensors", name}


def test_an_executorch_program_contains_the_metadata(checkpoint: Path, tmp_path: Path) -> None:
    runtime = pytest.importorskip("executorch.runtime")
    path = tmp_path / "model.pte"
    run("export", checkpoint, "-o", path, "--format", "executorch", "--name", "babbler")
    program = runtime.Runtime.get().load_program(path.read_bytes())
    described = json.loads(program.load_method("koemorph_metadata").execute([])[0])
    assert described["name"] == "babbler"
    assert described["blendshapes"].startswith("eyeBlinkLeft,")


def test_a_missing_executorch_is_reported_with_its_extra(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "executorch.exir", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*executorch"):
        run("export", checkpoint, "-o", tmp_path / "model.pte", "--format", "executorch")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("backend", ["none", "basic", "opensmile", "emotion2vec"])
def test_every_expression_backend_trains_and_exports(
    configure: Configure, tmp_path: Path, backend: str, funasr: list[int]
) -> None:
    if backend == "opensmile":
        pytest.importorskip("opensmile")
    train(
        configure(
            "training.max_epochs=1",
            "training.max_steps_per_epoch=1",
            "data.max_files=2",
            f"model.emotion_config.backend={backend}",
            f"data.cache_dir={tmp_path / 'cache'}",
        ),
        tmp_path,
    )
    path = tmp_path / "model.onnx"
    run("export", tmp_path / "checkpoints" / "last.safetensors", "-o", path)
    if backend == "none":
        assert koemorph.Model(path).metadata()["expression_features"] == "none"
        return
    with pytest.raises(ModelError, match=f'"{backend}", which only training can compute'):
        koemorph.Model(path)


def test_evaluate_prints_metrics_and_mismatch_controls(
    checkpoint: Path, babble: Path, tmp_path: Path
) -> None:
    run("export", checkpoint, "-o", tmp_path / "m.onnx")
    arguments = (babble / "dev", "--json", "--robustness", "--picture", tmp_path / "p.png")
    by_torch = json.loads(run("evaluate", checkpoint, *arguments))
    by_core = json.loads(run("evaluate", tmp_path / "m.onnx", *arguments))
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert set(by_core["blendshapes"]) == {"jawOpen", "mouthPucker", "mouthSmileLeft"}
    jaw = by_core["blendshapes"]["jawOpen"]
    assert jaw["r"] > jaw["control"]
    assert jaw["r"] == pytest.approx(by_torch["blendshapes"]["jawOpen"]["r"], abs=1e-3)
    assert jaw["amplitude"] > 0
    constant = by_core["blendshapes"]["mouthSmileLeft"]  # has no relative metrics
    assert {name for name, value in constant.items() if value is not None} == {"mae"}
    assert len(by_core["robustness"]) == 8
    assert "jawOpen" in run("evaluate", checkpoint, babble / "dev")


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_recordings_of_a_few_frames_are_evaluated(
    checkpoint: Path, tmp_path: Path, frames: int
) -> None:
    random = np.random.default_rng(0)
    sound = random.normal(0, 0.1, 16000 * frames // 30).astype(np.float32)
    face = random.random((frames, 52)).astype(np.float32)
    write_recording(tmp_path / "data" / "clip", sound, 16000, face, 30)
    measured = json.loads(run("evaluate", checkpoint, tmp_path / "data", "--json"))
    assert 0 < measured["summary"]["mean_mae"] < 1
    assert (measured["blendshapes"]["jawOpen"]["lag_ms"] is None) == (frames < 3)


def test_a_recording_without_a_frame_is_reported(checkpoint: Path, tmp_path: Path) -> None:
    face = np.zeros((1, 52), np.float32)
    write_recording(tmp_path / "data" / "clip", np.ones(99, np.float32), 16000, face, 30)
    with pytest.raises(DataError, match=r"audio\.wav: 6 ms .* one frame at 30 fps"):
        run("evaluate", checkpoint, tmp_path / "data")


def test_bundled_models_and_models_without_lookahead_are_evaluated(
    configure: Configure, babble: Path, tmp_path: Path
) -> None:
    assert "jawOpen" in json.loads(run("evaluate", "30", babble / "dev", "--json"))["blendshapes"]
    with pytest.raises(ModelError, match="30, 30-fast, 30-lively, 60"):
        run("evaluate", "koemorph-30", babble / "dev")
    short = ("training.max_epochs=1", "training.max_steps_per_epoch=1")
    train(configure(*short, "features.lookahead_frames=0"), tmp_path)
    run("export", tmp_path / "checkpoints" / "last.safetensors", "-o", tmp_path / "m.onnx")
    assert "jawOpen" in run("evaluate", tmp_path / "m.onnx", babble / "dev")


def test_evaluate_measures_lips_and_phones(
    checkpoint: Path, babble: Path, shared_data: Path, tmp_path: Path
) -> None:
    phones = [["P", 0.5, 0.6], ["AA", 0.6, 0.9], ["W", 1.0, 1.1], ["IY", 1.2, 1.4]]
    lines = [json.dumps({"name": f"clip_{n}", "phones": phones}) for n in (6, 7)]
    (tmp_path / "phones.jsonl").write_text("\n".join(lines))
    rig = shared_data / "rigs" / "ict_face52.glb"
    arguments = (babble / "dev", "--json", "--rig", rig, "--phones", tmp_path / "phones.jsonl")
    summary = json.loads(run("evaluate", checkpoint, *arguments))["summary"]
    assert summary["lip_vertex_error_mm"] > 0
    assert 0 <= summary["pbm_closed"] <= 1
    assert 0 <= summary["vowels_closed"] <= 1
    (tmp_path / "phones.jsonl").write_text("{}")
    with pytest.raises(DataError, match="line 1: expected a name and phones"):
        run("evaluate", checkpoint, *arguments)


def test_lip_closure_is_relative_to_the_vowels_of_the_speaker(shared_data: Path) -> None:
    """The vowels of the quiet speaker are as narrow as the closed lips of the loud one."""
    lips = read_lips(shared_data / "rigs" / "ict_face52.glb")
    phones = (("p", 0.0, 1.0), ("aa1", 1.5, 2.5))
    quiet, loud = (np.zeros((90, 52), np.float32) for _ in range(2))
    quiet[:, INDEX["jawOpen"]] = 0.01
    quiet[36:, INDEX["jawOpen"]] = 0.06
    loud[:, INDEX["jawOpen"]] = 0.06
    loud[36:, INDEX["jawOpen"]] = 0.8
    both = [("quiet", quiet, phones), ("loud", loud, phones)]
    expected = {"pbm_closed": 0.5, "vowels_closed": 0.0}
    found = articulation_metrics(both, 30, lips)
    assert {name: found[name] for name in expected} == expected
    assert np.isnan(articulation_metrics([("mute", quiet, phones[:1])], 30, lips)["pbm_closed"])


def test_lips_open_with_jaw_open_and_close_with_mouth_close(shared_data: Path) -> None:
    lips = read_lips(shared_data / "rigs" / "ict_face52.glb")
    face = np.zeros((3, 52), np.float32)
    face[1:, 17] = 0.4
    face[2, 18] = 0.4
    gap = lips.opening(face)
    assert gap[0] == 0.0
    assert 5 < gap[1] < 20
    assert gap[2] < 0.2 * gap[1]
    loss = FaceLoss(
        LossConfig(mse_weight=0, temporal_weight=0, closure_weight=1.0),
        torch.ones(52),
        torch.from_numpy(lips.gap),
    )
    opened_lips, closed = (torch.from_numpy(face[row]).reshape(1, 1, 1, 52) for row in (1, 2))
    labelled, total = torch.ones(1, 1, 1, 52), torch.tensor(52.0)
    missed = loss(opened_lips, closed, labelled, total)["closure"]
    opened = loss(closed, opened_lips, labelled, total)["closure"]
    assert missed > 5 * opened > 0
    assert loss(closed, closed, labelled, total)["closure"] == 0
    # The term does not depend on the size of the opening.
    assert loss(0.7 * opened_lips, opened_lips, labelled, total)["closure"] == 0


def test_inspect_writes_images(checkpoint: Path, tmp_path: Path) -> None:
    run("inspect", checkpoint, SAMPLE, "-o", tmp_path / "attention.png")
    run("export", checkpoint, "-o", tmp_path / "m.onnx")
    run("inspect", tmp_path / "m.onnx", SAMPLE, "-o", tmp_path / "curves.png")
    assert (tmp_path / "attention.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    run("inspect", "30", SAMPLE, "-o", tmp_path / "curves.pdf")
    assert (tmp_path / "curves.pdf").read_bytes()[:4] == b"%PDF"


def test_the_attention_figure_shows_the_tokens_of_each_stream(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    network, description = loaded.network(), loaded.description
    backend = expression_backend(description.expression_features)
    with FeatureCache.temporary(description.features, backend) as cache:
        figure = attention_picture(network, cache.load(*read_audio(SAMPLE)))
    shown = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in shown] == ["mel", "expression"]
    for axis in shown:  # the image fills the axis
        left, right, _, _ = axis.images[0].get_extent()
        assert axis.get_xlim() == (left, right)
    assert len(shown[1].get_xticks()) == network.settings.expression_tokens


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "none.safetensors", "-o", "m.onnx"),
        ("export", "CHECKPOINT", "-o", "no/folder/m.onnx"),
        ("export", "CHECKPOINT", "-o", "m.pt", "--format", "torchscript", "--quantize", "int8"),
        ("export", "CHECKPOINT", "-o", "m.onnx", "--audio", "none.wav"),
        ("export", "CHECKPOINT", "-o", "m.onnx", "--mobile"),
        ("evaluate", "CHECKPOINT", "no_folder"),
        ("inspect", "none.onnx", "none.wav", "-o", "p.png"),
        ("inspect", "CHECKPOINT", str(SAMPLE), "-o", "p.png", "--frame", "99999"),
        ("inspect", "CHECKPOINT", str(SAMPLE), "-o", "p.foo"),
        ("inspect", "30", str(SAMPLE), "-o", "p.pgf"),
        ("inspect", "30", str(SAMPLE), "-o", "p.png", "--frame", "3"),
    ],
)
def test_invalid_arguments_raise_errors_with_a_message(
    checkpoint: Path, tmp_path: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [str(checkpoint) if text == "CHECKPOINT" else text for text in arguments]
    with pytest.raises(KoemorphError, match=r"\.$"):
        run(*texts)
    assert not list(tmp_path.iterdir())


def test_a_network_without_detail_frames_is_not_exported(checkpoint: Path, tmp_path: Path) -> None:
    described = load_checkpoint(checkpoint).description
    with FeatureCache.temporary(described.features, expression_backend("none")) as cache:
        features = cache.load(*read_audio(SAMPLE))
        with pytest.raises(DataError, match="needs detail frames"):
            export(Network(NetworkSettings(detail_frames=0)), {}, features, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_lag_and_pause_metrics_of_known_curves() -> None:
    times = np.arange(300) / 30
    curve = np.repeat((0.5 + 0.4 * np.sin(5 * times))[:, None], 52, axis=1).astype(np.float32)
    late = np.roll(curve, 3, axis=0)
    assert lag([late], [curve], 30)[17] == pytest.approx(0.1, abs=0.01)
    assert lag([curve], [late], 30)[17] == pytest.approx(-0.1, abs=0.01)
    speech = np.arange(300) % 100 < 60
    open_mouth = np.where(np.arange(300) % 100 < 66, 0.5, 0.0)[:, None] * np.ones((1, 52))
    level, delay = pause_metrics([open_mouth.astype(np.float32)], [speech], 17, 30)
    assert level == pytest.approx(0.5 * 6 / 40)
    assert delay == pytest.approx(0.2)


def test_jumps_between_recordings_do_not_count_as_movement() -> None:
    """Clips of a sine at different levels; the output has half the amplitude and is 0.1 s late."""
    times = np.arange(47) / 30  # whole periods of second differences

    def clip(level: float, scale: float, late: float) -> NDArray[np.float32]:
        wave = level + scale * 0.05 * np.sin(4 * np.pi * (times - late))
        return np.repeat(wave[:, None], 52, axis=1).astype(np.float32)

    targets = [clip(level, 1.0, 0.0) for level in (0.1, 0.8, 0.3)]
    outputs = [clip(level, 0.5, 0.1) for level in (0.7, 0.2, 0.5)]
    assert jitter(targets)[17] == pytest.approx(jitter(targets[:1])[17], rel=1e-3)
    assert (jitter(outputs) / jitter(targets))[17] == pytest.approx(0.5, rel=0.03)
    assert lag(outputs[:1] * 3, targets[:1] * 3, 30)[17] == pytest.approx(0.1, abs=0.004)
    targets[1][:, 17] = np.nan
    targets[2][[17, *range(35, 47)], 17] = np.nan  # whole periods between gaps
    found = over_unbroken_runs(lambda a, b: jitter(a) / jitter(b), outputs, targets)
    np.testing.assert_allclose(found, 0.5, rtol=0.03)
    late = over_unbroken_runs(lambda a, b: lag(a, b, 30, max_shift=0.2), outputs, targets)
    np.testing.assert_allclose(late, 0.1, atol=1 / 90)  # a third of a frame
    targets[0][:, 17] = np.nan
    targets[2][:, 17] = np.nan
    assert np.isnan(over_unbroken_runs(lambda a, b: jitter(a) / jitter(b), outputs, targets)[17])
