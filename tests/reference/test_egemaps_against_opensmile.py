"""eGeMAPS against openSMILE: no worse than what egemaps_parity.md says was reached."""

import sys
from pathlib import Path

import numpy as np
import pytest

from koemorph.egemaps import FUNCTIONAL_NAMES, LLD_NAMES

opensmile = pytest.importorskip("opensmile", reason="openSMILE is no part of KoeMorph")

sys.path.insert(0, str(Path(__file__).parent))
import egemaps_parity as parity  # noqa: E402

SPECTRAL = LLD_NAMES[: parity.F0]


@pytest.fixture(scope="module")
def compared(shared_data: Path) -> tuple[parity.Pair, parity.Pair]:
    return parity.compare(parity.clips(shared_data, 2))


def test_names_and_index_are_those_of_opensmile(speech: Path) -> None:
    import soundfile

    import koemorph

    audio, rate = soundfile.read(speech, dtype="float32")
    for level, smile in zip(("lld", "functionals"), parity.reference(), strict=True):
        ours, theirs = koemorph.egemaps(audio, rate, level), smile.process_signal(audio, rate)
        assert list(ours.columns) == list(theirs.columns)
        assert ours.index.names == theirs.index.names
        assert len(ours) == len(theirs)
        for name in ("start", "end"):
            difference = ours.index.get_level_values(name) - theirs.index.get_level_values(name)
            assert np.abs(difference.total_seconds()).max() < 1e-6


def test_spectral_descriptors(compared: tuple[parity.Pair, parity.Pair]) -> None:
    frames, _ = compared
    for i, name in enumerate(SPECTRAL):
        r, difference = parity.descriptor(frames, i)
        assert r >= 0.999, name
        assert difference <= 0.001, name


def test_pitch(compared: tuple[parity.Pair, parity.Pair]) -> None:
    voicing, close = parity.pitch(compared[0])
    assert voicing >= 0.997
    assert close >= 0.99


def test_harmonics_and_formants(compared: tuple[parity.Pair, parity.Pair]) -> None:
    frames, _ = compared
    for i, name in enumerate(LLD_NAMES):
        if name.startswith(("HNR", "logRel", "F1", "F2", "F3")):
            r, difference = parity.descriptor(frames, i)
            assert r >= 0.94, name
            assert difference <= 0.02, name


def test_functionals(compared: tuple[parity.Pair, parity.Pair]) -> None:
    _, rows = compared
    correlations = parity.functional_correlations(rows)
    unsure = [name.startswith(("jitter", "shimmer")) for name in FUNCTIONAL_NAMES]
    assert np.sum(correlations >= 0.98) >= 74
    assert np.median(correlations) >= 0.998
    assert np.sum(correlations[np.logical_not(unsure)] < 0.9) <= 2
