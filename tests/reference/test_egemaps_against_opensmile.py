"""eGeMAPS against openSMILE; egemaps_parity.md contains the measured values."""

import sys
from pathlib import Path

import numpy as np
import pytest

from koemorph.egemaps import GEMAPS_NAMES, LLD_NAMES

opensmile = pytest.importorskip("opensmile", reason="openSMILE is not installed")

sys.path.insert(0, str(Path(__file__).parent))
import egemaps_parity as parity  # noqa: E402

SPECTRAL = LLD_NAMES[: parity.F0]


def test_gemaps_names_are_those_of_opensmile() -> None:
    smile = opensmile.Smile(opensmile.FeatureSet.GeMAPSv01b, opensmile.FeatureLevel.Functionals)
    assert list(GEMAPS_NAMES) == list(smile.feature_names)


@pytest.fixture(scope="module")
def compared(shared_data: Path) -> tuple[parity.Pair, parity.Pair]:
    return parity.compare(parity.clips(shared_data, 2))


def test_columns_and_index_are_those_of_opensmile(speech: Path) -> None:
    import soundfile

    import koemorph

    audio, rate = soundfile.read(speech, dtype="float32")
    for level, smile in zip(("lld", "functionals"), parity.reference(), strict=True):
        actual, expected = (
            koemorph.compute_egemaps(audio, rate, level),
            smile.process_signal(audio, rate),
        )
        assert list(actual.columns) == list(expected.columns)
        assert actual.index.names == expected.index.names
        assert len(actual) == len(expected)
        for name in ("start", "end"):
            times = [table.index.get_level_values(name) for table in (actual, expected)]
            difference = times[0] - times[1]
            assert np.abs(difference.total_seconds()).max() < 1e-6


def test_spectral_descriptors(compared: tuple[parity.Pair, parity.Pair]) -> None:
    frames, _ = compared
    for i, name in enumerate(SPECTRAL):
        r, difference = parity.descriptor(frames, i)
        assert r >= 0.995, name
        assert difference <= 0.01, name


def test_pitch(compared: tuple[parity.Pair, parity.Pair]) -> None:
    voicing, close = parity.pitch(compared[0])
    assert voicing >= 0.98
    assert close >= 0.98


def test_harmonics_and_formants(compared: tuple[parity.Pair, parity.Pair]) -> None:
    """The targets hold where the pitch agrees, lower limits in all frames (egemaps_parity.md)."""
    frames, _ = compared
    equal = parity.in_equal_segments(frames)
    assert equal.sum() >= 1000
    for i, name in enumerate(LLD_NAMES):
        r, difference = parity.descriptor(frames, i)
        if name.startswith(("jitter", "shimmer", "HNR", "logRel")):
            in_segments = parity.correlation(frames.measured[equal, i], frames.reference[equal, i])
            assert in_segments >= 0.95, name
            assert r >= 0.88, name
        if name.startswith(("F1", "F2", "F3")):
            assert r >= 0.9, name
            assert difference <= 0.02, name


def test_functionals(compared: tuple[parity.Pair, parity.Pair]) -> None:
    _, rows = compared
    correlations = parity.functional_correlations(rows)
    assert np.sum(correlations >= 0.98) >= 76  # of 16 clips; the document has 64
    assert np.sum(correlations < 0.9) <= 4
    assert np.median(correlations) >= 0.998
