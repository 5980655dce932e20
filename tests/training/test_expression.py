"""Expression backends: their features, and the update that each frame uses."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koemorph.errors import DataError, MissingExtraError
from koemorph.features import FeatureSettings, extract
from koemorph.training import research_backends
from koemorph.training.cache import FeatureCache
from koemorph.training.expression import expression_backend

SETTINGS = FeatureSettings.for_fps(30)
SPEECH = (
    (0.2 * np.sin(np.cumsum(2 * np.pi * np.linspace(120, 240, 32000) / 16000)))
    * (np.arange(32000) % 8000 < 6000)
).astype(np.float32)


def load(name: str, tmp_path: Path, audio: np.ndarray = SPEECH) -> Any:
    return FeatureCache(tmp_path, SETTINGS, expression_backend(name)).load(audio, 16000)


def test_native_features_equal_those_of_a_stream(tmp_path: Path) -> None:
    audio = np.tile(SPEECH, 2)
    cached = load("native", tmp_path, audio)
    windows = extract(audio, 16000, SETTINGS).egemaps_windows(SETTINGS)
    np.testing.assert_array_equal(cached.expression[cached.expression_index], windows)
    assert not windows[: 2 * 30 - 1].any()
    assert windows[3 * 30 :].any(axis=2).all()
    assert not np.array_equal(windows[-1, 0], windows[-1, 1])


def test_features_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("native", tmp_path)
    monkeypatch.setattr("koemorph.training.cache.extract", None)
    again = load("native", tmp_path)
    np.testing.assert_array_equal(first.mel, again.mel)
    assert isinstance(again.mel, np.memmap)
    assert len(list(tmp_path.iterdir())) == 1


def test_basic_has_the_prosody_features_and_none_has_no_features(tmp_path: Path) -> None:
    basic = load("basic", tmp_path)
    assert basic.expression.shape[1] == expression_backend("basic").size == 27
    assert load("none", tmp_path).expression.shape[1] == 0


def test_opensmile_computes_the_audio_up_to_each_update(tmp_path: Path) -> None:
    pytest.importorskip("opensmile")
    cached = load("opensmile", tmp_path)
    native = load("native", tmp_path)
    assert cached.expression.shape[1] == 88
    loudness = 10  # loudness_sma3_amean
    assert cached.expression[4, loudness] == pytest.approx(native.expression[4, loudness], rel=0.1)


def test_emotion2vec_computes_embeddings_with_funasr(tmp_path: Path, funasr: list[int]) -> None:
    cached = load("emotion2vec", tmp_path)
    assert funasr == [4800, 9600, 14400, 19200, 24000, 28800]
    assert cached.expression.shape == (7, 768)
    assert cached.expression[0, 0] == pytest.approx(np.abs(SPEECH[:4800]).mean(), rel=1e-5)


@pytest.mark.parametrize("lookahead", [0, 1, 2])
@pytest.mark.parametrize("length", [43200, 47000, 47999, 48000, 48001])
def test_every_update_that_a_frame_uses_is_computed(
    tmp_path: Path, funasr: list[int], lookahead: int, length: int
) -> None:
    settings = replace(SETTINGS, lookahead_frames=lookahead)
    audio = np.resize(SPEECH, length)
    cached = FeatureCache(tmp_path, settings, expression_backend("emotion2vec")).load(audio, 16000)
    windows = cached.expression[cached.expression_index]
    assert windows[-1, 0].any()
    assert len(funasr) == len(extract(audio, 16000, settings).egemaps)


def test_a_missing_extra_and_an_unknown_backend_are_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "funasr", None)
    research_backends._emotion2vec_model.cache_clear()
    with pytest.raises(MissingExtraError, match=r"emotion2vec.*pip install"):
        load("emotion2vec", tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="native, none"):
        expression_backend("joy")
