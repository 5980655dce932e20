"""Loading a model: what is wrong with it is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_model
from onnx import TensorProto, helper

from koemorph import Model
from koemorph.errors import ModelError

# Keys that people read and the core does not.
DESCRIPTIONS = {"license", "training_data", "metrics"}


def with_metadata(path: Path, **changes: str) -> Path:
    return tiny_model.save(path, 30, tiny_model.metadata(30, **changes))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx cannot be opened\.$"):
        Model(tmp_path / "nowhere.onnx")


def test_the_callers_floating_point_is_left_as_it_was(tiny_models: dict[int, Path]) -> None:
    denormal = np.full(4, 1e-40, np.float32)
    stream = Model(tiny_models[30]).stream(16000)
    assert (denormal * np.float32(0.5)).all()
    stream.push(np.zeros(16000, np.float32))
    assert (denormal * np.float32(0.5)).all()


def test_a_truncated_file_is_refused(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes(tiny_models[30].read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"half\.onnx: .*not a model"):
        Model(path)


def test_a_foreign_model_is_refused(tmp_path: Path) -> None:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", value[:1], value[1:])
    path = tmp_path / "foreign.onnx"
    onnx.save(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path
    )
    with pytest.raises(ModelError, match=r"no metadata key"):
        Model(path)


@pytest.mark.parametrize(
    "key", sorted(set(tiny_model.metadata(30)) - {"name", "model_version", *DESCRIPTIONS})
)
def test_each_needed_key_is_missed_by_name(tmp_path: Path, key: str) -> None:
    texts = tiny_model.metadata(30, emotion="native")
    del texts[key]
    path = tmp_path / "model.onnx"
    tiny_model.save(path, 30, texts)
    with pytest.raises(ModelError, match=f'no metadata key "{key}"'):
        Model(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format_version", "2"),
        ("sample_rate", "fast"),
        ("fps", "0"),
        ("fps", "29.97"),
        ("mel_window", "1000"),
        ("mel_low_hz", "9000"),
        ("mel_scale", "nan"),
        ("emotion", "emotion2vec"),
        ("coefficients", "jawOpen,eyeBlinkLeft"),
        ("context_frames", "128"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, key: str, value: str) -> None:
    good = tmp_path / "good.onnx"
    model = onnx.load(with_metadata(good))
    for entry in model.metadata_props:
        if entry.key == key:
            entry.value = value
    bad = tmp_path / "bad.onnx"
    onnx.save(model, bad)
    with pytest.raises(ModelError, match=r"bad\.onnx: .*"):
        Model(bad)


def test_metadata_is_all_there(tiny_models: dict[int, Path]) -> None:
    assert Model(tiny_models[60]).metadata() == tiny_model.metadata(60)


@pytest.mark.parametrize("emotion", ["none", "native"])
def test_onnx_runtime_and_the_stream_agree(tmp_path: Path, speech: Path, emotion: str) -> None:
    """The whole way again in Python: features, windows, ONNX Runtime, feedback."""
    import onnxruntime
    import soundfile

    from koemorph.features import FeatureSettings, extract

    path = with_metadata(tmp_path / "model.onnx", emotion=emotion)
    audio, rate = soundfile.read(speech, dtype="float32")
    settings = FeatureSettings()
    found = extract(audio, rate, settings)
    windows = found.egemaps_windows(settings)
    session = onnxruntime.InferenceSession(str(path))
    silence = np.full((255, 80), (np.log10(1e-10) + 6) / 2, np.float32)
    padded = np.concatenate([silence, found.mel])
    previous = np.zeros((1, 52), np.float32)
    expected = []
    for frame in range(len(found.mel)):
        inputs = {
            "mel": padded[np.newaxis, frame : frame + 256],
            "detail": found.detail[np.newaxis, frame],
            "previous": previous,
        }
        if emotion == "native":
            inputs["egemaps"] = windows[np.newaxis, frame]
        (previous,) = session.run(None, inputs)
        expected.append(previous[0])
    animation = Model(path).animate(speech)
    np.testing.assert_allclose(animation.weights, np.stack(expected), atol=1e-4)
