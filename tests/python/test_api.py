"""The Python surface: streams and samples as scripts use them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from koemorph import Model
from koemorph.errors import AudioError, ModelError


@pytest.mark.parametrize("turn", ["reset", "device, then reset"])
def test_a_stream_loses_nothing_after_a_reset_to_a_lower_rate(
    tiny_models: dict[int, Path], turn: str
) -> None:
    stream = Model(tiny_models[30]).stream(192000)
    if turn == "reset":
        stream.reset(8000)
    else:
        stream.set_input_format(8000)
        stream.reset()
    stream.push(np.zeros(5 * 8000, np.float32))
    stream.flush()
    assert stream.info.dropped_samples == 0
    assert len(stream.pull()) == 150


def test_samples_of_no_shape_are_an_audio_error(tiny_models: dict[int, Path]) -> None:
    with pytest.raises(AudioError, match="different lengths"):
        Model(tiny_models[30]).animate([[0.1], [0.2, 0.3]], sample_rate=16000)


def test_a_recording_that_may_not_be_read_is_told(
    tiny_models: dict[int, Path], speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (speech, os.R_OK))
    with pytest.raises(AudioError, match="permission denied"):
        Model(tiny_models[30]).animate(speech)


@pytest.mark.parametrize("name", ["0", "24", "-30"])
def test_unknown_model_name_is_refused(name: str) -> None:
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
