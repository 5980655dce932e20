"""Our eGeMAPSv02 beside openSMILE's: `python tests/reference/egemaps_parity.py` writes the table.

Needs the packages opensmile and, for the peer's column, afx-audio, and the development data (see
shared_data in tests/conftest.py). openSMILE is a reference here and nowhere else.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import opensmile
import soundfile

import koemorph
from koemorph import _native
from koemorph.egemaps import FUNCTIONAL_NAMES, LLD_NAMES

RATE = 16000
ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KOEMORPH_DATA", ROOT.parent / "shared" / "data"))
DOCUMENT = Path(__file__).with_name("egemaps_parity.md")
SETS = {
    "grid_s1": "audio/*.flac",
    "kathleen": "audio/*.ogg",
    "librivox": "*.wav",
    "facegood": "*.flac",
}
LONGEST = 10  # seconds of a clip
NOISE = -15.0  # dB, of the noisy copy
F0 = LLD_NAMES.index("F0semitoneFrom27.5Hz_sma3nz")
VOICED_ONLY = range(F0 + 1, F0 + 6)


def clips(data: Path, per_set: int, seed: int = 1) -> list[np.ndarray]:
    """Clips of each set, each followed by its noisy copy, quantised as 16-bit files are."""
    rng = np.random.default_rng(seed)
    found = []
    for name, pattern in SETS.items():
        files = sorted((data / name).glob(pattern))
        for number in rng.choice(len(files), per_set, replace=len(files) < per_set):
            audio, rate = soundfile.read(files[number], dtype="float32")
            assert rate == RATE, files[number]
            start = rng.integers(max(1, len(audio) - LONGEST * RATE))
            audio = audio[start : start + LONGEST * RATE]
            level = np.sqrt(np.mean(audio**2)) * 10 ** (NOISE / 20)
            noisy = audio + level * rng.standard_normal(len(audio))
            for copy in (audio, noisy / max(1.0, np.abs(noisy).max())):
                found.append((np.round(copy * 32767) / 32768).astype(np.float32))
    return found


@dataclass
class Pair:
    """Values of all clips, ours (or a peer's) and the reference's: frames (n, 25), rows (m, 88)."""

    ours: np.ndarray
    reference: np.ndarray


def reference() -> tuple[opensmile.Smile, opensmile.Smile]:
    """OpenSMILE for the descriptors and for the functionals."""
    features = opensmile.FeatureSet.eGeMAPSv02
    levels = opensmile.FeatureLevel
    return (
        opensmile.Smile(features, levels.LowLevelDescriptors),
        opensmile.Smile(features, levels.Functionals),
    )


def compare(audios: list[np.ndarray]) -> tuple[Pair, Pair]:
    """Frames and functionals of all clips."""
    descriptors, functionals = reference()
    columns: tuple[list[np.ndarray], ...] = ([], [], [], [])
    for audio in audios:
        ours = koemorph.egemaps(audio, RATE, "lld").to_numpy()
        theirs = descriptors.process_signal(audio, RATE).to_numpy()
        assert len(ours) == len(theirs)
        columns[0].append(ours)
        columns[1].append(theirs)
        columns[2].append(koemorph.egemaps(audio, RATE).to_numpy())
        columns[3].append(functionals.process_signal(audio, RATE).to_numpy())
    frames, frames_reference, rows, rows_reference = (
        np.concatenate(column).astype(np.float64) for column in columns
    )
    return Pair(frames, frames_reference), Pair(rows, rows_reference)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; 0 where one of them is constant or missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nan_to_num(np.corrcoef(a, b)[0, 1]))


def pitch(frames: Pair) -> tuple[float, float]:
    """Shares of frames that agree on voicing, and of voiced ones within 0.25 semitone."""
    ours, theirs = frames.ours[:, F0], frames.reference[:, F0]
    both = (ours > 0) & (theirs > 0)
    agree = (ours > 0) == (theirs > 0)
    return float(agree.mean()), float((np.abs(ours - theirs)[both] <= 0.25).mean())


def descriptor(frames: Pair, i: int) -> tuple[float, float]:
    """Correlation and median relative difference of one descriptor, where both voice if it must."""
    used = np.ones(len(frames.ours), bool)
    if i >= F0 and (i in VOICED_ONLY or i == F0 or (i - F0 - 6) % 3 == 2):
        used = (frames.ours[:, F0] > 0) & (frames.reference[:, F0] > 0)
    ours, theirs = frames.ours[used, i], frames.reference[used, i]
    difference = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-9)
    return correlation(ours, theirs), float(np.median(difference))


def functional_correlations(rows: Pair) -> np.ndarray:
    """(88,) Pearson's r of each functional across clips."""
    return np.array(
        [correlation(rows.ours[:, i], rows.reference[:, i]) for i in range(len(FUNCTIONAL_NAMES))]
    )


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """Seconds one call takes, the mean over at least `least` seconds."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < least or count == 0:
        work()
        count += 1
    return (time.perf_counter() - began) / count


def speed(audio: np.ndarray) -> list[tuple[str, str]]:
    """What an update, the whole stage and a file cost, beside openSMILE in the same run."""
    _, functionals = reference()
    window = np.resize(audio, 20 * RATE)
    stage = _native.Egemaps()
    stage.push(window)
    step = window[: round(0.3 * RATE)]
    ours, theirs = (
        seconds(lambda: stage.push(step)),
        seconds(lambda: functionals.process_signal(window, RATE), 3.0),
    )
    file_ours = seconds(lambda: koemorph.egemaps(window, RATE))
    return [
        ("update of a 20 s window, ours (0.3 s of audio included)", f"{ours * 1000:.2f} ms"),
        ("the same by openSMILE on the window", f"{theirs * 1000:.0f} ms"),
        ("ratio", f"{theirs / ours:.0f}"),
        ("whole stage, share of real time", f"{ours / 0.3:.4f}"),
        ("a file of 20 s at once, ours", f"{file_ours * 1000:.0f} ms"),
    ]


def peer_functionals(audios: list[np.ndarray]) -> np.ndarray | None:
    """(m, 88) of afx-audio in our order, NaN where it has no such column; None without it."""
    try:
        from afx_audio.extractors.egemaps import egemaps
    except ModuleNotFoundError:
        return None
    found = [egemaps(audio.astype(np.float64), RATE) for audio in audios]
    return np.array([[row.get(name, np.nan) for name in FUNCTIONAL_NAMES] for row in found])


def document(audios: list[np.ndarray]) -> str:
    """The table as Markdown."""
    frames, rows = compare(audios)
    voicing, close = pitch(frames)
    ours = functional_correlations(rows)
    peer = peer_functionals(audios)
    theirs = None if peer is None else functional_correlations(Pair(peer, rows.reference))
    lines = [
        "# eGeMAPSv02 beside openSMILE",
        "",
        f"Written by `python tests/reference/egemaps_parity.py` from {len(audios)} clips "
        f"({', '.join(SETS)}; every second one is a copy with white noise at {-NOISE:.0f} dB SNR), "
        f"{len(frames.ours)} frames, opensmile {opensmile.__version__}.",
        "",
        (Path(__file__).with_name("egemaps_notes.md")).read_text().strip(),
        "",
        "## Descriptors, frame by frame",
        "",
        f"Voicing agrees on {voicing:.2%} of the frames; where both voice, {close:.2%} are within "
        "0.25 semitone.",
        "",
        "| descriptor | r | median relative difference |",
        "| --- | --- | --- |",
    ]
    for i, name in enumerate(LLD_NAMES):
        r, difference = descriptor(frames, i)
        lines.append(f"| {name} | {r:.4f} | {difference:.2%} |")
    lines += [
        "",
        "## Functionals across clips",
        "",
        f"r >= 0.98: {np.sum(ours >= 0.98)} of 88; below 0.9: {np.sum(ours < 0.9)}.",
        ""
        if theirs is None
        else f"afx-audio: {np.sum(theirs >= 0.98)} and {np.sum(theirs < 0.9)} "
        "(r is 0 where it gives a constant or nothing).",
        "",
        "| functional | r, ours |" + ("" if theirs is None else " r, afx-audio |"),
        "| --- | --- |" + ("" if theirs is None else " --- |"),
    ]
    for i, name in enumerate(FUNCTIONAL_NAMES):
        peers = "" if theirs is None else f" {theirs[i]:.4f} |"
        lines.append(f"| {name} | {ours[i]:.4f} |{peers}")
    lines += ["", "## Speed, one core, one run", "", "| what | |", "| --- | --- |"]
    lines += [f"| {what} | {value} |" for what, value in speed(audios[0])]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--clips", type=int, default=16, help="of each set; noisy copies come on top"
    )
    parser.add_argument("-o", "--output", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    options.output.write_text(document(clips(options.data, options.clips)))


if __name__ == "__main__":
    main()
