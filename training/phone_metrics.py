"""Metrics that need phones: lip closure of /p b m/, rounding of /w/, opening of vowels."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from koemorph.blendshapes import INDEX

from .lip_mesh import LipMesh
from .phones import BILABIAL

FloatArray = NDArray[np.float32]
# (ARPAbet name, start, end in seconds), in order.
Phones = tuple[tuple[str, float, float], ...]
ROUND = frozenset({"W", "UW", "OW", "AO"})
SPREAD = frozenset({"IY", "IH", "EH"})
# Openness of vowels, by the height of the tongue.
HEIGHT = {
    "IY": 0, "UW": 0, "IH": 1, "UH": 1, "EH": 2, "OW": 2, "AH": 2, "AO": 3, "AE": 3, "AA": 4,
}  # fmt: skip
OPEN = frozenset({"AA", "AE", "AO", "EH", "AH"})
CLOSURE_TOLERANCE = 0.04  # seconds around a stop in which its closure counts
CLOSED_GAP = 0.15  # of the median lip gap of the speaker's vowels


def parse_phones(stored: Any) -> Phones:
    """Convert JSON values to phones.

    Args:
        stored: [[phone, start, end], ...].

    Returns:
        The phones.

    Raises:
        TypeError, ValueError: the values are not phones.
    """
    phones = tuple((str(phone), float(start), float(end)) for phone, start, end in stored)
    if not np.isfinite([times for _, *times in phones]).all():
        raise ValueError("a time is not finite")
    return phones


def strip_stress(phone: str) -> str:
    """Remove the stress digit of an ARPAbet phone, and convert it to upper case."""
    return phone.rstrip("012").upper()


class _LipGaps:
    """Lip gaps of one speaker: minima in stops and in open vowels, medians of all vowels."""

    def __init__(self) -> None:
        self.stops: list[float] = []
        self.open_vowels: list[float] = []
        self.vowels: list[float] = []


def articulation_metrics(
    spoken: Sequence[tuple[str, FloatArray, Phones]], fps: float, lips: LipMesh | None
) -> dict[str, float]:
    """Measure how weights follow phones.

    Args:
        spoken: speaker, weights (T, 52) and phones of each recording.
        fps: frames per second.
        lips: for lip closure, relative to the vowels of each speaker.

    Returns:
        rounding_d: d' of pucker and funnel in rounded and spread phones; opening_rank_r: Spearman r
        of jawOpen and vowel height; with a mesh pbm_closed and vowels_closed: ratio of /p b m/ and
        of open vowels in which the lips close. NaN where there are too few such phones.
    """
    rounding: dict[bool, list[float]] = {True: [], False: []}
    heights: list[tuple[int, float]] = []
    gaps: dict[str, _LipGaps] = defaultdict(_LipGaps)
    for speaker, weights, phones in spoken:
        opening = None if lips is None else lips.opening(weights)
        for phone, start, end in phones:
            name = strip_stress(phone)
            middle = _middle_frames(weights, start, end, fps)
            if not len(middle):
                continue
            if name in ROUND | SPREAD:
                shapes = middle[:, [INDEX["mouthPucker"], INDEX["mouthFunnel"]]]
                rounding[name in ROUND].append(float(shapes.sum(axis=1).mean()))
            if name in HEIGHT:
                heights.append((HEIGHT[name], float(middle[:, INDEX["jawOpen"]].mean())))
            if opening is not None:
                _collect_gap(gaps[speaker], name, opening, (start, end), fps)
    result = {
        "rounding_d": _d_prime(rounding[True], rounding[False]),
        "opening_rank_r": _rank_correlation(heights),
    }
    if lips is not None:
        result |= _closure_ratios(list(gaps.values()))
    return result


def _middle_frames(weights: FloatArray, start: float, end: float, fps: float) -> FloatArray:
    """The frames of the middle half of a phone, at least the one nearest to its middle."""
    quarter = (end - start) / 4
    first = round((start + quarter) * fps)
    return _slice(weights, first, max(first + 1, round((end - quarter) * fps)))


def _slice(weights: FloatArray, first: int, last: int) -> FloatArray:
    """The existing frames of first <= k < last; a phone may lie outside of the recording."""
    return weights[max(first, 0) : max(last, 0)]


def _collect_gap(
    gaps: _LipGaps, name: str, opening: FloatArray, span: tuple[float, float], fps: float
) -> None:
    start, end = span
    if name in BILABIAL:
        # Rounded before, because a frame exactly CLOSURE_TOLERANCE away counts.
        first = math.ceil(round((start - CLOSURE_TOLERANCE) * fps, 6))
        last = math.floor(round((end + CLOSURE_TOLERANCE) * fps, 6))
        near = _slice(opening, first, last + 1)
        if len(near):
            gaps.stops.append(float(near.min()))
    elif name in HEIGHT:
        inside = _middle_frames(opening, start, end, fps)
        gaps.vowels.append(float(np.median(inside)))
        if name in OPEN:
            gaps.open_vowels.append(float(inside.min()))


def _closure_ratios(speakers: Sequence[_LipGaps]) -> dict[str, float]:
    """Ratios of closed stops and open vowels over speakers who have vowels."""
    stops: list[bool] = []
    vowels: list[bool] = []
    for gaps in speakers:
        if gaps.vowels:
            limit = CLOSED_GAP * float(np.median(gaps.vowels))
            stops += [gap < limit for gap in gaps.stops]
            vowels += [gap < limit for gap in gaps.open_vowels]
    return {
        "pbm_closed": float(np.mean(stops)) if stops else np.nan,
        "vowels_closed": float(np.mean(vowels)) if vowels else np.nan,
    }


def _d_prime(first: list[float], second: list[float]) -> float:
    """d': the difference of means in units of the pooled standard deviation."""
    if min(len(first), len(second)) < 3:
        return float("nan")
    deviation = np.sqrt((np.var(first) + np.var(second)) / 2)
    return float((np.mean(first) - np.mean(second)) / max(float(deviation), 1e-9))


def _rank_correlation(pairs: list[tuple[int, float]]) -> float:
    if len({height for height, _ in pairs}) < 2:
        return float("nan")
    heights, jaws = zip(*pairs, strict=True)
    return float(spearmanr(heights, jaws).statistic)
