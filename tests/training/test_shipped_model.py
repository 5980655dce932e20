"""The bundled models: what they say of themselves, and that silence rests and speech moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import koemorph
from koemorph.coefficients import COEFFICIENTS
from koemorph.model import MODELS, bundled_models

JAW = COEFFICIENTS.index("jawOpen")
SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"


@pytest.fixture(scope="module", params=bundled_models())
def model(request: pytest.FixtureRequest) -> koemorph.Model:
    return koemorph.Model(request.param)


@pytest.mark.parametrize("name", bundled_models())
def test_it_is_small_and_has_a_card(name: str) -> None:
    path = bundled_models()[name]
    assert path.stat().st_size <= 4_000_000
    card = (MODELS / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert path.stem in card
    assert "CC BY 4.0" in card


def test_the_usual_models_feel_and_the_fast_one_need_not() -> None:
    needed = {name: koemorph.Model(name).metadata()["emotion"] for name in bundled_models()}
    assert needed == {"30": "native", "60": "native", "30-lively": "native", "30-fast": "none"}


def test_the_lively_style_moves_more() -> None:
    speech, rate = soundfile.read(SAMPLE, dtype="float32")
    plain, lively = (
        koemorph.Model(name).animate(speech, sample_rate=rate, preset="raw").weights[:, JAW]
        for name in ("30", "30-lively")
    )
    assert lively.std() > 1.1 * plain.std()


def test_silence_stays_shut(model: koemorph.Model) -> None:
    weights = model.animate(np.zeros(48000, np.float32), sample_rate=16000).weights
    assert weights[:, JAW].mean() <= 0.02


def test_speech_moves_and_ends_shut(model: koemorph.Model) -> None:
    speech, rate = soundfile.read(SAMPLE, dtype="float32")
    quiet = np.zeros(rate, np.float32)
    animation = model.animate(np.concatenate([speech, quiet]), sample_rate=rate)
    jaw = animation.weights[:, JAW]
    spoken = animation.times < len(speech) / rate
    assert jaw[spoken].std() > 0.03
    assert jaw[-animation.fps // 2 :].mean() < 0.3 * jaw[spoken].mean()
