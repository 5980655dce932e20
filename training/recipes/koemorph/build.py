"""The build of the bundled models' training data, in three steps that continue where they stopped.

1. Synthetic voices in WORK/kokoro and WORK/flite (`voices.synthesize_voices`).
2. The teacher in WORK/teacher.pt (`load_teacher`): trained on GRID's captures (the first 800
   clips), FACEGOOD's (the first three, by way of the articulation estimator) and, for the jaw, on
   rules.
3. Recordings in OUT/SOURCE/train and OUT/SOURCE/dev (`build_sessions`).

See `config` for the sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from koemorph.errors import DataError

from ...datasets.grid import TRAIN_CLIPS
from ...datasets.recordings import write_recording
from ...datasets.utterances import SAMPLE_RATE
from . import jaw_targets, sessions
from .config import ALL_SOURCES, LICENSES, LIVELY_SOURCES, BuildConfig, OnProgress
from .session_sources import facegood_sessions, non_speech_sessions, speech_sessions
from .teacher import Teacher, train_teacher
from .teacher_data import facegood_clips, grid_clips, jaw_clips, save_atomically

TEACHER, TEACHER_EPOCHS = "teacher.pt", 12


def load_teacher(
    config: BuildConfig,
    on_epoch: OnProgress = lambda loss: None,
    on_estimator_step: OnProgress = lambda loss: None,
) -> Teacher:
    """Load the teacher from WORK, and train it before if need be (step 2).

    Args:
        config: of the build.
        on_epoch: called with the loss of each epoch.
        on_estimator_step: called with the loss of each step of the articulation estimator.

    Returns:
        The teacher.

    Raises:
        DataError: the teacher in WORK was trained on other captures (captures_mismatch), or data is
            missing.
    """
    path = config.work / TEACHER
    if not path.exists():
        clips = jaw_clips(config)
        if "grid" in config.captures:
            clips += grid_clips(config.data)[:TRAIN_CLIPS]
        if "facegood" in config.captures:
            clips += facegood_clips(config, on_estimator_step)[:-1]
        save_atomically(train_teacher(clips, TEACHER_EPOCHS, on_epoch=on_epoch), path)
    teacher = Teacher.load(path)
    captures = set(teacher.sources) - {jaw_targets.SOURCE}
    if teacher.sources and captures != set(config.captures):
        raise DataError(
            f"captures mismatch: the teacher in {config.work} was trained on "
            f"{' and '.join(sorted(captures))}, {' and '.join(sorted(set(config.captures)))} was "
            "requested. Use another folder for WORK.",
            code="captures_mismatch",
        )
    return teacher


def build_sessions(
    config: BuildConfig,
    sources: Sequence[str] = ALL_SOURCES,
    on_progress: OnProgress = lambda seconds: None,
    part: tuple[int, int] = (1, 1),
) -> None:
    """Write the recordings (step 3). Those that are complete are skipped.

    Args:
        config: of the build.
        sources: of ALL_SOURCES.
        on_progress: called with the seconds of each finished recording.
        part: (K, N): only every N-th recording, from the K-th on, for N processes.

    Raises:
        DataError: data or the teacher is missing.
        OutputError: a recording cannot be written.
    """
    for source in sources:
        if source == "facegood":
            jobs = facegood_sessions(config)
        elif source == "non_speech":
            jobs = non_speech_sessions(config)
        else:
            jobs = speech_sessions(config, source, load_teacher(config))
        for folder, make in islice(jobs, part[0] - 1, None, part[1]):
            if (folder / "metadata.json").exists():
                on_progress(sessions.SECONDS)
                continue
            session, labelled = make()
            metadata = {
                "source_format": "KoeMorph corpus",
                "source": source,
                "license": LICENSES[LIVELY_SOURCES.get(source, source)],
                **session.metadata(),
            }
            write_recording(
                folder, session.audio, SAMPLE_RATE, session.face, sessions.FPS,
                labelled=labelled, metadata=metadata,
            )  # fmt: skip
            on_progress(len(session.audio) / SAMPLE_RATE)
