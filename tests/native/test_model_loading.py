"""Loading a model: invalid files and their errors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_model
from onnx import TensorProto, helper

from koemorph import Model
from koemorph.errors import ModelError

# Keys that the core does not read.
DESCRIPTIONS = {"license", "training_data", "metrics"}


def with_metadata(path: Path, **changes: str) -> Path:
    return tiny_model.save(path, 30, tiny_model.metadata(30, **changes))


def altered(path: Path, key: str, value: str | None) -> Path:
    """The same model with another value of a metadata key, or without it, beside it."""
    model = onnx.load(path)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    del texts[key]
    helper.set_model_props(model, texts if value is None else texts | {key: value})
    bad = path.with_name("bad.onnx")
    onnx.save(model, bad)
    return bad


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx"):
        Model(tmp_path / "nowhere.onnx")


def test_a_folder_and_an_empty_file_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=re.escape(str(tmp_path))):
        Model(tmp_path)
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(ModelError, match=r"empty\.onnx"):
        Model(tmp_path / "empty.onnx")


def test_the_floating_point_mode_of_the_caller_is_unchanged(tiny_models: dict[int, Path]) -> None:
    denormal = np.full(4, 1e-40, np.float32)
    stream = Model(tiny_models[30]).stream(16000)
    assert (denormal * np.float32(0.5)).all()
    stream.push(np.zeros(16000, np.float32))
    assert (denormal * np.float32(0.5)).all()


def test_a_truncated_file_is_rejected(tmp_path: Path, tiny_models: dict[int, Path]) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes(tiny_models[30].read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"half\.onnx"):
        Model(path)


def test_another_kind_of_model_is_rejected(tmp_path: Path) -> None:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", value[:1], value[1:])
    path = tmp_path / "foreign.onnx"
    onnx.save(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path
    )
    with pytest.raises(ModelError, match=r"[Mm]etadata key"):
        Model(path)


@pytest.mark.parametrize(
    "key", sorted(set(tiny_model.metadata(30)) - {"name", "model_version", *DESCRIPTIONS})
)
def test_a_missing_metadata_key_is_named(tmp_path: Path, key: str) -> None:
    path = altered(with_metadata(tmp_path / "good.onnx", expression_features="native"), key, None)
    with pytest.raises(ModelError, match=f'"{key}"'):
        Model(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format_version", "1"),
        ("format_version", "4"),
        ("sample_rate", "fast"),
        ("fps", "0"),
        ("fps", "29.97"),
        ("mel_window", "1000"),
        ("mel_low_hz", "9000"),
        ("mel_scale", "nan"),
        ("expression_features", "emotion2vec"),
        ("blendshapes", "jawOpen,eyeBlinkLeft"),
        ("context_frames", "128"),
        ("context_frames", "250"),
        ("context_pool_frames", "256"),
        ("trunk_channels", "3"),
        ("trunk_dilations", "1,2.5"),
        ("trunk_dilations", ""),
    ],
)
def test_invalid_metadata_values_are_rejected(tmp_path: Path, key: str, value: str) -> None:
    bad = altered(with_metadata(tmp_path / "good.onnx"), key, value)
    with pytest.raises(ModelError, match=r"bad\.onnx: .*"):
        Model(bad)


def test_all_metadata_is_available(tiny_models: dict[int, Path]) -> None:
    assert Model(tiny_models[60]).metadata() == tiny_model.metadata(60)


@pytest.mark.parametrize("expression", ["none", "native"])
def test_onnx_runtime_and_the_stream_agree(tmp_path: Path, speech: Path, expression: str) -> None:
    """The same pipeline in Python: features, windows, ONNX Runtime, state."""
    import onnxruntime
    import soundfile

    from koemorph.features import FeatureSettings, extract
    from koemorph.training.streaming import pooled_context, run_stream

    path = with_metadata(tmp_path / "model.onnx", expression_features=expression)
    audio, rate = soundfile.read(speech, dtype="float32")
    settings = FeatureSettings()
    found = extract(audio, rate, settings)
    windows = found.egemaps_windows(settings)
    # Functionals of less than two seconds are not an input of the network.
    has_functionals = windows.any(axis=2)
    assert not has_functionals[: 2 * 30 - 1].any()
    assert has_functionals[3 * 30 :].all()
    session = onnxruntime.InferenceSession(str(path))
    names = [output.name for output in session.get_outputs()]
    layout = tiny_model.state_layout(tiny_model.metadata(30, expression_features=expression))
    frames = [
        {
            "mel": found.mel[np.newaxis, frame],
            "pooled_context": pooled_context(found.mel, frame, layout)[np.newaxis],
            "detail": found.detail[np.newaxis, frame],
            **({"egemaps": windows[np.newaxis, frame]} if expression == "native" else {}),
        }
        for frame in range(len(found.mel))
    ]
    expected = run_stream(
        lambda inputs: dict(zip(names, session.run(None, inputs), strict=True)), frames, layout
    )
    animation = Model(path).animate(speech, preset="raw")
    np.testing.assert_allclose(animation.weights, expected[:, 0], atol=1e-4)
