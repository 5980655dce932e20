"""Phones of real voices whose words are known."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

import koemorph
from koemorph import cli
from koemorph.errors import DataError, OutputError
from koemorph.training.datasets.forced_alignment import Aligner, grid_words, read_texts, words
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


def test_words_are_what_a_dictionary_spells() -> None:
    assert words("“Don’t,” said Léon—twice: well-known!") == [
        "don't", "said", "léon", "twice", "well", "known"
    ]  # fmt: skip


def test_grids_names_are_sentences() -> None:
    assert grid_words("bbaf2n") == ["bin", "blue", "at", "f.", "two", "now"]
    assert grid_words("sgwzzs")[3:5] == ["z.", "zero"]
    for name in ("bbaf2", "bbaf2nn", "bbaw2n", "take_1"):
        with pytest.raises(DataError, match=f"{name} spells no sentence of GRID"):
            grid_words(name)


def test_texts_are_read_in_full(tmp_path: Path) -> None:
    texts = tmp_path / "metadata.csv"
    texts.write_text("\ufeffone|Mr. Smith|Mister Smith\n\ntwo|a b\n", encoding="utf-8")
    assert read_texts(texts) == {"one": "Mister Smith", "two": "a b"}
    texts.write_text("one|a\ntwo\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata\.csv, line 2: expected NAME\|TEXT"):
        read_texts(texts)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_hisses_are_found_where_they_hiss(rate: int) -> None:
    samples, _ = soundfile.read(SAMPLE, dtype="float32")
    wanted = np.arange(int(len(samples) * rate / 16000)) * 16000 / rate
    heard = np.interp(wanted, np.arange(len(samples)), samples)
    phones = Aligner()(words(TEXT), heard, rate)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(phones))
    assert phones[0].start >= 0
    assert phones[-1].end <= len(samples) / 16000 + 1e-9
    said = " ".join(phone.name for phone in phones if phone.name != "SIL")
    assert "M EH R IY D" in said
    assert "R IH S P EH K T AH B AH L" in said

    def crossings(name: str) -> float:
        signs = np.sign(samples)
        spans = [signs[int(p.start * 16000) : int(p.end * 16000)] for p in phones if p.name == name]
        return float(np.mean([np.mean(span[1:] != span[:-1]) for span in spans]))

    assert crossings("S") > 3 * max(crossings("M"), crossings("AE"), crossings("IY"))


def test_what_is_aligned_is_kept_and_what_is_not_is_said(tmp_path: Path) -> None:
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
    assert "1 of 7 recordings are aligned" in result.output
    assert 'strange: "zzyzx" is not in the dictionary of pocketsphinx.' in result.output
    assert "other: its words are not what is heard." in result.output
    assert "mute: its text has no word." in result.output
    assert "nothing: no text says what it says." in result.output
    assert "latin.txt cannot be read as a text" in result.output
    assert "broken.wav cannot be read as audio" in result.output
    first = labels.read_text("utf-8")
    assert rows(labels)["one"]["text"] == TEXT

    with labels.open("a", encoding="utf-8") as lines:
        lines.write('{"name": "str')  # killed in the midst of a line
    texts = tmp_path / "texts.csv"
    texts.write_text(f"one|never read\nstrange|{TEXT}\n", encoding="utf-8")
    assert "2 of 7 recordings are aligned" in run(sounds, labels, "--texts", texts).output
    assert labels.read_text("utf-8").startswith(first)
    assert rows(labels)["strange"]["phones"] == rows(labels)["one"]["phones"]


def test_kathleens_phones_are_the_known_ones(shared_data: Path) -> None:
    folder = shared_data / "kathleen"
    aligner = Aligner()
    apart = []
    for row in list(rows(folder / "phones.jsonl").values())[:4]:
        samples, rate = read_audio(folder / "audio" / f"{row['name']}.ogg")
        found = [p for p in aligner(words(row["text"]), samples, rate) if p.name != "SIL"]
        expected = [phone for phone in row["phones"] if phone[0] != "SIL"]
        assert [p.name for p in found] == [phone[0] for phone in expected]
        apart += [abs(p.start - phone[1]) for p, phone in zip(found, expected, strict=True)]
    assert np.median(apart) <= 0.01
    assert max(apart) <= 0.05


def test_nonsense_is_refused_in_a_sentence(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "take_1.wav")
    spelt = run(tmp_path, tmp_path / "phones.jsonl", "--grid")
    assert "take_1: take_1 spells no sentence of GRID" in spelt.output
    assert "0 of 1 recordings are aligned" in spelt.output
    assert spelt.return_value == 1
    (tmp_path / "empty").mkdir()
    nothing = run(tmp_path / "empty", tmp_path / "phones.jsonl")
    assert isinstance(nothing.exception, DataError)
    assert "holds no sound" in str(nothing.exception)
    lost = run(tmp_path, tmp_path / "nowhere" / "phones.jsonl")
    assert "there is no folder" in str(lost.exception)
    held = run(tmp_path, tmp_path / "empty")
    assert isinstance(held.exception, OutputError)
    assert "empty: Is a directory; choose another place." in str(held.exception)
    both = run(tmp_path, tmp_path / "phones.jsonl", "--grid", "--texts", tmp_path / "x.csv")
    assert "leave --texts out" in str(both.exception)
