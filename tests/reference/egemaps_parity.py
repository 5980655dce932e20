"""Compare KoeMorph's eGeMAPSv02 with openSMILE's and write egemaps_parity.md.

Usage: `python tests/reference/egemaps_parity.py`. Needs the packages opensmile and afx-audio (a
third implementation in the same table) and the development data (see shared_data in
tests/conftest.py). No other part of KoeMorph uses openSMILE.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
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
    """Return clips of each set, each followed by its noisy copy, quantized to 16 bits."""
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
    """Values of all clips: of the measured implementation and of the reference.

    Frames are (n, 25), rows of functionals (m, 88).
    """

    measured: np.ndarray
    reference: np.ndarray


def reference() -> tuple[opensmile.Smile, opensmile.Smile]:
    """Return openSMILE for the descriptors and for the functionals."""
    features = opensmile.FeatureSet.eGeMAPSv02
    levels = opensmile.FeatureLevel
    return (
        opensmile.Smile(features, levels.LowLevelDescriptors),
        opensmile.Smile(features, levels.Functionals),
    )


def compare(audios: list[np.ndarray]) -> tuple[Pair, Pair]:
    """Return frames and functionals of all clips."""
    descriptors, functionals = reference()
    columns: tuple[list[np.ndarray], ...] = ([], [], [], [])
    for audio in audios:
        measured = koemorph.compute_egemaps(audio, RATE, "lld").to_numpy()
        expected = descriptors.process_signal(audio, RATE).to_numpy()
        assert len(measured) == len(expected)
        columns[0].append(measured)
        columns[1].append(expected)
        columns[2].append(koemorph.compute_egemaps(audio, RATE).to_numpy())
        columns[3].append(functionals.process_signal(audio, RATE).to_numpy())
    frames, frames_reference, rows, rows_reference = (
        np.concatenate(column).astype(np.float64) for column in columns
    )
    return Pair(frames, frames_reference), Pair(rows, rows_reference)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's r; 0 if an argument is constant or missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nan_to_num(np.corrcoef(a, b)[0, 1]))


def pitch(frames: Pair) -> tuple[float, float]:
    """Return two fractions: frames with equal voicing, and voiced frames within 0.25 semitone."""
    measured, expected = frames.measured[:, F0], frames.reference[:, F0]
    both = (measured > 0) & (expected > 0)
    agree = (measured > 0) == (expected > 0)
    return float(agree.mean()), float((np.abs(measured - expected)[both] <= 0.25).mean())


def descriptor(frames: Pair, i: int) -> tuple[float, float]:
    """Return correlation and median relative difference of a descriptor.

    Descriptors of voiced frames are compared where both implementations report voicing.
    """
    used = np.ones(len(frames.measured), bool)
    if i >= F0 and (i in VOICED_ONLY or i == F0 or (i - F0 - 6) % 3 == 2):
        used = (frames.measured[:, F0] > 0) & (frames.reference[:, F0] > 0)
    measured, expected = frames.measured[used, i], frames.reference[used, i]
    difference = np.abs(measured - expected) / np.maximum(np.abs(expected), 1e-9)
    return correlation(measured, expected), float(np.median(difference))


def functional_correlations(rows: Pair) -> np.ndarray:
    """Return Pearson's r of each functional across clips, (88,)."""
    return np.array(
        [
            correlation(rows.measured[:, i], rows.reference[:, i])
            for i in range(len(FUNCTIONAL_NAMES))
        ]
    )


def ranked(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value in its column, (n, m)."""
    return np.argsort(np.argsort(values, axis=0), axis=0).astype(np.float64)


def in_equal_segments(frames: Pair) -> np.ndarray:
    """Return whether each frame lies in a voiced segment with equal pitch in both, (n,)."""
    measured, expected = frames.measured[:, F0], frames.reference[:, F0]
    voiced = np.concatenate([[False], (measured > 0) | (expected > 0), [False]])
    edges = np.flatnonzero(np.diff(voiced.astype(int)))
    equal = np.zeros(len(measured), bool)
    for begin, end in edges.reshape(-1, 2):
        equal[begin:end] = np.abs(measured[begin:end] - expected[begin:end]).max() <= 0.01
    return equal


def afx_row(audio: np.ndarray) -> np.ndarray:
    """Return the functionals of afx-audio in KoeMorph's order, (88,); 0 where it has none."""
    from afx_audio.extractors.egemaps import egemaps

    row = egemaps(audio.astype(np.float64), RATE)
    return np.nan_to_num([row[name] for name in FUNCTIONAL_NAMES])


def afx_audio(audios: list[np.ndarray], lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (n, 25), lengths[i] of clip i, and rows (m, 88) of afx-audio; 0 for none."""
    from afx_audio.extractors.egemaps import extract_egemaps_lld

    frames, rows = [], []
    for audio, length in zip(audios, lengths, strict=True):
        found = extract_egemaps_lld(audio.astype(np.float64), RATE)["egemaps_lld"]
        frames.append(np.nan_to_num(found.T[:length]))
        rows.append(afx_row(audio))
    return np.concatenate(frames), np.array(rows)


def cpu_seconds(work: Callable[[], object], runs: int) -> float:
    """Return the CPU seconds of one call of this process, the median of `runs` calls."""
    durations = []
    for _ in range(runs):
        start = time.process_time()
        work()
        durations.append(time.process_time() - start)
    return float(np.median(durations))


@dataclass
class Speed:
    """CPU seconds of an update with its 0.3 s of audio, and of 20 s at once."""

    update: float
    file: float
    reference: float
    afx: float


def speed(audio: np.ndarray) -> Speed:
    """Measure an update and a file, and the other implementations for the 20 s, in one run."""
    _, functionals = reference()
    window = np.resize(audio, 20 * RATE)
    stage = _native.EgemapsStream()
    stage.push(window)
    step = window[: round(0.3 * RATE)]
    return Speed(
        update=cpu_seconds(lambda: [stage.push(step) for _ in range(100)], 9) / 100,
        file=cpu_seconds(lambda: koemorph.compute_egemaps(window, RATE), 9),
        reference=cpu_seconds(lambda: functionals.process_signal(window, RATE), 9),
        afx=cpu_seconds(lambda: afx_row(window), 3),
    )


def summary(frames: Pair, rows: Pair, cost: Speed) -> list[str]:
    """Return a table of the targets and the measured values."""
    voicing, close = pitch(frames)
    measured = {name: descriptor(frames, i) for i, name in enumerate(LLD_NAMES)}

    def smallest(*starts: str) -> float:
        return min(r for name, (r, _) in measured.items() if name.startswith(starts))

    def largest(names: Iterable[str]) -> float:
        return max(measured[name][1] for name in names)

    functionals = functional_correlations(rows)
    speedup, relative = cost.reference / cost.update, cost.file / cost.reference
    formants = [f"F{n}frequency_sma3nz" for n in (1, 2, 3)]
    sizes = [f"F{n}{what}" for n in (1, 2, 3) for what in ("bandwidth", "amplitude")]
    lines = [
        ("spectral descriptors, lowest r", ">= 0.995", f"{smallest(*LLD_NAMES[:F0]):.4f}"),
        ("spectral descriptors, median relative error", "<= 1 %", f"{largest(LLD_NAMES[:F0]):.3%}"),
        ("frames with equal voicing", ">= 98 %", f"{voicing:.2%}"),
        ("F0 within 0.25 semitone", ">= 98 %", f"{close:.2%}"),
        *(
            (f"{name}, r", ">= 0.95", f"{smallest(name):.4f}")
            for name in ("jitter", "shimmer", "HNR", "logRelF0-H1-H2", "logRelF0-H1-A3")
        ),
        ("F1-F3, median difference", "<= 2 %", f"{largest(formants):.3%}"),
        ("F1-F3 bandwidth and amplitude, lowest r", ">= 0.9", f"{smallest(*sizes):.4f}"),
        ("functionals with r >= 0.98", ">= 84", f"{np.sum(functionals >= 0.98)}"),
        ("functionals with r < 0.9", "0", f"{np.sum(functionals < 0.9)}"),
        ("update of a 20 s window, speed relative to openSMILE", ">= 100 x", f"{speedup:.0f} x"),
        ("whole stage, fraction of one core", "<= 0.005", f"{cost.update / 0.3:.4f}"),
        (
            "a file of 20 s at once, time relative to openSMILE",
            "<= 1",
            f"{relative:.2f}",
        ),
    ]
    table = ["| quantity | target | measured |", "| --- | --- | --- |"]
    return table + [f"| {' | '.join(line)} |" for line in lines]


def descriptor_table(frames: Pair, afx: np.ndarray) -> list[str]:
    """Return one line per descriptor; `afx` are the frames of afx-audio, (n, 25)."""
    equal = in_equal_segments(frames)
    other = Pair(afx, frames.reference)
    lines = [
        f"Segments with equal pitch: {np.mean(equal[frames.reference[:, F0] > 0]):.1%} of the "
        "voiced frames lie in voiced segments whose F0 agrees to 0.01 semitone in every frame.",
        "",
        "| descriptor | r | r, segments with equal pitch | median relative difference "
        "| r, afx-audio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for i, name in enumerate(LLD_NAMES):
        r, difference = descriptor(frames, i)
        in_segments = correlation(frames.measured[equal, i], frames.reference[equal, i])
        values = f"{r:.4f} | {in_segments:.4f} | {difference:.3%} | {descriptor(other, i)[0]:.4f}"
        lines.append(f"| {name} | {values} |")
    return lines


def functional_table(rows: Pair, afx: np.ndarray) -> list[str]:
    """Return one line per functional; `afx` are the rows of afx-audio, (m, 88)."""
    columns = (
        functional_correlations(rows),
        functional_correlations(Pair(ranked(rows.measured), ranked(rows.reference))),
        functional_correlations(Pair(afx, rows.reference)),
    )
    lines = [
        f"afx-audio: {np.sum(columns[2] >= 0.98)} with r >= 0.98, {np.sum(columns[2] < 0.9)} below "
        "0.9 (0 where its values are constant).",
        "",
        "| functional | r | r of the ranks | r, afx-audio |",
        "| --- | --- | --- | --- |",
    ]
    for name, *values in zip(FUNCTIONAL_NAMES, *columns, strict=True):
        lines.append(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} |")
    return lines


def speed_table(cost: Speed) -> list[str]:
    """Return a table of CPU times."""
    lines = {
        "update of a 20 s window, including its 0.3 s of audio": cost.update,
        "openSMILE on the window": cost.reference,
        "afx-audio on the window": cost.afx,
        "`koemorph.compute_egemaps` on a file of 20 s": cost.file,
    }
    table = ["| operation | CPU time |", "| --- | --- |"]
    return table + [f"| {name} | {duration * 1000:.2f} ms |" for name, duration in lines.items()]


def document(audios: list[np.ndarray]) -> str:
    """Return the document as Markdown."""
    frames, rows = compare(audios)
    lengths = [len(koemorph.compute_egemaps(audio, RATE, "lld")) for audio in audios]
    afx_frames, afx_rows = afx_audio(audios, lengths)
    cost = speed(audios[0])
    lines = [
        "# eGeMAPSv02 compared with openSMILE",
        "",
        f"Written by `python tests/reference/egemaps_parity.py` from {len(audios)} clips "
        f"({', '.join(SETS)}; every second one is a copy with white noise at {-NOISE:.0f} dB SNR), "
        f"{len(frames.measured)} frames, opensmile {opensmile.__version__}, afx-audio "
        f"{metadata.version('afx-audio')}.",
        "",
        *summary(frames, rows, cost),
        "",
        "`tests/native/test_egemaps.py` checks equal results for any chunking, at most 600 KB per "
        "stream and no allocation during processing.",
        "",
        (Path(__file__).with_name("egemaps_notes.md")).read_text().strip(),
        "",
        "## Descriptors per frame",
        "",
        *descriptor_table(frames, afx_frames),
        "",
        "## Functionals across clips",
        "",
        *functional_table(rows, afx_rows),
        "",
        "## Speed, one core, one run, medians",
        "",
        *speed_table(cost),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--clips", type=int, default=8, help="clips of each set; each has a noisy copy"
    )
    parser.add_argument("-o", "--output", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    options.output.write_text(document(clips(options.data, options.clips)))


if __name__ == "__main__":
    main()
