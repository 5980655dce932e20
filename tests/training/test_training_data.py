"""The recordings of a run: broken ones, and ones without labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from babble import write_babble
from error_code import raises_code
from omegaconf import DictConfig

from koemorph.errors import DataError, KoemorphError
from koemorph.training.settings import read_settings
from koemorph.training.training_data import load_training_data

Configure = Callable[..., DictConfig]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("blendshapes.jsonl", "{broken", r"clip_1.blendshapes\.jsonl, line 1"),
        ("audio.wav", "no sound", r"clip_1.audio\.wav"),
        ("audio.wav", "", r"clip_1.audio\.wav"),
        ("metadata.json", '{"unlabelled": null}', r"clip_1.metadata\.json: unlabelled must be"),
        (
            "timecode.json",
            '{"fps": 30, "audio_start": "10:00:00:00", "blendshapes_start": "01:00:00:00"}',
            r"clip_1.audio\.wav: .*from -32400\.00 s",
        ),
    ],
)
def test_a_bad_recording_stops_a_run_unless_skipped(
    configure: Configure, tmp_path: Path, name: str, text: str, message: str
) -> None:
    for number in range(3):
        write_babble(tmp_path / "data" / f"clip_{number}", seed=number)
    (tmp_path / "data" / "clip_1" / name).write_text(text)
    bad = configure(f"data.train_data_dir={tmp_path / 'data'}")
    with pytest.raises(KoemorphError, match=message):
        load_training_data(read_settings(bad))
    bad.data.skip_bad_recordings = True
    assert load_training_data(read_settings(bad)).skipped == 1


def test_audio_shorter_than_its_capture_is_reported(
    configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        write_babble(tmp_path / "data" / f"clip_{number}", seed=number)
    sound = tmp_path / "data" / "clip_1" / "audio.wav"
    samples, sample_rate = soundfile.read(sound, dtype="float32")
    soundfile.write(sound, samples[: len(samples) // 2], sample_rate)
    load_training_data(read_settings(configure(f"data.train_data_dir={tmp_path / 'data'}")))
    (message,) = caplog.messages
    assert re.search(r"clip_1: .*4\.00 s.*2\.00 s", message)


@pytest.mark.parametrize(("source", "purpose"), [("train", "training"), ("dev", "validation")])
def test_recordings_without_labels_raise_an_error_before_training(
    configure: Configure, source: str, purpose: str
) -> None:
    unlabelled = f"data.unlabelled.{source}=[jawOpen,mouthPucker,mouthSmileLeft]"
    with raises_code(DataError, "unlabelled", purpose):
        load_training_data(read_settings(configure(unlabelled)))
