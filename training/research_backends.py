"""Expression backends for research only: not allowed or not possible in a game.

basic is the prosody among the native functionals. opensmile needs openSMILE, whose licence forbids
products; emotion2vec needs FunASR and its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from koemorph import _native
from koemorph.errors import MissingExtraError, install_command
from koemorph.features import Features, FeatureSettings

FloatArray = NDArray[np.float32]
PROSODY = ("F0semitone", "loudness", "VoicedSegments", "MeanVoiced", "StddevVoiced",
           "MeanUnvoiced", "StddevUnvoiced", "equivalentSoundLevel")  # fmt: skip
PROSODY_COLUMNS = [
    index for index, name in enumerate(_native.FUNCTIONAL_NAMES) if name.startswith(PROSODY)
]
EMOTION2VEC = "iic/emotion2vec_plus_base"
EMOTION2VEC_SIZE = 768


def basic(
    audio: FloatArray, sample_rate: int, settings: FeatureSettings, features: Features
) -> FloatArray:
    """Pitch, loudness and rhythm of the native functionals, (U, len(PROSODY_COLUMNS))."""
    return features.egemaps[:, PROSODY_COLUMNS]


def opensmile(
    audio: FloatArray, sample_rate: int, settings: FeatureSettings, features: Features
) -> FloatArray:
    """eGeMAPSv02 as openSMILE computes it, (U, 88)."""
    try:
        import opensmile as smile
    except ImportError as error:
        raise MissingExtraError(
            "The expression backend opensmile is not installed; its licence allows research only. "
            f'Install the extra "opensmile": {install_command("opensmile")}',
            code="missing_extra",
        ) from error
    extractor = smile.Smile(
        feature_set=smile.FeatureSet.eGeMAPSv02, feature_level=smile.FeatureLevel.Functionals
    )
    return _each_update(
        audio,
        sample_rate,
        settings,
        lambda samples, rate: extractor.process_signal(samples, rate).to_numpy()[0],
        (len(features.egemaps), 88),
    )


def emotion2vec(
    audio: FloatArray, sample_rate: int, settings: FeatureSettings, features: Features
) -> FloatArray:
    """emotion2vec's embedding of each update's window, (U, 768)."""
    model = _emotion2vec_model()

    def embed(samples: FloatArray, rate: int) -> FloatArray:
        found = model.generate(
            samples, granularity="utterance", extract_embedding=True, disable_pbar=True
        )
        embedding: FloatArray = np.asarray(found[0]["feats"], np.float32).reshape(-1)
        return embedding

    common = int(np.gcd(sample_rate, 16000))
    speech = resample_poly(audio, 16000 // common, sample_rate // common).astype(np.float32)
    return _each_update(speech, 16000, settings, embed, (len(features.egemaps), EMOTION2VEC_SIZE))


@cache
def _emotion2vec_model() -> Any:
    """FunASR's model; it takes the weights from its cache, or downloads them once."""
    try:
        from funasr import AutoModel
    except ImportError as error:
        raise MissingExtraError(
            "The expression backend emotion2vec needs FunASR, which is not installed. "
            f'Install the extra "emotion2vec": {install_command("emotion2vec")}',
            code="missing_extra",
        ) from error
    return AutoModel(model=EMOTION2VEC, disable_update=True)


def _each_update(
    audio: FloatArray,
    rate: int,
    settings: FeatureSettings,
    describe: Callable[[FloatArray, int], Any],
    shape: tuple[int, int],
) -> FloatArray:
    """describe() of the window that ends at every update, of this shape (U, size).

    There are as many as native updates; the last window may end after the audio.
    """
    updates = np.zeros(shape, np.float32)
    for update in range(len(updates)):
        end = round((update + 1) * settings.update_interval * rate)
        begin = max(0, end - round(settings.context_window * rate))
        updates[update] = np.nan_to_num(describe(audio[begin:end], rate))
    return updates
