"""Resuming a run: exact continuation, the best checkpoint, and settings that do not fit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from babble import common_overrides
from omegaconf import DictConfig
from safetensors.torch import save
from waiting import wait_for

from koemorph.errors import ModelError
from koemorph.training import checkpoints
from koemorph.training.checkpoints import load_checkpoint
from koemorph.training.train import train

Configure = Callable[..., DictConfig]


@pytest.mark.parametrize("mode", ["progressive", "mixed"])
def test_a_resumed_run_equals_an_uninterrupted_one(
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
    start = tmp_path / "first" / "checkpoints" / "last.safetensors"
    worse = ("training.max_epochs=2", "training.optimizer.lr=0.1", "training.ema_decay=0")
    train(configure(*worse, f"checkpoint_path={start}"), tmp_path / "second")
    best, last = (
        load_checkpoint(tmp_path / "second" / "checkpoints" / f"{name}.safetensors")
        for name in ("best", "last")
    )
    assert (best.description.epoch, last.description.epoch) == (1, 2)
    assert best.description.best == last.description.best
    moved = tmp_path / "moved.safetensors"
    shutil.copyfile(start, moved)
    train(configure(*worse, f"checkpoint_path={moved}"), tmp_path / "third")
    best = load_checkpoint(tmp_path / "third" / "checkpoints" / "best.safetensors")
    assert best.description.epoch == 2


def test_a_best_of_other_data_or_another_network_is_not_copied(
    configure: Configure, babble: Path, tmp_path: Path
) -> None:
    train(configure("training.max_epochs=1"), tmp_path / "first")
    start = tmp_path / "first" / "checkpoints" / "last.safetensors"
    worse = ("training.max_epochs=2", "training.optimizer.lr=0.1", "training.ema_decay=0")
    others = f"data.val_data_dir={babble / 'train'}"
    for number, change in enumerate((others, "model.fixed_alpha=0.27")):
        folder = tmp_path / str(number)
        train(configure(*worse, change, f"checkpoint_path={start}"), folder)
        best = load_checkpoint(folder / "checkpoints" / "best.safetensors")
        assert best.description.epoch == 2


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
    start = tmp_path / "a" / "checkpoints" / "last.safetensors"
    fixed = configure(*short, "model.fixed_alpha=0.27", f"checkpoint_path={start}")
    train(fixed, tmp_path / "b")
    made = load_checkpoint(tmp_path / "b" / "checkpoints" / "last.safetensors")
    for averaged in (True, False):
        alpha = made.network(averaged=averaged).alpha
        torch.testing.assert_close(alpha, torch.full_like(alpha, 0.27))


def test_a_bad_checkpoint_raises_a_model_error(configure: Configure, tmp_path: Path) -> None:
    config = configure("training.max_epochs=1", "training.max_steps_per_epoch=1")
    train(config, tmp_path)
    good = tmp_path / "checkpoints" / "last.safetensors"
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:2000])
    with pytest.raises(ModelError, match="damaged"):
        load_checkpoint(cut)
    with pytest.raises(ModelError, match=r"checkpoint .* does not exist"):
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


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupted_run_prints_how_to_resume(babble: Path, tmp_path: Path) -> None:
    endless = ["training.max_epochs=100000", "training.checkpoint_every=0"]
    overrides = [*common_overrides(babble, tmp_path / "cache"), f"hydra.run.dir={tmp_path}"]
    last = tmp_path / "checkpoints" / "last.safetensors"
    # A background process may ignore SIGINT.
    handler = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    begin = f"{handler}; from koemorph.training.train import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", begin, *overrides, *endless],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            wait_for(lambda: last.exists() or run.poll() is not None, 300)
            run.send_signal(signal.SIGINT)
            _, printed = run.communicate()
        finally:
            run.kill()
    assert run.returncode == 130
    assert "Traceback" not in printed
    assert printed.endswith(f"checkpoint_path={last}.\n")
    assert load_checkpoint(last).description.epoch > 0
