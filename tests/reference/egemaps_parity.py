"""Our eGeMAPSv02 beside openSMILE's: `python tests/reference/egemaps_parity.py` writes the table.

Needs the packages opensmile and afx-audio (the peer in the same table) and the development data
(see shared_data in tests/conftest.py). openSMILE is a reference here and nowhere else.
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
        ours = koemorph.compute_egemaps(audio, RATE, "lld").to_numpy()
        theirs = descriptors.process_signal(audio, RATE).to_numpy()
        assert len(ours) == len(theirs)
        columns[0].append(ours)
        columns[1].append(theirs)
        columns[2].append(koemorph.compute_egemaps(audio, RATE).to_numpy())
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


def ranked(values: np.ndarray) -> np.ndarray:
    """(n, m) values -> the rank of each in its column."""
    return np.argsort(np.argsort(values, axis=0), axis=0).astype(np.float64)


def same_stretches(frames: Pair) -> np.ndarray:
    """(n,) whether a frame lies in a voiced stretch that has the same pitch in both."""
    ours, theirs = frames.ours[:, F0], frames.reference[:, F0]
    voiced = np.concatenate([[False], (ours > 0) | (theirs > 0), [False]])
    edges = np.flatnonzero(np.diff(voiced.astype(int)))
    same = np.zeros(len(ours), bool)
    for begin, end in edges.reshape(-1, 2):
        same[begin:end] = np.abs(ours[begin:end] - theirs[begin:end]).max() <= 0.01
    return same


def peer_row(audio: np.ndarray) -> np.ndarray:
    """(88,) functionals of afx-audio in our order, 0 where it has none."""
    from afx_audio.extractors.egemaps import egemaps

    row = egemaps(audio.astype(np.float64), RATE)
    return np.nan_to_num([row[name] for name in FUNCTIONAL_NAMES])


def peer(audios: list[np.ndarray], lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 25) frames, lengths[i] of clip i, and (m, 88) rows of afx-audio; 0 where it has none."""
    from afx_audio.extractors.egemaps import extract_egemaps_lld

    frames, rows = [], []
    for audio, length in zip(audios, lengths, strict=True):
        found = extract_egemaps_lld(audio.astype(np.float64), RATE)["egemaps_lld"]
        frames.append(np.nan_to_num(found.T[:length]))
        rows.append(peer_row(audio))
    return np.concatenate(frames), np.array(rows)


def seconds(work: Callable[[], object], runs: int) -> float:
    """CPU seconds of one call, the median of `runs`; other programs do not count."""
    taken = []
    for _ in range(runs):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return float(np.median(taken))


@dataclass
class Speed:
    """CPU seconds: of an update with its 0.3 s of audio, and of 20 s at once."""

    update: float
    file: float
    reference: float
    peer: float


def speed(audio: np.ndarray) -> Speed:
    """What an update and a file cost, and what the others take for the 20 s, in one run."""
    _, functionals = reference()
    window = np.resize(audio, 20 * RATE)
    stage = _native.EgemapsStream()
    stage.push(window)
    step = window[: round(0.3 * RATE)]
    return Speed(
        update=seconds(lambda: [stage.push(step) for _ in range(100)], 9) / 100,
        file=seconds(lambda: koemorph.compute_egemaps(window, RATE), 9),
        reference=seconds(lambda: functionals.process_signal(window, RATE), 9),
        peer=seconds(lambda: peer_row(window), 3),
    )


def summary(frames: Pair, rows: Pair, cost: Speed) -> list[str]:
    """What is asked for beside what was reached."""
    voicing, close = pitch(frames)
    measured = {name: descriptor(frames, i) for i, name in enumerate(LLD_NAMES)}

    def least(*starts: str) -> float:
        return min(r for name, (r, _) in measured.items() if name.startswith(starts))

    def largest(names: Iterable[str]) -> float:
        return max(measured[name][1] for name in names)

    functionals = functional_correlations(rows)
    ratio, slowness = cost.reference / cost.update, cost.file / cost.reference
    formants = [f"F{n}frequency_sma3nz" for n in (1, 2, 3)]
    sizes = [f"F{n}{what}" for n in (1, 2, 3) for what in ("bandwidth", "amplitude")]
    lines = [
        ("spectral descriptors, least r", ">= 0.995", f"{least(*LLD_NAMES[:F0]):.4f}"),
        ("the same, median relative error", "<= 1 %", f"{largest(LLD_NAMES[:F0]):.3%}"),
        ("frames that agree on voicing", ">= 98 %", f"{voicing:.2%}"),
        ("F0 within 0.25 semitone", ">= 98 %", f"{close:.2%}"),
        *(
            (f"{name}, r", ">= 0.95", f"{least(name):.4f}")
            for name in ("jitter", "shimmer", "HNR", "logRelF0-H1-H2", "logRelF0-H1-A3")
        ),
        ("F1-F3, median difference", "<= 2 %", f"{largest(formants):.3%}"),
        ("their bandwidth and amplitude, least r", ">= 0.9", f"{least(*sizes):.4f}"),
        ("functionals with r >= 0.98", ">= 84", f"{np.sum(functionals >= 0.98)}"),
        ("functionals with r < 0.9", "0", f"{np.sum(functionals < 0.9)}"),
        ("update of a 20 s window, faster than openSMILE on it", ">= 100 x", f"{ratio:.0f} x"),
        ("whole stage, share of one core", "<= 0.005", f"{cost.update / 0.3:.4f}"),
        (
            "a file of 20 s at once, over openSMILE's time",
            "<= 1",
            f"{slowness:.2f}",
        ),
    ]
    table = ["| what | asked | reached |", "| --- | --- | --- |"]
    return table + [f"| {' | '.join(line)} |" for line in lines]


def descriptor_table(frames: Pair, theirs: np.ndarray) -> list[str]:
    """One line a descriptor; theirs: (n, 25) of afx-audio."""
    same = same_stretches(frames)
    rival = Pair(theirs, frames.reference)
    lines = [
        f"The same pitch throughout: {np.mean(same[frames.reference[:, F0] > 0]):.1%} of the "
        "voiced frames lie in stretches of voice whose F0 agrees to 0.01 semitone from end to end.",
        "",
        "| descriptor | r | r, the same pitch throughout | median relative difference "
        "| r, afx-audio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for i, name in enumerate(LLD_NAMES):
        r, difference = descriptor(frames, i)
        alike = correlation(frames.ours[same, i], frames.reference[same, i])
        other = descriptor(rival, i)[0]
        lines.append(f"| {name} | {r:.4f} | {alike:.4f} | {difference:.3%} | {other:.4f} |")
    return lines


def functional_table(rows: Pair, theirs: np.ndarray) -> list[str]:
    """One line a functional; theirs: (m, 88) of afx-audio."""
    rival = Pair(theirs, rows.reference)
    columns = (
        functional_correlations(rows),
        functional_correlations(Pair(ranked(rows.ours), ranked(rows.reference))),
        functional_correlations(rival),
    )
    lines = [
        f"afx-audio: {np.sum(columns[2] >= 0.98)} with r >= 0.98, {np.sum(columns[2] < 0.9)} below "
        "0.9 (0 where it gives a constant).",
        "",
        "| functional | r | r of the ranks | r, afx-audio |",
        "| --- | --- | --- | --- |",
    ]
    for name, *values in zip(FUNCTIONAL_NAMES, *columns, strict=True):
        lines.append(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} |")
    return lines


def speed_table(cost: Speed) -> list[str]:
    """What each way costs."""
    lines = {
        "update of a 20 s window, its 0.3 s of audio included": cost.update,
        "openSMILE on the window": cost.reference,
        "afx-audio on the window": cost.peer,
        "`koemorph.compute_egemaps` on a file of 20 s": cost.file,
    }
    table = ["| what | CPU time |", "| --- | --- |"]
    return table + [f"| {what} | {taken * 1000:.2f} ms |" for what, taken in lines.items()]


def document(audios: list[np.ndarray]) -> str:
    """The tables as Markdown."""
    frames, rows = compare(audios)
    lengths = [len(koemorph.compute_egemaps(audio, RATE, "lld")) for audio in audios]
    peer_frames, peer_rows = peer(audios, lengths)
    cost = speed(audios[0])
    lines = [
        "# eGeMAPSv02 beside openSMILE",
        "",
        f"Written by `python tests/reference/egemaps_parity.py` from {len(audios)} clips "
        f"({', '.join(SETS)}; every second one is a copy with white noise at {-NOISE:.0f} dB SNR), "
        f"{len(frames.ours)} frames, opensmile {opensmile.__version__}, afx-audio "
        f"{metadata.version('afx-audio')}.",
        "",
        *summary(frames, rows, cost),
        "",
        "The same numbers in any chunking, 600 KB a stream and no allocation while it runs are "
        "held by `tests/native/test_egemaps.py`.",
        "",
        (Path(__file__).with_name("egemaps_notes.md")).read_text().strip(),
        "",
        "## Descriptors, frame by frame",
        "",
        *descriptor_table(frames, peer_frames),
        "",
        "## Functionals across clips",
        "",
        *functional_table(rows, peer_rows),
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
        "--clips", type=int, default=8, help="of each set, as many noisy copies on top"
    )
    parser.add_argument("-o", "--output", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    options.output.write_text(document(clips(options.data, options.clips)))


if __name__ == "__main__":
    main()
