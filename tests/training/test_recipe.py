"""Parts of the recipe of the bundled models, on small data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from error_code import raises_code

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.training import synthetic_sounds
from koemorph.training.datasets import librivox, utterances
from koemorph.training.phones import PHONES, Phone, is_known, phone_weights, sample_phones
from koemorph.training.recipes.koemorph import (
    audio_augmentation,
    face_rules,
    flite,
    kokoro,
    sentence_generator,
    sessions,
)
from koemorph.training.recipes.koemorph.articulatory_features import (
    FEATURES,
    articulation_of,
    sample_features,
    split_diphthongs,
)
from koemorph.training.recipes.koemorph.prosody import align_pauses, loudness, pitch
from koemorph.training.recipes.koemorph.teacher import (
    SHAPES,
    Teacher,
    TeacherClip,
    select_shapes,
    train_teacher,
)

JAW = BLENDSHAPES.index("jawOpen")
CLOSE = BLENDSHAPES.index("mouthClose")


def hum(seconds: float, hertz: float = 150.0) -> np.ndarray:
    """A buzz with formant-like partials, (n,) at 16 kHz."""
    time = np.arange(int(seconds * 16000)) / 16000
    return sum(0.1 * np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 20)).astype(
        np.float32
    )


def syllables(count: int) -> tuple[list[Phone], np.ndarray]:
    """count times "ba", 0.3 s each, then 0.5 s of silence."""
    phones = []
    for k in range(count):
        phones += [Phone("B", 0.3 * k, 0.3 * k + 0.1), Phone("AA", 0.3 * k + 0.1, 0.3 * k + 0.3)]
    sound = np.concatenate([hum(0.3 * count), np.zeros(8000, np.float32)])
    for phone in phones:
        if phone.name == "B":
            sound[int(phone.start * 16000) : int(phone.end * 16000)] *= 0.1
    return phones, sound


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    """A teacher of a speaker whose jaw opens for vowels and never rests below 0.1."""
    torch.set_num_threads(1)
    clips = []
    for k in range(4):
        phones, sound = syllables(40 + k)
        times = np.arange(int(len(sound) / 16000 * 25)) / 25
        vowels = sample_phones(phones, times)[:, PHONES.index("AA")]
        face = np.zeros((len(times), len(BLENDSHAPES)), np.float32)
        face[:, JAW] = 0.1 + 0.3 * vowels
        clips.append(TeacherClip(str(k), "babble", articulation_of(phones), sound, face, 25.0))
    return train_teacher(clips, epochs=24)


def test_phone_weights_sum_to_one() -> None:
    for name in (*PHONES, "ɯ", "ɸ", "y", "ʦ", "β"):
        assert phone_weights(name).sum() == pytest.approx(1)
    assert not is_known("ˈ")


def test_phones_are_sampled_at_given_times() -> None:
    phones = [Phone("M", 0.1, 0.2), Phone("IY", 0.2, 0.4)]
    rows = sample_phones(phones, np.array([0.05, 0.15, 0.3, 0.45]))
    assert [PHONES[k] for k in rows.argmax(1)] == ["SIL", "M", "IY", "SIL"]
    assert sample_phones([], np.zeros(2)).argmax(1).tolist() == [0, 0]


def test_diphthongs_are_two_vowels() -> None:
    assert [p.name for p in split_diphthongs([Phone("AY", 0, 1)])] == ["AA", "IH"]
    opened = sample_features([Phone("AY", 0, 1)], np.array([0.1, 0.9]))[:, FEATURES.index("open")]
    assert opened[0] > opened[1]


def test_kokoro_durations_are_converted_without_their_delay() -> None:
    symbols = list("hˈaɪ m")
    durations = np.array([0.1, 0.1, 0.05, 0.1, 0.1, 0.05, 0.1, 0.2])
    phones = kokoro.phones_from_durations(symbols, durations, 0.8)
    assert [p.name for p in phones] == ["SIL", "h", "a", "ɪ", "m", "SIL"]
    assert phones[1].start == pytest.approx(0.1 - kokoro.DURATION_DELAY)
    assert phones[2].end - phones[2].start == pytest.approx(0.15)  # with its stress mark
    assert phones[4].end - phones[4].start == pytest.approx(0.15)  # with the space before it
    assert phones[-1].end == 0.8


def test_misaki_letters_are_converted_to_arpabet() -> None:
    phones = kokoro.phones_from_durations(["W"], np.array([0.2, 0.2, 0.2]), 0.6)
    assert [p.name for p in phones] == ["SIL", "AW", "SIL"]


def test_synthesis_requests_are_deterministic_and_use_every_voice() -> None:
    voices = ["af_a", "af_b", "jf_c", "zm_d"]

    def first(count: int) -> list[kokoro.SpeechRequest]:
        lines = kokoro.generate_requests(voices, ["A sentence."])
        return [next(lines) for _ in range(count)]

    assert first(40) == first(40)
    lines = first(40)
    assert {line.language for line in lines} == {"en", "ja", "zh"}
    assert {line.voices[0] for line in lines} == set(voices)
    assert any(len(line.voices) == 2 for line in lines)


def test_missing_flite_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with raises_code(DataError, "flite_missing"):
        flite.synthesize_hours(tmp_path / "voices", ["One sentence."], 0.001)


def test_generated_sentences_vary() -> None:
    random = Random(1)
    assert len({sentence_generator.japanese(random) for _ in range(100)}) > 80
    assert len({sentence_generator.mandarin(random) for _ in range(100)}) > 80
    assert sentence_generator.english(random)


def test_phone_boundaries_at_pauses_follow_the_level() -> None:
    sound = np.concatenate([np.zeros(3200), hum(0.4), np.zeros(6400)]).astype(np.float32)
    phones = [Phone("AA", 0.0, 0.8), Phone("SIL", 0.8, 1.0)]
    first = align_pauses(phones, sound)[0]
    assert first.start == pytest.approx(0.17, abs=0.03)
    assert first.end == pytest.approx(0.64, abs=0.03)


def test_loudness_is_relative_and_pitch_measures_a_rise() -> None:
    sound = np.concatenate([hum(0.5) * 0.1, hum(0.5)]).astype(np.float32)
    np.testing.assert_allclose(loudness(sound), loudness(sound * 0.01), atol=0.02)
    melody = np.concatenate([hum(1.0, 120), hum(0.6, 180)])
    high = pitch(melody)
    assert high[130] - high[50] == pytest.approx(12 * np.log2(1.5), abs=1)


def test_teacher_opens_the_jaw_for_vowels_and_is_zero_at_rest(
    teacher: Teacher, tmp_path: Path
) -> None:
    phones, sound = syllables(8)
    times = np.arange(int(len(sound) / 16000 * 60)) / 60
    jaw = teacher.predict(articulation_of(phones), sound, times)[:, JAW]
    vowels = sample_phones(phones, times)[:, PHONES.index("AA")] > 0
    assert jaw[vowels].mean() > jaw[~vowels].mean() + 0.1
    assert jaw[-10:].max() < 0.05
    assert jaw.min() >= 0
    teacher.save(tmp_path / "teacher.pt")
    loaded = Teacher.load(tmp_path / "teacher.pt").predict(articulation_of(phones), sound, times)
    np.testing.assert_allclose(loaded[:, JAW], jaw, atol=1e-6)


def test_selected_shapes_are_means_of_left_and_right() -> None:
    face = np.zeros((1, 52), np.float32)
    face[0, BLENDSHAPES.index("mouthSmileLeft")] = 0.4
    assert select_shapes(face)[0, SHAPES.index("mouthSmile")] == pytest.approx(0.2)


def test_rules_close_bilabials_round_w_and_are_zero_in_pauses() -> None:
    phones = [Phone("AA", 0.2, 0.4), Phone("M", 0.4, 0.5), Phone("AA", 0.5, 0.7),
              Phone("W", 0.7, 0.8), Phone("SIL", 0.8, 1.5)]  # fmt: skip
    times = np.arange(90) / 60
    face = np.zeros((90, 52), np.float32)
    face[:, JAW] = 0.3
    flat = np.zeros(151)
    done = face_rules.apply_rules(face, face_rules.SpeechContext(phones, flat, flat, times))
    gap = done[:, JAW] - done[:, CLOSE]
    assert gap[27] == pytest.approx(0, abs=1e-6)
    assert gap[18] > 0.25
    assert done[45, BLENDSHAPES.index("mouthPucker")] > 0.25
    assert done[45, BLENDSHAPES.index("mouthFunnel")] > done[18, BLENDSHAPES.index("mouthFunnel")]
    assert not done[times > 0.95].any()


def test_augmentation_keeps_timing_and_length() -> None:
    random = np.random.default_rng(0)
    voice = np.concatenate([np.zeros(8000), hum(0.5), np.zeros(8000)]).astype(np.float32)
    for change in (
        audio_augmentation.equalize,
        audio_augmentation.reverberate,
        audio_augmentation.telephone,
        audio_augmentation.clip_peaks,
    ):
        changed = change(voice, random)
        assert changed.shape == voice.shape
        assert audio_augmentation.active_level(
            changed[:7000]
        ) < 0.1 * audio_augmentation.active_level(changed[8000:16000])
    moved = audio_augmentation.shift_formants(voice, 1.15)
    assert moved.shape == voice.shape
    spectra = [np.abs(np.fft.rfft(sound[8000:16000])) for sound in (voice, moved)]
    centers = [(s * np.arange(len(s))).sum() / s.sum() for s in spectra]
    assert centers[1] > centers[0]
    recorded = audio_augmentation.simulate_recording(
        voice, synthetic_sounds.background(len(voice), random), random
    )
    assert np.abs(recorded).max() <= 1
    assert audio_augmentation.active_level(
        audio_augmentation.set_level(voice, -30)
    ) == pytest.approx(10**-1.5, rel=1e-3)


@pytest.mark.parametrize("make", synthetic_sounds.SOUNDS)
def test_synthetic_sounds_are_finite_and_audible(
    make: Callable[[int, np.random.Generator], np.ndarray],
) -> None:
    sound = make(32000, np.random.default_rng(3))
    assert sound.shape == (32000,)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 1e-3


def test_non_speech_sessions_have_a_face_at_rest() -> None:
    session = sessions.non_speech_session(np.random.default_rng(1), seconds=2.0)
    assert session.face.shape == (2 * sessions.FPS, 52)
    assert not session.face.any()


def test_utterances_are_written_and_assembled_to_a_session(
    teacher: Teacher, tmp_path: Path
) -> None:
    writer = utterances.UtteranceWriter(tmp_path)
    phones, sound = syllables(8)
    description = {"voice": "someone", "language": "en", "text": "ba ba"}
    writer.append("one", phones, sound, 16000, **description)
    assert utterances.UtteranceWriter(tmp_path).names == {"one"}
    (spoken,) = utterances.read_utterances(tmp_path)
    assert spoken.voice == "someone"
    np.testing.assert_allclose(spoken.load(), sound, atol=1e-4)

    session = sessions.assemble_session(
        iter([spoken] * 3), teacher, np.random.default_rng(2), seconds=60.0
    )
    assert len(session.face) == round(len(session.audio) / 16000 * sessions.FPS)
    assert len(session.phones) == 3 * len(phones)
    inside = [p for p in session.phones if p.name == "AA"]
    times = np.arange(len(session.face)) / sessions.FPS
    spoken_frames = sample_phones(inside, times)[:, PHONES.index("AA")] > 0
    assert session.face[spoken_frames, JAW].mean() > 0.1
    assert session.face[:, JAW].min() == 0
    (tmp_path / "audio" / "one.flac").unlink()
    with raises_code(DataError, "audio_missing", "one"):
        utterances.read_utterances(tmp_path)


@pytest.mark.parametrize(("captured_value", "ratio"), [(np.nan, 1.0), (0.0, 0.5)])
def test_captured_faces_are_averaged_with_the_teacher_where_labelled(
    teacher: Teacher, tmp_path: Path, captured_value: float, ratio: float
) -> None:
    phones, sound = syllables(8)
    description = {"voice": "someone", "language": "en", "text": "ba ba"}
    utterances.UtteranceWriter(tmp_path).append("one", phones, sound, 16000, **description)
    (spoken,) = utterances.read_utterances(tmp_path)

    def jaw(captured: sessions.CapturedFace) -> np.ndarray:
        random = np.random.default_rng(2)
        return sessions.assemble_session(
            iter([spoken]), teacher, random, captured, clean=True
        ).face[:, JAW]

    def capture(_: utterances.Utterance, times: np.ndarray) -> np.ndarray:
        return np.full((len(times), len(BLENDSHAPES)), captured_value, np.float32)

    alone = jaw(sessions.no_capture)
    assert alone.max() > 0.1
    np.testing.assert_allclose(jaw(capture), ratio * alone, atol=1e-6)


def test_an_incomplete_last_line_is_removed(tmp_path: Path) -> None:
    description = {"voice": "someone", "language": "en", "text": "ba"}
    phones, sound = syllables(1)
    writer = utterances.UtteranceWriter(tmp_path)
    writer.append("one", phones, sound, 16000, **description)
    labels = tmp_path / utterances.LABEL_FILE
    whole = labels.read_bytes()
    labels.write_bytes(whole + whole.replace(b"one", b"two")[:20])  # an incomplete line
    writer = utterances.UtteranceWriter(tmp_path)
    assert writer.names == {"one"}
    writer.append("two", phones, sound, 16000, **description)
    assert [utterance.name for utterance in utterances.read_utterances(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"name": 3}',
        '{"name": "one"}',
        '{"name": "one", "phones": [["AA", 0]]}',
        '{"name": "one", "phones": [["AA1", 0, 1]]}',
    ],
)
def test_broken_label_lines_are_reported(tmp_path: Path, line: str) -> None:
    phones, sound = syllables(1)
    utterances.UtteranceWriter(tmp_path).append("one", phones, sound, 16000)
    with (tmp_path / utterances.LABEL_FILE).open("a") as lines:
        lines.write(f"{line}\n")
    with raises_code(DataError, "invalid_label", "phones.jsonl, line 2"):
        utterances.read_utterances(tmp_path)


def test_librivox_clips_have_phones(shared_data: Path) -> None:
    clips = librivox.read_librivox(shared_data / "librivox")
    assert [clip.name for clip in clips] == ["0870", "0880", "0890", "0920", "0930"]
    for clip in clips:
        length = len(clip.load()) / 16000
        assert 0.95 * length < clip.phones[-1].end < 1.05 * length
        assert all(a.end == pytest.approx(b.start) for a, b in pairwise(clip.phones))
        assert {phone.name for phone in clip.phones} <= set(PHONES)
