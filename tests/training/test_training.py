"""The training loop: it learns, resumes exactly, and shares work between processes."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from babble import common_overrides, write_babble
from error_code import raises_code
from omegaconf import DictConfig
from safetensors.torch import save
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from waiting import wait_for

from koemorph.blendshapes import INDEX
from koemorph.errors import DataError, KoemorphError, ModelError, OutputError
from koemorph.training import checkpoints
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.config import TrainingConfig
from koemorph.training.network import BLENDSHAPE_AXES
from koemorph.training.optimization import warn_of_short_run
from koemorph.training.settings import read_settings
from koemorph.training.train import train
from koemorph.training.training_data import load_training_data

Configure = Callable[..., DictConfig]


def scalars(folder: Path, name: str) -> list[float]:
    """A scalar of every step, from TensorBoard's files."""
    events = EventAccumulator(str(folder / "logs"))
    events.Reload()
    return [event.value for event in events.Scalars(name)]


def losses(folder: Path) -> list[float]:
    return scalars(folder, "train/loss")


@pytest.mark.parametrize(
    ("steps", "ema_decay", "warmup_steps", "suggested"),
    [
        (48, 0.999, 100, "training.ema_decay=0.792 training.scheduler.warmup_steps=4"),
        (100, 0.9, 100, ""),
        (99, 0.9, 100, "training.ema_decay=0.899 training.scheduler.warmup_steps=9"),
        (500, 0.999, 100, ""),
        (499, 0.999, 100, "training.ema_decay=0.98 training.scheduler.warmup_steps=49"),
        (8, 0.0, 0, ""),
    ],
)
def test_a_run_too_short_for_its_average_logs_a_warning(
    caplog: pytest.LogCaptureFixture,
    steps: int,
    ema_decay: float,
    warmup_steps: int,
    suggested: str,
) -> None:
    training = TrainingConfig(ema_decay=ema_decay)
    training.scheduler.warmup_steps = warmup_steps
    warn_of_short_run(training, steps)
    assert len(caplog.messages) == bool(suggested)
    assert suggested in caplog.text


def test_a_run_learns_and_writes_its_files(
    configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    config = configure(
        "training.max_epochs=12",
        "training.max_steps_per_epoch=10",
        "training.optimizer.lr=4e-3",
        "training.ema_decay=0.9",
        "data.initial_stride=2",
        "training.validate_every=6",
        "training.checkpoint_every=6",
        "training.picture_every=12",
    )
    measures = train(config, tmp_path)
    assert measures["r/jawOpen"] > 0.7
    assert measures["r/jawOpen"] > measures["control/jawOpen"] + 0.3
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {
        "best.safetensors",
        "last.safetensors",
        "epoch_0006.safetensors",
        "epoch_0012.safetensors",
    }
    described = json.loads((tmp_path / "provenance.json").read_text())
    assert described["training_seconds"] > 24
    assert described["recordings_left_out"] == 0
    assert len(described["data_fingerprint"]) == 16
    assert str(tmp_path / "checkpoints") in caplog.messages[-1]
    assert not [each for each in caplog.messages if "short run" in each]
    rates = scalars(tmp_path, "train/learning_rate")
    assert len(rates) == 120
    assert max(rates) == pytest.approx(4e-3)
    assert rates[0] == pytest.approx(2e-3)  # the first of two steps of warm-up
    assert rates[-1] < 0.1 * max(rates)
    curve = losses(tmp_path)
    assert sum(curve[-10:]) < 0.5 * sum(curve[:10])
    events = EventAccumulator(str(tmp_path / "logs"), size_guidance={"images": 0})
    events.Reload()
    assert {"curves", "streams", "attention"} <= set(events.Tags()["images"])


@pytest.mark.parametrize("mode", ["progressive", "mixed"])
def test_a_resumed_run_equals_one_that_was_never_stopped(
    configure: Configure, tmp_path: Path, mode: str
) -> None:
    shared = (f"data.stride_mode={mode}", "data.initial_stride=4", "data.augment.probability=0.5")
    whole = tmp_path / "whole"
    train(configure(*shared, "training.max_epochs=3", "training.checkpoint_every=1"), whole)
    parts = tmp_path / "parts"
    first = whole / "checkpoints" / "epoch_0001.safetensors"
    train(configure(*shared, "training.max_epochs=3", f"checkpoint_path={first}"), parts)
    expected = load_checkpoint(whole / "checkpoints" / "last.safetensors")
    found = load_checkpoint(parts / "checkpoints" / "last.safetensors")
    assert found.description.step == expected.description.step == 12
    for group, tensors in expected.groups.items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(
                found.groups[group][name], tensor, atol=1e-6, rtol=1e-6, msg=f"{group}/{name}"
            )


def test_resuming_copies_the_best_checkpoint_or_starts_a_new_best(
    configure: Configure, tmp_path: Path
) -> None:
    train(configure("training.max_epochs=1"), tmp_path / "first")
    begun = tmp_path / "first" / "checkpoints" / "last.safetensors"
    worse = ("training.max_epochs=2", "training.optimizer.lr=0.1", "training.ema_decay=0")
    train(configure(*worse, f"checkpoint_path={begun}"), tmp_path / "second")
    best, last = (
        load_checkpoint(tmp_path / "second" / "checkpoints" / f"{name}.safetensors")
        for name in ("best", "last")
    )
    assert (best.description.epoch, last.description.epoch) == (1, 2)
    assert best.description.best == last.description.best
    moved = tmp_path / "moved.safetensors"
    shutil.copyfile(begun, moved)
    train(configure(*worse, f"checkpoint_path={moved}"), tmp_path / "third")
    best = load_checkpoint(tmp_path / "third" / "checkpoints" / "best.safetensors")
    assert best.description.epoch == 2


def test_a_best_of_other_data_or_another_network_is_not_copied(
    configure: Configure, babble: Path, tmp_path: Path
) -> None:
    train(configure("training.max_epochs=1"), tmp_path / "first")
    begun = tmp_path / "first" / "checkpoints" / "last.safetensors"
    worse = ("training.max_epochs=2", "training.optimizer.lr=0.1", "training.ema_decay=0")
    others = f"data.val_data_dir={babble / 'train'}"
    for number, change in enumerate((others, "model.fixed_alpha=0.27")):
        folder = tmp_path / str(number)
        train(configure(*worse, change, f"checkpoint_path={begun}"), folder)
        best = load_checkpoint(folder / "checkpoints" / "best.safetensors")
        assert best.description.epoch == 2


def test_a_checkpoint_stores_the_settings_of_its_network(
    configure: Configure, tmp_path: Path
) -> None:
    short = ("training.max_epochs=1", "training.max_steps_per_epoch=1")
    config = configure(*short, "model.dual_stream_attention.fixed_weights=[0.5,0.5]")
    train(config, tmp_path)
    described = load_checkpoint(tmp_path / "checkpoints" / "last.safetensors").description
    assert described.network == read_settings(config).network
    assert described.features == read_settings(config).features


def test_resuming_a_complete_run_raises_an_error(configure: Configure, tmp_path: Path) -> None:
    train(configure("training.max_epochs=1", "training.max_steps_per_epoch=1"), tmp_path / "a")
    done = tmp_path / "a" / "checkpoints" / "last.safetensors"
    with pytest.raises(ModelError, match=r"epoch 1 of 1 is done.*training\.max_epochs"):
        train(configure("training.max_epochs=1", f"checkpoint_path={done}"), tmp_path / "b")
    train(configure("training.max_epochs=2", f"checkpoint_path={done}"), tmp_path / "c")
    longer = tmp_path / "c" / "checkpoints" / "last.safetensors"
    tried = ("training.max_epochs=9", "debug=true", f"checkpoint_path={longer}")
    with pytest.raises(ModelError, match=r"epoch 2 of 2 is done.*debug=true"):
        train(configure(*tried), tmp_path / "d")


def test_a_fixed_alpha_overrides_the_checkpoints(configure: Configure, tmp_path: Path) -> None:
    short = ("training.max_steps_per_epoch=1", "training.scheduler.warmup_steps=0")
    train(configure(*short, "training.max_epochs=1"), tmp_path / "a")
    begun = tmp_path / "a" / "checkpoints" / "last.safetensors"
    fixed = configure(*short, "model.fixed_alpha=0.27", f"checkpoint_path={begun}")
    train(fixed, tmp_path / "b")
    made = load_checkpoint(tmp_path / "b" / "checkpoints" / "last.safetensors")
    for averaged in (True, False):
        alpha = made.network(averaged=averaged).alpha
        torch.testing.assert_close(alpha, torch.full_like(alpha, 0.27))


def test_a_partial_accumulation_is_averaged_over_its_batches(
    configure: Configure, tmp_path: Path
) -> None:
    still = (
        "training.max_epochs=1",
        "training.max_steps_per_epoch=5",
        "training.optimizer.lr=1e-12",
    )
    train(configure(*still), tmp_path / "each")
    train(configure(*still, "training.accumulate_grad_batches=4"), tmp_path / "four")
    each = losses(tmp_path / "each")
    expected = [sum(each[:4]) / 4, each[4]]
    assert losses(tmp_path / "four") == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("steps", "words"),
    [(1, "training.optimizer.lr"), (4, r"step \d is nan.*training\.optimizer\.lr")],
)
def test_a_diverging_run_raises_a_model_error(
    configure: Configure, tmp_path: Path, steps: int, words: str
) -> None:
    mad = ("training.optimizer.lr=1e30", "training.ema_decay=0", "training.max_epochs=1")
    with pytest.raises(ModelError, match=words):
        train(configure(*mad, f"training.max_steps_per_epoch={steps}"), tmp_path)


def test_two_processes_equal_one(configure: Configure, babble: Path, tmp_path: Path) -> None:
    config = configure("data.stride_mode=mixed", "training.accumulate_grad_batches=2")
    train(config, tmp_path / "one")
    overrides = [
        *common_overrides(babble, Path(config.data.cache_dir)),
        "data.stride_mode=mixed",
        "training.accumulate_grad_batches=2",
        f"hydra.run.dir={tmp_path / 'two'}",
    ]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*launcher, "--nproc_per_node", "2", "-m", "koemorph.train", *overrides],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "two" / "logs").iterdir())) == 1  # one run, not one each
    assert done.stdout.count(f"wrote {tmp_path / 'two' / 'checkpoints'}") == 1
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(two) == 4
    assert two == pytest.approx(one, rel=1e-4, abs=1e-6)
    weights = [
        load_checkpoint(tmp_path / run / "checkpoints" / "last.safetensors").groups["network"]
        for run in ("one", "two")
    ]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=1e-4, rtol=1e-3)


def test_freeze_except_trains_the_named_blendshapes_alone(
    configure: Configure, tmp_path: Path
) -> None:
    short = ("training.max_epochs=1", "training.max_steps_per_epoch=3", "training.ema_decay=0")
    train(configure(*short), tmp_path / "all")
    begun = tmp_path / "all" / "checkpoints" / "last.safetensors"
    more = configure(
        "training.max_epochs=2",
        "training.max_steps_per_epoch=3",
        "training.optimizer.weight_decay=0.1",
        "training.freeze_except=[jawOpen]",
        f"checkpoint_path={begun}",
    )
    train(more, tmp_path / "one")
    before = load_checkpoint(begun).network()
    after = load_checkpoint(tmp_path / "one" / "checkpoints" / "last.safetensors").network()
    own = INDEX["jawOpen"]
    for name, old in before.named_parameters():
        moved = (after.get_parameter(name) - old).abs()
        if name in BLENDSHAPE_AXES:
            mine = moved.select(BLENDSHAPE_AXES[name], own)
            assert mine.max() > 0, name
            moved.index_fill_(BLENDSHAPE_AXES[name], torch.tensor([own]), 0.0)
        assert moved.max() == 0, name


@pytest.mark.parametrize(
    "overrides",
    [
        ("data.stride_mode=dense",),
        ("training.sequential=false",),
        ("data.target_fps=60", "model.emotion_config.backend=none"),
        ("data.window_frames=128", "model.emotion_config.use_concatenation=false"),
        ("experiment=fast", "model.d_model=32", "training.max_epochs=1"),
        ("data=koemorph_v1", "debug=true", "data.max_files=2"),
        # As much of mixed precision as runs without a GPU.
        ("training.precision=bf16-mixed", "data.stride_mode=dense"),
    ],
)
def test_a_run_with_other_settings_trains(
    configure: Configure, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    config = configure("training.max_epochs=1", "training.max_steps_per_epoch=2", *overrides)
    measures = train(config, tmp_path)
    assert 0 < measures["error"] < 1


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("data.batchsize=3", "there is no setting data.batchsize: did you mean data.batch_size?"),
        ("data.target_fps=25", "data.target_fps=25: 30 and 60 are possible."),
        ("data.styles.dev=lively", "data.styles: there is no source dev, only train."),
    ],
)
def test_the_command_line_prints_one_message_per_error(
    tmp_path: Path, override: str, sentence: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "koemorph.train", override],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 2
    assert run.stderr == f"koemorph: {sentence}\n"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
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
    configure: Configure, tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    for number in range(3):
        write_babble(tmp_path / "data" / f"clip_{number}", seed=number)
    (tmp_path / "data" / "clip_1" / name).write_text(text)
    bad = configure(f"data.train_data_dir={tmp_path / 'data'}")
    with pytest.raises(KoemorphError, match=sentence):
        load_training_data(read_settings(bad))
    bad.data.skip_bad_recordings = True
    assert load_training_data(read_settings(bad)).skipped == 1


def test_audio_shorter_than_its_capture_is_reported(
    configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        write_babble(tmp_path / "data" / f"clip_{number}", seed=number)
    sound = tmp_path / "data" / "clip_1" / "audio.wav"
    os.truncate(sound, sound.stat().st_size // 2)
    load_training_data(read_settings(configure(f"data.train_data_dir={tmp_path / 'data'}")))
    (said,) = caplog.messages
    assert re.search(r"clip_1: .*4\.00 s.*2\.00 s", said)


@pytest.mark.parametrize(("source", "purpose"), [("train", "training"), ("dev", "validation")])
def test_recordings_without_labels_raise_an_error_before_training(
    configure: Configure, source: str, purpose: str
) -> None:
    nothing = f"data.unlabelled.{source}=[jawOpen,mouthPucker,mouthSmileLeft]"
    with raises_code(DataError, "unlabelled", purpose):
        load_training_data(read_settings(configure(nothing)))


def test_a_bad_checkpoint_raises_a_model_error(configure: Configure, tmp_path: Path) -> None:
    config = configure("training.max_epochs=1", "training.max_steps_per_epoch=1")
    train(config, tmp_path)
    good = tmp_path / "checkpoints" / "last.safetensors"
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:2000])
    with pytest.raises(ModelError, match="damaged"):
        load_checkpoint(cut)
    with pytest.raises(ModelError, match="no checkpoint"):
        load_checkpoint(tmp_path / "none.safetensors")
    other = configure(f"checkpoint_path={good}", "model.channels=8")
    with pytest.raises(ModelError, match="another architecture"):
        train(other, tmp_path / "other")
    other = configure(f"checkpoint_path={good}", "model.emotion_config.backend=basic")
    with pytest.raises(ModelError, match=r"native.*basic") as raised:
        train(other, tmp_path / "other")
    assert raised.value.code == "backend_mismatch"
    described = load_checkpoint(good).description
    for text in ("null", "{}", "[]", "5"):
        stored = save({"network/x": torch.zeros(1)}, metadata={"koemorph": text})
        cut.write_bytes(stored)
        with pytest.raises(ModelError, match="its description cannot be read"):
            load_checkpoint(cut)
    checkpoints.save_checkpoint(cut, described, {"average": {}})
    with pytest.raises(ModelError, match="another architecture"):
        load_checkpoint(cut).network()


def test_a_full_disk_leaves_the_finished_checkpoint(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(configure("training.max_epochs=1", "training.max_steps_per_epoch=1"), tmp_path)
    path = tmp_path / "checkpoints" / "last.safetensors"
    before = path.read_bytes()
    checkpoint = load_checkpoint(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="disk is full"):
        checkpoints.save_checkpoint(path, checkpoint.description, checkpoint.groups)
    assert path.read_bytes() == before
    assert len(list(path.parent.glob(".*"))) == 0


def test_unwritable_logs_end_a_run_with_a_message(babble: Path, tmp_path: Path) -> None:
    overrides = [*common_overrides(babble, tmp_path / "cache"), f"hydra.run.dir={tmp_path}"]
    (tmp_path / "logs").write_text("no folder")
    done = subprocess.run(
        [sys.executable, "-m", "koemorph.train", *overrides],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert re.search("koemorph: the run ended: File exists.*checkpoint_path=", done.stderr)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C of a process alone is not to be had there")
def test_an_interrupted_run_prints_how_to_resume(babble: Path, tmp_path: Path) -> None:
    endless = ["training.max_epochs=100000", "training.checkpoint_every=0"]
    overrides = [*common_overrides(babble, tmp_path / "cache"), f"hydra.run.dir={tmp_path}"]
    last = tmp_path / "checkpoints" / "last.safetensors"
    # What runs in the background may have been told to ignore it.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    begin = f"{heed}; from koemorph.training.train import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", begin, *overrides, *endless],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            wait_for(lambda: last.exists() or run.poll() is not None, 300)
            run.send_signal(signal.SIGINT)
            _, said = run.communicate()
        finally:
            run.kill()
    assert run.returncode == 130
    assert "Traceback" not in said
    assert said.endswith(f"checkpoint_path={last}.\n")
    assert load_checkpoint(last).description.epoch > 0
