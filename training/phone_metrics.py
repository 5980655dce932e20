"""Measures that need phones: do lips close for /p b m/, round for /w/, open with the vowel?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from koemorph.blendshapes import INDEX

from .lip_mesh import Lips
from .phones import BILABIAL

FloatArray = NDArray[np.float32]
Phones = tuple[tuple[str, float, float], ...]
"""(ARPAbet name, start s, end s), in order."""

ROUND = frozenset({"W", "UW", "OW", "AO"})
SPREAD = frozenset({"IY", "IH", "EH"})
# How open the mouth is for a vowel, by the height of the tongue.
HEIGHT = {
    "IY": 0, "UW": 0, "IH": 1, "UH": 1, "EH": 2, "OW": 2, "AH": 2, "AO": 3, "AE": 3, "AA": 4,
}  # fmt: skip
OPEN = frozenset({"AA", "AE", "AO", "EH", "AH"})
AROUND = 0.04  # seconds around a stop in which its closure counts
CLOSED = 0.15  # of the median gap of vowels


def as_phones(stored: Any) -> Phones:
    """What JSON holds, [[phone, start, end], ...]; ValueError or TypeError where it is no such."""
    phones = tuple((str(phone), float(start), float(end)) for phone, start, end in stored)
    if not np.isfinite([times for _, *times in phones]).all():
        raise ValueError("a time is not finite")
    return phones


def in_arpabet(phone: str) -> str:
    """A phone's name without its stress, in capitals."""
    return phone.rstrip("012").upper()


class _Gaps:
    """How far one speaker's lips are apart: least in stops and open vowels, in the midst of all."""

    def __init__(self) -> None:
        self.stops: list[float] = []
        self.vowels: list[float] = []
        self.middles: list[float] = []


def articulation(
    spoken: Sequence[tuple[str, FloatArray, Phones]], fps: float, lips: Lips | None
) -> dict[str, float]:
    """Over (speaker, curves (T, 52), their phones); closure only with a mesh, by each speaker's
    own vowels. NaN: too few such phones.
    """
    jaw = INDEX["jawOpen"]
    rounding: dict[bool, list[float]] = {True: [], False: []}
    heights: list[tuple[int, float]] = []
    gaps: dict[str, _Gaps] = defaultdict(_Gaps)
    for speaker, curves, phones in spoken:
        opening = None if lips is None else lips.opening(curves)
        for phone, start, end in phones:
            name = in_arpabet(phone)
            middle = _frames(curves, start, end, fps)
            if not len(middle):
                continue
            if name in ROUND | SPREAD:
                value = middle[:, [INDEX["mouthPucker"], INDEX["mouthFunnel"]]].sum(axis=1).mean()
                rounding[name in ROUND].append(float(value))
            if name in HEIGHT:
                heights.append((HEIGHT[name], float(middle[:, jaw].mean())))
            if opening is not None:
                _collect(gaps[speaker], name, opening, (start, end), fps)
    result = {
        "rounding_d": _separation(rounding[True], rounding[False]),
        "opening_rank_r": _rank(heights),
    }
    if lips is not None:
        result |= _closures(list(gaps.values()))
    return result


def _frames(curves: FloatArray, start: float, end: float, fps: float) -> FloatArray:
    """The frames of the middle half of a phone, at least the one nearest to its middle."""
    quarter = (end - start) / 4
    first = round((start + quarter) * fps)
    return _cut(curves, first, max(first + 1, round((end - quarter) * fps)))


def _cut(curves: FloatArray, first: int, last: int) -> FloatArray:
    """What there is of the frames first <= i < last: a phone may lie outside the recording."""
    return curves[max(first, 0) : max(last, 0)]


def _collect(
    gaps: _Gaps, name: str, opening: FloatArray, span: tuple[float, float], fps: float
) -> None:
    start, end = span
    if name in BILABIAL:
        # Rounded first, for a frame just AROUND away is one of them.
        first = math.ceil(round((start - AROUND) * fps, 6))
        last = math.floor(round((end + AROUND) * fps, 6))
        around = _cut(opening, first, last + 1)
        if len(around):
            gaps.stops.append(float(around.min()))
    elif name in HEIGHT:
        inside = _frames(opening, start, end, fps)
        gaps.middles.append(float(np.median(inside)))
        if name in OPEN:
            gaps.vowels.append(float(inside.min()))


def _closures(speakers: Sequence[_Gaps]) -> dict[str, float]:
    """Shares of stops and of open vowels that are closed; who says no vowel has no measure."""
    stops: list[bool] = []
    vowels: list[bool] = []
    for gaps in speakers:
        if gaps.middles:
            limit = CLOSED * float(np.median(gaps.middles))
            stops += [gap < limit for gap in gaps.stops]
            vowels += [gap < limit for gap in gaps.vowels]
    return {
        "pbm_closed": float(np.mean(stops)) if stops else np.nan,
        "vowels_closed": float(np.mean(vowels)) if vowels else np.nan,
    }


def _separation(first: list[float], second: list[float]) -> float:
    """d': the difference of means in units of the common standard deviation."""
    if min(len(first), len(second)) < 3:
        return float("nan")
    spread = np.sqrt((np.var(first) + np.var(second)) / 2)
    return float((np.mean(first) - np.mean(second)) / max(float(spread), 1e-9))


def _rank(pairs: list[tuple[int, float]]) -> float:
    if len({height for height, _ in pairs}) < 2:
        return float("nan")
    heights, jaws = zip(*pairs, strict=True)
    return float(spearmanr(heights, jaws).statistic)
