"""The training loop: the loss falls, resuming is exact, processes divide the batches."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from babble import common_overrides
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from koemorph.blendshapes import INDEX
from koemorph.errors import ModelError, OutputError
from koemorph.training import checkpoints
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.config import TrainingConfig
from koemorph.training.network import BLENDSHAPE_AXES
from koemorph.training.optimization import warn_of_short_run
from koemorph.training.settings import read_settings
from koemorph.training.train import train

Configure = Callable[..., DictConfig]


def scalars(folder: Path, name: str) -> list[float]:
    """Read a scalar of every step from the TensorBoard files."""
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


def test_a_checkpoint_stores_the_settings_of_its_network(
    configure: Configure, tmp_path: Path
) -> None:
    short = ("training.max_epochs=1", "training.max_steps_per_epoch=1")
    config = configure(*short, "model.dual_stream_attention.fixed_weights=[0.5,0.5]")
    train(config, tmp_path)
    described = load_checkpoint(tmp_path / "checkpoints" / "last.safetensors").description
    assert described.network == read_settings(config).network
    assert described.features == read_settings(config).features


def test_a_partial_accumulation_is_averaged_over_its_batches(
    configure: Configure, tmp_path: Path
) -> None:
    constant_weights = (
        "training.max_epochs=1",
        "training.max_steps_per_epoch=5",
        "training.optimizer.lr=1e-12",
    )
    train(configure(*constant_weights), tmp_path / "each")
    train(configure(*constant_weights, "training.accumulate_grad_batches=4"), tmp_path / "four")
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
    diverging = ("training.optimizer.lr=1e30", "training.ema_decay=0", "training.max_epochs=1")
    with pytest.raises(ModelError, match=words):
        train(configure(*diverging, f"training.max_steps_per_epoch={steps}"), tmp_path)


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
    start = tmp_path / "all" / "checkpoints" / "last.safetensors"
    more = configure(
        "training.max_epochs=2",
        "training.max_steps_per_epoch=3",
        "training.optimizer.weight_decay=0.1",
        "training.freeze_except=[jawOpen]",
        f"checkpoint_path={start}",
    )
    train(more, tmp_path / "one")
    before = load_checkpoint(start).network()
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
        # The mixed precision that runs without a GPU.
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
    ("override", "message"),
    [
        ("data.batchsize=3", "unknown setting data.batchsize: did you mean data.batch_size?"),
        ("data.target_fps=25", "data.target_fps=25: 30 and 60 are possible."),
        ("data.styles.dev=lively", "data.styles: unknown source dev, expected one of train."),
    ],
)
def test_the_command_line_prints_one_message_per_error(
    tmp_path: Path, override: str, message: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "koemorph.train", override],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 2
    assert run.stderr == f"koemorph: {message}\n"


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
