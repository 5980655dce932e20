"""Settings that make no sense: each is named, with what it must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from koemorph.errors import DataError
from koemorph.training.settings import read_settings
from koemorph.training.train import train

Configure = Callable[..., DictConfig]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.stride_mode=often", "it must be one of dense, sparse"),
        ("data.target_fps=25", "30 and 60 are possible"),
        ("model.d_model=33", "cannot be split"),
        ("data.batch_size=many", "must be a whole number of at least 1"),
        ("data.batch_size=2.5", "must be a whole number"),
        ("data.max_files=-1", r"must be a whole number of at least 1, or null\."),
        ("data.max_files=abc", "must be a whole number"),
        ("data.num_workers=-1", "must be a whole number of at least 0"),
        ("data.validation_ratio=5", r"must be a number in \[0, 0\.5\]"),
        ("data.cold_start_ratio=5", r"must be a number in \[0, 1\]"),
        ("data.pause_seconds=[1]", "must be a list of 2, each a number in"),
        ("data.pause_seconds=[2, 1]", "none below the one before"),
        ("data.augment.gain_db=[6,-30]", "none below the one before"),
        ("data.augment.probability=5", r"must be a number in \[0, 1\]"),
        ("data.sequence_seconds=0.01", r"must be a number in \[0\.1, 600\]"),
        ("data.sequence_seconds=1e9", r"must be a number in \[0\.1, 600\]"),
        ("data.pause_seconds=[0,1e9]", r"must be a list of 2, each a number in \[0, 600\] and"),
        ("data.initial_stride=2.5", "must be a whole number"),
        ("data.window_frames=abc", "must be a whole number"),
        ("data.train_data_dir=5", "data.train_data_dir=5: it must be a folder"),
        ("data.train_data_dir=null", "data.train_data_dir=null: it must be a folder"),
        ("data.batch_size={a: 1}", "must be a whole number"),
        ("data.augment=3", r"give them one by one, such as data\.augment\.probability=0\.0"),
        ("training.optimizer=null", r"training\.optimizer=null: it holds several settings"),
        ("features.emotion=null", r"such as features\.emotion\.context_window=20\.0"),
        ("loss=null", "loss=null: a group of settings cannot be null; .* choose default"),
        ("experiment=null", "leave it out, or choose 30fps or 60fps or fast"),
        ("~features", "features was taken away: .* leave ~features out"),
        ("data.batch_size=${data.batch}", r"data\.batch_size refers to what there is not"),
        ("~data.batch_size", "data.batch_size was taken away"),
        ("features.lookahead_frames=-1", r"must be a whole number in \[0, 32\]"),
        ("features.detail_frames=100", r"must be a whole number in \[0, 64\]"),
        ("features.emotion.context_window=0", "must be a number in"),
        ("features.emotion.context_window=0.105", "must be a multiple of 0.01 s"),
        ("features.emotion.window_intervals=[0.0,0.4]", "must be multiples of the update_interval"),
        ("model.attention.num_heads=0", "must be a whole number of at least 1"),
        ("model.fixed_alpha=abc", r"must be a number in \(0, 1\)"),
        ("model.dual_stream_attention.temperature=0", "must be a number above 0"),
        ("model.dual_stream_attention.fixed_weights=[1,2,3]", "must be a list of 2"),
        ("model.dual_stream_attention.fixed_weights=[0,0]", "not all 0, or null"),
        ("model.emotion_config.backend=moods", "no expression backend moods"),
        ("training.optimizer.betas=0.9", "must be a list of 2"),
        ("training.optimizer.betas=[0.9]", "must be a list of 2"),
        ("training.accumulate_grad_batches=0", "must be a whole number of at least 1"),
        ("training.max_epochs=1.5", "must be a whole number"),
        ("training.max_steps_per_epoch=-3", "must be a whole number of at least 1"),
        ("training.expression_dropout=5", r"must be a number in \[0, 1\]"),
        ("training.threads=-1", "must be a whole number of at least 1"),
        ("training.precision=16-mixed", "or 16-mixed on a GPU"),
        ("training.precision=32", "it must be one of auto, 32-true, bf16-mixed, 16-mixed"),
        ("training.accelerator=foo", "training.accelerator=foo with training.devices=1 is not"),
        ("training.devices=0", "training.accelerator=cpu with training.devices=0 is not"),
        ("training.scheduler.name=jumpy", "it must be one of cosine, linear, constant"),
        ("seed=-1", "seed=-1: it must be a whole number"),
        ("debug=maybe", "debug=maybe: it must be true or false"),
        ("data.verify_sync=perhaps", "it must be true or false"),
        ("loss.mse_weight=0", "loss.mse_weight and loss.l1_weight are both 0"),
        ("loss.closure_weight=0.1", "needs a mesh"),
        ("data.train_data_dir=/nowhere", "does not exist"),
        ("data.lead_seconds=0.01", "must be sources by name, each with a number"),
        ("data.lead_seconds.train=early", "must be sources by name, each with a number"),
        ("data.source_weights.train=0", "data.source_weights: no source is ever drawn"),
        ("+data.source_weights.train=much", "must be sources by name, each with a number"),
        ("+data.source_weights.tarin=2", "no source tarin, only"),
        ("data.styles.tarin=lively", "no source tarin, only"),
        ("data.styles=lively", "must be sources by name, each with a text"),
        ("data.rest_in_pauses=train", "it must be a list of names"),
        ("data.rest_in_pauses=[tarin]", "data.rest_in_pauses: there is no source tarin"),
        ("data.unlabelled.train=[jawOpne]", "did you mean jawOpen"),
        ("data.unlabelled.train=[17]", "data.unlabelled=.* must be sources by name"),
        (
            "training.freeze_except=mouthClsoe",
            "mouthClsoe is no blendshape; did you mean mouthClose",
        ),
        ("+data.style.train=lively", r"no setting data\.style\.train: did you mean data\.styles"),
        ("+data.augment.probabilty=0.8", r"did you mean data\.augment\.probability\?"),
        ("+foo=1", "there is no setting foo: settings are given as key=value"),
        ("+loss.foo=1", "there is no setting loss.foo"),
    ],
)
def test_settings_that_make_no_sense_are_named(
    configure: Configure, tmp_path: Path, override: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        train(configure(override), tmp_path)


def test_a_loss_that_learns_nothing_is_named(configure: Configure) -> None:
    nothing = ("loss.mouth_weight=0", "loss.expression_weight=0")
    with pytest.raises(DataError, match=r"expression_weight are both 0: one of them must be"):
        read_settings(configure(*nothing))
    read_settings(configure(nothing[0]))
