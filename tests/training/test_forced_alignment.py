"""Forced alignment of recordings with known words."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from error_code import raises_code

import koemorph
from koemorph import cli
from koemorph.errors import DataError, OutputError
from koemorph.training.datasets.forced_alignment import (
    Aligner,
    grid_words,
    read_transcripts,
    split_words,
)
from koemorph.training.datasets.recordings import read_audio

SAMPLE = Path(koemorph.__file__).parent / "samples" / "librivox.wav"
TEXT = (
    "Had he married a more a amiable woman, he might have been made still more respectable than "
    "he was."
)


def run(*arguments: str | Path) -> Result:
    arguments = ("dataset", "align", *arguments)
    return CliRunner().invoke(cli.cli, [*map(str, arguments)], standalone_mode=False)


def rows(labels: Path) -> dict[str, dict]:
    return {row["name"]: row for row in map(json.loads, labels.read_text("utf-8").splitlines())}


def test_text_is_split_into_dictionary_words() -> None:
    assert split_words("“Don’t,” said Léon—twice: well-known!") == [
        "don't", "said", "léon", "twice", "well", "known"
    ]  # fmt: skip


def test_grid_names_are_decoded() -> None:
    assert grid_words("bbaf2n") == ["bin", "blue", "at", "f.", "two", "now"]
    assert grid_words("sgwzzs")[3:5] == ["z.", "zero"]
    for name in ("bbaf2", "bbaf2nn", "bbaw2n", "take_1"):
        with raises_code(DataError, "not_grid", name):
            grid_words(name)


def test_normalized_transcripts_are_read(tmp_path: Path) -> None:
    texts = tmp_path / "metadata.csv"
    texts.write_text("\ufeffone|Mr. Smith|Mister Smith\n\ntwo|a b\n", encoding="utf-8")
    assert read_transcripts(texts) == {"one": "Mister Smith", "two": "a b"}
    texts.write_text("one|a\ntwo\n", encoding="utf-8")
    with raises_code(DataError, "invalid_transcript", "metadata.csv, line 2"):
        read_transcripts(texts)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_aligned_fricatives_have_more_zero_crossings(rate: int) -> None:
    samples, _ = soundfile.read(SAMPLE, dtype="float32")
    positions = np.arange(int(len(samples) * rate / 16000)) * 16000 / rate
    resampled = np.interp(positions, np.arange(len(samples)), samples)
    phones = Aligner().align(split_words(TEXT), resampled, rate)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(phones))
    assert phones[0].start >= 0
    assert phones[-1].end <= len(samples) / 16000 + 1e-9
    names = " ".join(phone.name for phone in phones if phone.name != "SIL")
    assert "M EH R IY D" in names
    assert "R IH S P EH K T AH B AH L" in names

    def crossings(name: str) -> float:
        signs = np.sign(samples)
        spans = [signs[int(p.start * 16000) : int(p.end * 16000)] for p in phones if p.name == name]
        return float(np.mean([np.mean(span[1:] != span[:-1]) for span in spans]))

    assert crossings("S") > 3 * max(crossings("M"), crossings("AE"), crossings("IY"))


def test_aligned_recordings_are_kept_and_failures_reported(tmp_path: Path) -> None:
    sounds, labels = tmp_path / "audio", tmp_path / "phones.jsonl"
    sounds.mkdir()
    for name, text in (("one", TEXT), ("strange", "had he zzyzx"), ("other", "seven " * 40)):
        shutil.copy(SAMPLE, sounds / f"{name}.wav")
        (sounds / f"{name}.txt").write_text(text, encoding="utf-8")
    shutil.copy(SAMPLE, sounds / "mute.wav")
    (sounds / "mute.txt").write_text("...", encoding="utf-8")
    shutil.copy(SAMPLE, sounds / "nothing.wav")
    shutil.copy(SAMPLE, sounds / "latin.wav")
    (sounds / "latin.txt").write_bytes(b"caf\xe9")
    (sounds / "broken.wav").write_text("no sound")
    (sounds / "broken.txt").write_text(TEXT, encoding="utf-8")
    result = run(sounds, labels)
    assert result.return_value == 0
    assert "aligned 1 of 7 recordings" in result.output
    assert 'strange: "zzyzx"' in result.output
    for name in ("other", "mute", "nothing", "latin", "broken"):
        assert f"\n{name}: " in f"\n{result.output}"
    first = labels.read_text("utf-8")
    assert rows(labels)["one"]["text"] == TEXT

    with labels.open("a", encoding="utf-8") as lines:
        lines.write('{"name": "str')  # an incomplete line of a killed process
    texts = tmp_path / "texts.csv"
    texts.write_text(f"one|never read\nstrange|{TEXT}\n", encoding="utf-8")
    assert "aligned 2 of 7 recordings" in run(sounds, labels, "--texts", texts).output
    assert labels.read_text("utf-8").startswith(first)
    assert rows(labels)["strange"]["phones"] == rows(labels)["one"]["phones"]


def test_alignment_matches_the_reference_phones_of_kathleen(shared_data: Path) -> None:
    folder = shared_data / "kathleen"
    aligner = Aligner()
    apart = []
    for row in list(rows(folder / "phones.jsonl").values())[:4]:
        samples, rate = read_audio(folder / "audio" / f"{row['name']}.ogg")
        found = [
            p for p in aligner.align(split_words(row["text"]), samples, rate) if p.name != "SIL"
        ]
        expected = [phone for phone in row["phones"] if phone[0] != "SIL"]
        assert [p.name for p in found] == [phone[0] for phone in expected]
        apart += [abs(p.start - phone[1]) for p, phone in zip(found, expected, strict=True)]
    assert np.median(apart) <= 0.01
    assert max(apart) <= 0.05


def test_invalid_arguments_are_rejected(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "take_1.wav")
    spelt = run(tmp_path, tmp_path / "phones.jsonl", "--grid")
    assert "take_1: " in spelt.output
    assert "aligned 0 of 1 recording in" in spelt.output
    assert spelt.return_value == 1
    (tmp_path / "empty").mkdir()
    nothing = run(tmp_path / "empty", tmp_path / "phones.jsonl")
    assert isinstance(nothing.exception, DataError)
    assert nothing.exception.code == "no_audio"
    lost = run(tmp_path, tmp_path / "nowhere" / "phones.jsonl")
    assert isinstance(lost.exception, DataError)
    assert lost.exception.code == "folder_not_found"
    held = run(tmp_path, tmp_path / "empty")
    assert isinstance(held.exception, OutputError)
    assert held.exception.code == "not_writable"
    both = run(tmp_path, tmp_path / "phones.jsonl", "--grid", "--texts", tmp_path / "x.csv")
    assert isinstance(both.exception, click.UsageError)
