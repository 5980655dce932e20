"""The corpus builder on tiny data: phones, texts, teacher, rules, augmentation and sessions."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.training import synthetic_sounds
from koemorph.training.datasets import librivox, utterances
from koemorph.training.phones import PHONES, Phone, known, sample, weights
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
    articulate,
    mouth_of,
    split_diphthongs,
)
from koemorph.training.recipes.koemorph.prosody import loudness, pitch, settle_pauses
from koemorph.training.recipes.koemorph.teacher import LEARNED, Clip, Teacher, fit, targets

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
    """A teacher of a talker whose jaw opens for vowels and never rests below 0.1."""
    torch.set_num_threads(1)
    clips = []
    for k in range(4):
        phones, sound = syllables(40 + k)
        times = np.arange(int(len(sound) / 16000 * 25)) / 25
        vowels = sample(phones, times)[:, PHONES.index("AA")]
        face = np.zeros((len(times), len(BLENDSHAPES)), np.float32)
        face[:, JAW] = 0.1 + 0.3 * vowels
        clips.append(Clip(str(k), "babble", mouth_of(phones), sound, face, 25.0))
    return fit(clips, epochs=24)


def test_every_phone_of_the_inventory_sums_to_one() -> None:
    for name in (*PHONES, "ɯ", "ɸ", "y", "ʦ", "β"):
        assert weights(name).sum() == pytest.approx(1)
    assert not known("ˈ")


def test_phones_are_sampled_where_they_lie() -> None:
    phones = [Phone("M", 0.1, 0.2), Phone("IY", 0.2, 0.4)]
    rows = sample(phones, np.array([0.05, 0.15, 0.3, 0.45]))
    assert [PHONES[k] for k in rows.argmax(1)] == ["SIL", "M", "IY", "SIL"]
    assert sample([], np.zeros(2)).argmax(1).tolist() == [0, 0]


def test_diphthongs_move() -> None:
    assert [p.name for p in split_diphthongs([Phone("AY", 0, 1)])] == ["AA", "IH"]
    opened = articulate([Phone("AY", 0, 1)], np.array([0.1, 0.9]))[:, FEATURES.index("open")]
    assert opened[0] > opened[1]


def test_kokoro_durations_become_phones_without_their_lateness() -> None:
    symbols = list("hˈaɪ m")
    durations = np.array([0.1, 0.1, 0.05, 0.1, 0.1, 0.05, 0.1, 0.2])
    phones = kokoro.phones_of(symbols, durations, 0.8)
    assert [p.name for p in phones] == ["SIL", "h", "a", "ɪ", "m", "SIL"]
    assert phones[1].start == pytest.approx(0.1 - kokoro.LATE)
    assert phones[2].end - phones[2].start == pytest.approx(0.15)  # with its stress mark
    assert phones[4].end - phones[4].start == pytest.approx(0.15)  # with the space before it
    assert phones[-1].end == 0.8


def test_kokoros_letters_for_diphthongs_are_not_arpabet() -> None:
    phones = kokoro.phones_of(["W"], np.array([0.2, 0.2, 0.2]), 0.6)
    assert [p.name for p in phones] == ["SIL", "AW", "SIL"]


def test_the_script_is_the_same_every_time_and_uses_every_voice() -> None:
    voices = ["af_a", "af_b", "jf_c", "zm_d"]

    def first(count: int) -> list[kokoro.Line]:
        lines = kokoro.plan(voices, ["A sentence."])
        return [next(lines) for _ in range(count)]

    assert first(40) == first(40)
    lines = first(40)
    assert {line.language for line in lines} == {"en", "ja", "zh"}
    assert {line.voices[0] for line in lines} == set(voices)
    assert any(len(line.voices) == 2 for line in lines)


def test_without_flite_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="install it"):
        flite.synthesise(tmp_path / "voices", ["One sentence."], 0.001)


def test_texts_vary() -> None:
    random = Random(1)
    assert len({sentence_generator.japanese(random) for _ in range(100)}) > 80
    assert len({sentence_generator.mandarin(random) for _ in range(100)}) > 80
    assert sentence_generator.english(random)


def test_pauses_follow_the_sound() -> None:
    sound = np.concatenate([np.zeros(3200), hum(0.4), np.zeros(6400)]).astype(np.float32)
    phones = [Phone("AA", 0.0, 0.8), Phone("SIL", 0.8, 1.0)]
    first = settle_pauses(phones, sound)[0]
    assert first.start == pytest.approx(0.17, abs=0.03)
    assert first.end == pytest.approx(0.64, abs=0.03)


def test_loudness_ignores_the_recording_level_and_pitch_finds_a_rise() -> None:
    sound = np.concatenate([hum(0.5) * 0.1, hum(0.5)]).astype(np.float32)
    np.testing.assert_allclose(loudness(sound), loudness(sound * 0.01), atol=0.02)
    melody = np.concatenate([hum(1.0, 120), hum(0.6, 180)])
    high = pitch(melody)
    assert high[130] - high[50] == pytest.approx(12 * np.log2(1.5), abs=1)


def test_the_teacher_learns_phones_and_rests_at_zero(teacher: Teacher, tmp_path: Path) -> None:
    phones, sound = syllables(8)
    times = np.arange(int(len(sound) / 16000 * 60)) / 60
    jaw = teacher.label(mouth_of(phones), sound, times)[:, JAW]
    vowels = sample(phones, times)[:, PHONES.index("AA")] > 0
    assert jaw[vowels].mean() > jaw[~vowels].mean() + 0.1
    assert jaw[-10:].max() < 0.05
    assert jaw.min() >= 0
    teacher.save(tmp_path / "teacher.pt")
    again = Teacher.load(tmp_path / "teacher.pt").label(mouth_of(phones), sound, times)
    np.testing.assert_allclose(again[:, JAW], jaw, atol=1e-6)


def test_targets_are_the_mean_of_both_sides() -> None:
    face = np.zeros((1, 52), np.float32)
    face[0, BLENDSHAPES.index("mouthSmileLeft")] = 0.4
    assert targets(face)[0, LEARNED.index("mouthSmile")] == pytest.approx(0.2)


def test_rules_close_bilabials_round_w_and_rest_in_pauses() -> None:
    phones = [Phone("AA", 0.2, 0.4), Phone("M", 0.4, 0.5), Phone("AA", 0.5, 0.7),
              Phone("W", 0.7, 0.8), Phone("SIL", 0.8, 1.5)]  # fmt: skip
    times = np.arange(90) / 60
    face = np.zeros((90, 52), np.float32)
    face[:, JAW] = 0.3
    flat = np.zeros(151)
    done = face_rules.finish(face, face_rules.Moment(phones, flat, flat, times))
    gap = done[:, JAW] - done[:, CLOSE]
    assert gap[27] == pytest.approx(0, abs=1e-6)
    assert gap[18] > 0.25
    assert done[45, BLENDSHAPES.index("mouthPucker")] > 0.25
    assert done[45, BLENDSHAPES.index("mouthFunnel")] > done[18, BLENDSHAPES.index("mouthFunnel")]
    assert not done[times > 0.95].any()


def test_augmentation_keeps_time_and_length() -> None:
    random = np.random.default_rng(0)
    voice = np.concatenate([np.zeros(8000), hum(0.5), np.zeros(8000)]).astype(np.float32)
    for change in (
        audio_augmentation.equalise,
        audio_augmentation.reverberate,
        audio_augmentation.telephone,
        audio_augmentation.clip_peaks,
    ):
        changed = change(voice, random)
        assert changed.shape == voice.shape
        assert audio_augmentation.level(changed[:7000]) < 0.1 * audio_augmentation.level(
            changed[8000:16000]
        )
    moved = audio_augmentation.other_tract(voice, 1.15)
    assert moved.shape == voice.shape
    spectra = [np.abs(np.fft.rfft(sound[8000:16000])) for sound in (voice, moved)]
    centres = [(s * np.arange(len(s))).sum() / s.sum() for s in spectra]
    assert centres[1] > centres[0]
    recorded = audio_augmentation.record(
        voice, synthetic_sounds.background(len(voice), random), random
    )
    assert np.abs(recorded).max() <= 1
    assert audio_augmentation.level(audio_augmentation.to_level(voice, -30)) == pytest.approx(
        10**-1.5, rel=1e-3
    )


@pytest.mark.parametrize("kind", synthetic_sounds.KINDS)
def test_sounds_without_voice_sound(kind: synthetic_sounds.Kind) -> None:
    sound = kind(32000, np.random.default_rng(3))
    assert sound.shape == (32000,)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 1e-3


def test_still_sessions_do_not_move() -> None:
    session = sessions.still(np.random.default_rng(1), seconds=2.0)
    assert session.face.shape == (2 * sessions.FPS, 52)
    assert not session.face.any()


def test_utterances_are_written_whole_and_found_again(teacher: Teacher, tmp_path: Path) -> None:
    writer = utterances.Writer(tmp_path)
    phones, sound = syllables(8)
    said = {"voice": "someone", "language": "en", "text": "ba ba"}
    writer.add("one", phones, sound, 16000, **said)
    assert utterances.Writer(tmp_path).done == {"one"}
    (spoken,) = utterances.read(tmp_path)
    assert spoken.voice == "someone"
    np.testing.assert_allclose(spoken.load(), sound, atol=1e-4)

    session = sessions.string(iter([spoken] * 3), teacher, np.random.default_rng(2), seconds=60.0)
    assert len(session.face) == round(len(session.sound) / 16000 * sessions.FPS)
    assert len(session.phones) == 3 * len(phones)
    inside = [p for p in session.phones if p.name == "AA"]
    times = np.arange(len(session.face)) / sessions.FPS
    spoken_frames = sample(inside, times)[:, PHONES.index("AA")] > 0
    assert session.face[spoken_frames, JAW].mean() > 0.1
    assert session.face[:, JAW].min() == 0
    (tmp_path / "audio" / "one.flac").unlink()
    with pytest.raises(DataError, match="no sound named one"):
        utterances.read(tmp_path)


@pytest.mark.parametrize(("shown", "share"), [(np.nan, 1.0), (0.0, 0.5)])
def test_a_capture_has_half_a_say_in_what_it_can_tell(
    teacher: Teacher, tmp_path: Path, shown: float, share: float
) -> None:
    phones, sound = syllables(8)
    said = {"voice": "someone", "language": "en", "text": "ba ba"}
    utterances.Writer(tmp_path).add("one", phones, sound, 16000, **said)
    (spoken,) = utterances.read(tmp_path)

    def jaw(captured: sessions.Captured) -> np.ndarray:
        random = np.random.default_rng(2)
        return sessions.string(iter([spoken]), teacher, random, captured, clean=True).face[:, JAW]

    def capture(_: utterances.Utterance, times: np.ndarray) -> np.ndarray:
        return np.full((len(times), len(BLENDSHAPES)), shown, np.float32)

    alone = jaw(sessions.no_capture)
    assert alone.max() > 0.1
    np.testing.assert_allclose(jaw(capture), share * alone, atol=1e-6)


def test_an_utterance_that_was_cut_off_is_spoken_again(tmp_path: Path) -> None:
    said = {"voice": "someone", "language": "en", "text": "ba"}
    phones, sound = syllables(1)
    writer = utterances.Writer(tmp_path)
    writer.add("one", phones, sound, 16000, **said)
    labels = tmp_path / utterances.LABELS
    whole = labels.read_bytes()
    labels.write_bytes(whole + whole.replace(b"one", b"two")[:20])  # killed while it wrote
    writer = utterances.Writer(tmp_path)
    assert writer.done == {"one"}
    writer.add("two", phones, sound, 16000, **said)
    assert [utterance.name for utterance in utterances.read(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", r"phones\.jsonl, line 2 is not JSON with a name"),
        ("[]", r"phones\.jsonl, line 2 is not JSON with a name"),
        ('{"name": 3}', "line 2: its name is no text"),
        ('{"name": "one"}', "line 2: phones must be"),
        ('{"name": "one", "phones": [["AA", 0]]}', "line 2: phones must be"),
        ('{"name": "one", "phones": [["AA1", 0, 1]]}', "line 2: AA1 is no phone of ARPAbet or IPA"),
    ],
)
def test_lines_of_labels_that_are_none_are_named(tmp_path: Path, line: str, words: str) -> None:
    phones, sound = syllables(1)
    utterances.Writer(tmp_path).add("one", phones, sound, 16000)
    with (tmp_path / utterances.LABELS).open("a") as lines:
        lines.write(f"{line}\n")
    with pytest.raises(DataError, match=words):
        utterances.read(tmp_path)


def test_librivox_is_read_with_its_phones(shared_data: Path) -> None:
    clips = librivox.read(shared_data / "librivox")
    assert [clip.name for clip in clips] == ["0870", "0880", "0890", "0920", "0930"]
    for clip in clips:
        length = len(clip.load()) / 16000
        assert 0.95 * length < clip.phones[-1].end < 1.05 * length
        assert all(a.end == pytest.approx(b.start) for a, b in pairwise(clip.phones))
        assert {phone.name for phone in clip.phones} <= set(PHONES)
