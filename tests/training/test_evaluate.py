"""Evaluation of incomplete captures: cut short, with gaps, silent, in any order."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from babble import FPS, RATE, SECONDS, write_babble
from click.testing import CliRunner
from error_code import raises_code
from numpy.typing import NDArray

from koemorph import cli
from koemorph.blendshapes import INDEX
from koemorph.errors import DataError
from koemorph.features import FeatureSettings
from koemorph.training.cache import TrackFeatures
from koemorph.training.datasets.recordings import read_audio, read_recording, write_recording
from koemorph.training.evaluate import Report, RunnableModel, evaluate, read_evaluation_clips
from koemorph.training.lip_mesh import LipMesh, read_lips
from koemorph.training.metrics import pause_metrics, speech_frames
from koemorph.training.phone_metrics import articulation_metrics

JAW = INDEX["jawOpen"]
FloatArray = NDArray[np.float32]


def level_model(audio: FloatArray, rate: int) -> FloatArray:
    """Return the level of each frame as the weight of all blend shapes, (T, 52)."""
    frames = round(len(audio) / rate * FPS)
    edges = np.arange(frames + 1) * len(audio) // frames
    power = np.add.reduceat(audio.astype(np.float64) ** 2, edges[:-1]) / np.diff(edges)
    return np.repeat(np.sqrt(power)[:, None], 52, axis=1).astype(np.float32)


MODEL = RunnableModel(FPS, level_model)


def drop_lines(recording: Path, lost: Sequence[int]) -> None:
    """Remove frames of a capture, as where tracking was lost."""
    path = recording / "blendshapes.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for number, line in enumerate(lines) if number not in lost))


def measured(data: Path, **options: bool) -> Report:
    return evaluate(MODEL, read_evaluation_clips(data, FPS, {}), **options)


def test_frames_without_captured_face_have_no_target(tmp_path: Path) -> None:
    """Repeated and interpolated frames are not used as targets: before and after the capture, and
    where tracking was lost."""
    write_babble(tmp_path / "whole" / "clip", seed=1)
    write_babble(tmp_path / "lost" / "clip", seed=1)
    lost = [*range(8), *range(40, 60), *range(90, 120)]
    drop_lines(tmp_path / "lost" / "clip", lost)
    (whole,) = read_evaluation_clips(tmp_path / "whole", FPS, {})
    (case,) = read_evaluation_clips(tmp_path / "lost", FPS, {})
    assert np.isfinite(whole.target[:, JAW]).all()
    assert np.flatnonzero(np.isnan(case.target[:, JAW])).tolist() == [
        # Frames next to captured ones count as captured.
        *range(7), *range(41, 59), *range(91, 120)
    ]  # fmt: skip


def test_a_capture_that_ends_early_is_evaluated_until_its_end(
    tmp_path: Path, shared_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lips = read_lips(shared_data / "rigs" / "ict_face52.glb")
    clip = read_recording(write_babble(tmp_path / "source" / "clip", seed=2))
    audio, _ = read_audio(clip.audio)
    face, labelled = clip.capture.weights[:60], clip.capture.labelled
    for name, sound in (("long", audio), ("cut", audio[: 2 * RATE])):
        write_recording(tmp_path / name / "clip", sound, RATE, face, FPS, labelled=labelled)
    long, cut = (
        evaluate(MODEL, read_evaluation_clips(tmp_path / name, FPS, {}), lips).summary
        for name in ("long", "cut")
    )
    messages = [record.getMessage() for record in caplog.records]
    where = tmp_path / "long" / "clip"
    assert len(messages) == 1
    assert all(text in messages[0] for text in (str(where), "2.00 s", "4.00 s"))
    for name in ("jawOpen_r", "jawOpen_mae", "jawOpen_amplitude", "lip_vertex_error_mm"):
        assert long[name] == pytest.approx(cut[name], rel=0.02), name


def test_lip_error_is_computed_in_parts(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_babble(tmp_path / "clip", seed=1)
    (case,) = read_evaluation_clips(tmp_path, FPS, {})
    times = 20
    long = replace(
        case,
        audio=np.tile(case.audio, times),
        target=np.tile(case.target, (times, 1)),
        speech=np.tile(case.speech, times),
    )
    lips = read_lips(shared_data / "rigs" / "ict_face52.glb")
    frame_counts: list[int] = []

    def counted(self: LipMesh, weights: FloatArray) -> FloatArray:
        frame_counts.append(len(weights))
        return displacements(self, weights)

    displacements = LipMesh.displacements
    monkeypatch.setattr(LipMesh, "displacements", counted)
    found = [evaluate(MODEL, [each], lips).summary for each in (case, long)]
    assert max(frame_counts) <= 1000
    one, many = (summary["lip_vertex_error_mm"] for summary in found)
    assert many == pytest.approx(one, rel=1e-5)


def test_room_noise_is_not_speech(tmp_path: Path) -> None:
    def detected_speech(audio: FloatArray) -> NDArray[np.bool_]:
        write_recording(tmp_path / "clip", audio, RATE, np.zeros((120, 52), np.float32), FPS)
        return read_evaluation_clips(tmp_path, FPS, {})[0].speech

    rng = np.random.default_rng(0)
    room = 10 ** (-66 / 20) * rng.standard_normal(round(SECONDS * RATE)).astype(np.float32)
    assert not detected_speech(np.zeros_like(room)).any()
    assert not detected_speech(room).any()
    # One word in minutes of noise: the loud parts are noise.
    bands = FeatureSettings.for_fps(FPS).mel_bands
    mel = np.full((6000, bands), -1.2, np.float32)
    mel[3000:3100] = 0.8
    no_expression = np.zeros((0, 1), np.float32)
    features = TrackFeatures(mel, mel[:, None], no_expression, np.zeros((6000, 1), np.int64))
    assert 100 <= speech_frames(features).sum() <= 104


def test_all_frames_of_pauses_count_the_same() -> None:
    """A short recording with a closed mouth and a long one with an open mouth."""
    closed, opened = np.zeros((60, 52), np.float32), np.ones((3030, 52), np.float32)
    speech = [np.arange(60) < 30, np.arange(3030) < 30]
    level, _ = pause_metrics([closed, opened], speech, JAW, FPS)
    assert level == pytest.approx(3000 / 3030)
    # The first mouth closes at once, the second not within a second, twice.
    two_pauses = np.arange(120) % 60 < 30
    _, delay = pause_metrics([closed, opened[:120]], [speech[0], two_pauses], JAW, FPS)
    assert delay == pytest.approx(2 / 3)


def test_noise_does_not_depend_on_other_recordings(tmp_path: Path) -> None:
    """Metrics do not depend on names and order of the recordings."""
    for number in range(3):
        write_babble(tmp_path / "data" / f"clip_{number}", seed=number)
        write_babble(tmp_path / "renamed" / f"clip_{2 - number}", seed=number)
    one, other = (measured(tmp_path / name, robustness=True) for name in ("data", "renamed"))
    for condition, row in one.robustness.items():
        assert other.robustness[condition] == pytest.approx(row, nan_ok=True), condition
    alone = read_evaluation_clips(tmp_path / "data", FPS, {})[1:2]
    sounds: list[bytes] = []

    def record_audio(audio: FloatArray, rate: int) -> FloatArray:
        sounds.append(audio.tobytes())
        return level_model(audio, rate)

    evaluate(RunnableModel(FPS, record_audio), alone, robustness=True)
    sounds_of_one = set(sounds)
    sounds.clear()
    evaluate(
        RunnableModel(FPS, record_audio),
        read_evaluation_clips(tmp_path / "data", FPS, {}),
        robustness=True,
    )
    assert len(sounds_of_one) == 9
    assert sounds_of_one <= set(sounds)


def test_phones_outside_of_the_recording_are_ignored(shared_data: Path) -> None:
    lips = read_lips(shared_data / "rigs" / "ict_face52.glb")
    curves = np.zeros((90, 52), np.float32)
    curves[45:, JAW] = 0.8
    inside = (("AA", 2.0, 2.5), ("B", 0.5, 0.6))
    before = (("B", -2.0, -1.0), ("AA", -1.0, -0.5), ("W", -0.5, -0.2))
    after = (("B", 9.0, 9.1), ("AA", 9.1, 9.3))
    expected = articulation_metrics([("", curves, inside)], 30, lips)
    found = articulation_metrics([("", curves, (*before, *inside, *after))], 30, lips)
    assert found == pytest.approx(expected, nan_ok=True)
    height = articulation_metrics([("", curves, (*inside, ("IY", -1.0, -0.5)))], 30, None)
    assert np.isnan(height["opening_rank_r"])


@pytest.mark.parametrize(
    ("start", "end", "closed"),
    [
        (0.24, 0.30, 1.0),  # frame 6 is 40 ms before the stop
        (0.241, 0.30, 0.0),  # 41 ms
        (0.08, 0.16, 1.0),
        (0.08, 0.159, 0.0),
    ],
)
def test_lip_closure_counts_within_40_ms_of_a_stop(
    shared_data: Path, start: float, end: float, closed: float
) -> None:
    """The lips are closed at 0.2 s, in one frame."""
    curves = np.zeros((90, 52), np.float32)
    curves[:, JAW] = 0.8
    curves[6, JAW] = 0.0
    lips = read_lips(shared_data / "rigs" / "ict_face52.glb")
    phones = (("B", start, end), ("AA", 2.0, 2.5))
    assert articulation_metrics([("", curves, phones)], 30, lips)["pbm_closed"] == closed


def write_phones(path: Path, *names: str, phones: Sequence[tuple[str, float, float]]) -> Path:
    path.write_text("".join(json.dumps({"name": n, "phones": phones}) + "\n" for n in names))
    return path


def test_phones_without_a_matching_recording_are_rejected(tmp_path: Path) -> None:
    spoken = (("P", 0.5, 0.6), ("AA", 0.6, 0.9))
    for speaker in ("ann", "bob"):
        write_babble(tmp_path / "data" / speaker / "001", seed=1, subject=speaker)
    for name, code in (("002", "no_matching_phones"), ("001", "duplicate_name")):
        path = write_phones(tmp_path / "phones.jsonl", name, phones=spoken)
        arguments = ["evaluate", "30", str(tmp_path / "data"), "--phones", str(path)]
        with raises_code(DataError, code, "001"):
            CliRunner().invoke(cli.cli, arguments, standalone_mode=False, catch_exceptions=False)


def test_unknown_phones_cause_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_babble(tmp_path / "clip", seed=1)
    for phones, warned in (
        ((("p", 0.5, 0.6), ("ɑ", 0.6, 0.9)), True),
        ((("aa1", 0.6, 0.9),), False),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            evaluate(MODEL, read_evaluation_clips(tmp_path, FPS, {"clip": phones}))
        assert ("unknown phones" in caplog.text) == warned


def test_metrics_within_clips_ignore_differences_between_clips(tmp_path: Path) -> None:
    """Pooled r and amplitude depend on the scale and rest pose of each camera."""
    for seed, scale in ((1, 1.0), (2, 0.25)):
        write_babble(tmp_path / str(seed), seed=seed)
        path = tmp_path / str(seed) / "blendshapes.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            offset = 0.6 if seed == 2 else 0.0
            row["blendshapes"][JAW] = offset + scale * row["blendshapes"][JAW]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    clips = read_evaluation_clips(tmp_path, FPS, {})
    both = evaluate(MODEL, clips).blendshapes["jawOpen"]
    each = [evaluate(MODEL, [clip]).blendshapes["jawOpen"] for clip in clips]
    for name in ("r", "amplitude"):
        expected = np.mean([row[name] for row in each])
        assert both[f"{name}_within"] == pytest.approx(expected, rel=1e-4)
    assert both["r_within"] > both["r"] + 0.2
