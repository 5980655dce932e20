"""The Python surface: streams and samples as scripts use them."""

from __future__ import annotations

import os
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
    with pytest.raises(AudioError, match="as many channels"):
        Model(tiny_models[30]).animate([[0.1], [0.2, 0.3]], sample_rate=16000)


def test_a_recording_that_may_not_be_read_is_told(
    tiny_models: dict[int, Path], speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (speech, os.R_OK))
    with pytest.raises(AudioError, match=r"may not read .*; change its permissions"):
        Model(tiny_models[30]).animate(speech)


@pytest.mark.parametrize("fps", [0, 24, -30])
def test_a_rate_without_a_model_is_a_sentence(fps: int) -> None:
    with pytest.raises(ModelError, match=rf"for {fps} frames a second .* ask for 30 or 60"):
        Model().stream(16000, fps=fps)
