"""The public Python API: models, streams and errors."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from koemorph import Model
from koemorph.errors import AudioError, ModelError


@pytest.mark.parametrize("method", ["reset", "set_input_format"])
def test_no_samples_are_dropped_after_a_lower_sample_rate(
    tiny_models: dict[int, Path], method: str
) -> None:
    stream = Model(tiny_models[30]).stream(192000)
    if method == "reset":
        stream.reset(8000)
    else:
        stream.set_input_format(8000)
        stream.reset()
    stream.push(np.zeros(5 * 8000, np.float32))
    stream.flush()
    assert stream.info.dropped_samples == 0
    assert len(stream.pull()) == 150


def test_rows_of_different_lengths_are_rejected(tiny_models: dict[int, Path]) -> None:
    with pytest.raises(AudioError) as raised:
        Model(tiny_models[30]).animate([[0.1], [0.2, 0.3]], sample_rate=16000)
    assert raised.value.code == "unsupported_shape"


def test_unreadable_file_is_rejected(
    tiny_models: dict[int, Path], speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (speech, os.R_OK))
    with pytest.raises(AudioError) as raised:
        Model(tiny_models[30]).animate(speech)
    assert raised.value.code == "permission_denied"


@pytest.mark.parametrize("name", ["0", "24", "-30"])
def test_unknown_model_name_is_rejected(name: str) -> None:
    with pytest.raises(ModelError, match=rf'"{name}".* 30,.* 60') as raised:
        Model(name)
    assert raised.value.code == "unknown_model"


@pytest.mark.parametrize(("name", "fps"), [("30", 30), ("30-fast", 30), ("60", 60)])
def test_model_has_one_fps(name: str, fps: int) -> None:
    model = Model(name)
    assert model.fps == fps
    assert model.stream(16000).info.fps == fps
    assert model.animate(np.zeros(1600, np.float32), sample_rate=16000).fps == fps


def test_error_code_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(AudioError("too short: 1 ms", code="too_short")))
    assert (type(error), str(error), error.code) == (AudioError, "too short: 1 ms", "too_short")
