"""Settings: invalid ones raise an error with a code, the key and the allowed values."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from error_code import raises_code
from omegaconf import DictConfig

from koemorph.errors import DataError
from koemorph.training import composition, settings
from koemorph.training.composition import CONFIGS, check_files, compose_config
from koemorph.training.ranges import all_settings
from koemorph.training.settings import read_settings
from koemorph.training.train import train

Configure = Callable[..., DictConfig]


@pytest.mark.parametrize(
    ("override", "code", "values"),
    [
        (
            "data.stride_mode=often",
            "bad_setting",
            ("data.stride_mode", "dense, sparse, mixed, progressive"),
        ),
        ("data.target_fps=25", "bad_setting", ("data.target_fps",)),
        ("model.d_model=33", "bad_network", ()),
        ("data.batch_size=many", "bad_setting", ("data.batch_size",)),
        ("data.batch_size=2.5", "bad_setting", ("data.batch_size",)),
        ("data.max_files=-1", "bad_setting", ("data.max_files", "null")),
        ("data.max_files=abc", "bad_setting", ("data.max_files", "null")),
        ("data.num_workers=-1", "bad_setting", ("data.num_workers",)),
        ("data.validation_ratio=5", "bad_setting", ("data.validation_ratio", "[0, 0.5]")),
        ("data.cold_start_ratio=5", "bad_setting", ("data.cold_start_ratio", "[0, 1]")),
        ("data.pause_seconds=[1]", "bad_setting", ("data.pause_seconds", "[0, 600]")),
        (
            "data.pause_seconds=[2, 1]",
            "bad_setting",
            ("data.pause_seconds", "[2.0, 1.0]", "[0, 600]"),
        ),
        ("data.augment.gain_db=[6,-30]", "bad_setting", ("data.augment.gain_db", "[-200, 200]")),
        ("data.augment.probability=5", "bad_setting", ("data.augment.probability", "[0, 1]")),
        ("data.sequence_seconds=0.01", "bad_setting", ("data.sequence_seconds", "[0.1, 600]")),
        ("data.sequence_seconds=1e9", "bad_setting", ("data.sequence_seconds", "[0.1, 600]")),
        (
            "data.pause_seconds=[0,1e9]",
            "bad_setting",
            ("data.pause_seconds", "[0.0, 1000000000.0]", "[0, 600]"),
        ),
        ("data.initial_stride=2.5", "bad_setting", ("data.initial_stride",)),
        ("data.window_frames=abc", "bad_setting", ("data.window_frames", "[1, 8192]", "null")),
        ("data.train_data_dir=5", "bad_setting", ("data.train_data_dir",)),
        ("data.train_data_dir=null", "bad_setting", ("data.train_data_dir",)),
        ("data.batch_size={a: 1}", "bad_setting", ("data.batch_size",)),
        ("data.augment=3", "bad_setting", ("data.augment", "data.augment.probability=0.0")),
        (
            "training.optimizer=null",
            "bad_setting",
            ("training.optimizer", "training.optimizer.lr=0.001"),
        ),
        (
            "features.emotion=null",
            "bad_setting",
            ("features.emotion", "features.emotion.context_window=20.0"),
        ),
        ("loss=null", "unknown_choice", ("loss", "default")),
        ("experiment=null", "unknown_choice", ("experiment", "30fps or 60fps or fast")),
        ("data.batch_size=${data.batch}", "bad_setting", ("data.batch_size",)),
        ("~data.batch_size", "bad_setting", ("data.batch_size",)),
        (
            "features.lookahead_frames=-1",
            "bad_setting",
            ("features.lookahead_frames", "[0, 32]", "null"),
        ),
        ("features.detail_frames=100", "bad_setting", ("features.detail_frames", "[0, 64]")),
        (
            "features.emotion.context_window=0",
            "bad_setting",
            ("features.emotion.context_window", "[0.1, 120]"),
        ),
        ("features.emotion.context_window=0.105", "bad_setting", ()),
        ("features.emotion.window_intervals=[0.0,0.4]", "bad_setting", ()),
        ("model.attention.num_heads=0", "bad_setting", ("model.attention.num_heads",)),
        ("model.fixed_alpha=abc", "bad_setting", ("model.fixed_alpha", "(0, 1)", "null")),
        (
            "model.dual_stream_attention.temperature=0",
            "bad_setting",
            ("model.dual_stream_attention.temperature",),
        ),
        (
            "model.dual_stream_attention.fixed_weights=[1,2,3]",
            "bad_setting",
            ("model.dual_stream_attention.fixed_weights", "[0, 1]", "null"),
        ),
        (
            "model.dual_stream_attention.fixed_weights=[0,0]",
            "bad_setting",
            ("model.dual_stream_attention.fixed_weights", "[0.0, 0.0]", "[0, 1]", "null"),
        ),
        (
            "model.emotion_config.backend=moods",
            "unknown_backend",
            ("model.emotion_config.backend", "native, none, basic, opensmile, emotion2vec"),
        ),
        ("training.optimizer.betas=0.9", "bad_setting", ("training.optimizer.betas", "[0, 1)")),
        ("training.optimizer.betas=[0.9]", "bad_setting", ("training.optimizer.betas", "[0, 1)")),
        (
            "training.accumulate_grad_batches=0",
            "bad_setting",
            ("training.accumulate_grad_batches",),
        ),
        ("training.max_epochs=1.5", "bad_setting", ("training.max_epochs",)),
        (
            "training.max_steps_per_epoch=-3",
            "bad_setting",
            ("training.max_steps_per_epoch", "null"),
        ),
        ("training.expression_dropout=5", "bad_setting", ("training.expression_dropout", "[0, 1]")),
        ("training.threads=-1", "bad_setting", ("training.threads", "null")),
        (
            "training.precision=32",
            "bad_setting",
            ("training.precision", "auto, 32-true, bf16-mixed, 16-mixed"),
        ),
        (
            "training.scheduler.name=jumpy",
            "bad_setting",
            ("training.scheduler.name", "cosine, linear, constant"),
        ),
        ("seed=-1", "bad_setting", ("seed", "[0, 9223372036854775808)")),
        ("debug=maybe", "bad_setting", ("debug",)),
        ("data.verify_sync=perhaps", "bad_setting", ("data.verify_sync",)),
        ("loss.mse_weight=0", "no_loss", ("loss.mse_weight", "them a value above 0")),
        ("loss.closure_weight=0.1", "no_rig", ("loss.closure_weight",)),
        ("data.lead_seconds=0.01", "bad_setting", ("data.lead_seconds", "[-1, 1]", "{grid: 0.01}")),
        (
            "data.lead_seconds.train=early",
            "bad_setting",
            ("data.lead_seconds.train", "[-1, 1]", "{grid: 0.01}"),
        ),
        (
            "+data.source_weights.train=much",
            "bad_setting",
            ("data.source_weights.train", "{grid: 0.5}"),
        ),
        ("+data.source_weights.tarin=2", "unknown_source", ()),
        ("data.styles.tarin=lively", "unknown_source", ()),
        ("data.styles=lively", "bad_setting", ("data.styles", "{grid: lively}")),
        ("data.rest_in_pauses=train", "bad_setting", ("data.rest_in_pauses", "[a, b]")),
        ("data.rest_in_pauses=[tarin]", "unknown_source", ("data.rest_in_pauses",)),
        (
            "data.unlabelled.train=[jawOpne]",
            "unknown_blendshape",
            ("data.unlabelled.train", "jawOpen"),
        ),
        ("data.unlabelled.train=[17]", "bad_setting", ("{grid: [jawOpen]}",)),
        (
            "training.freeze_except=mouthClsoe",
            "unknown_blendshape",
            ("training.freeze_except", "mouthClose"),
        ),
        ("+data.style.train=lively", "unknown_setting", ("data.style.train", "data.styles")),
        (
            "+data.augment.probabilty=0.8",
            "unknown_setting",
            ("data.augment.probabilty", "data.augment.probability"),
        ),
        ("+foo=1", "unknown_setting", ("foo",)),
        ("+loss.foo=1", "unknown_setting", ("loss.foo", "loss.rig")),
    ],
)
def test_a_wrong_setting_raises_an_error_with_its_key_and_range(
    configure: Configure, override: str, code: str, values: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as raised:
        read_settings(configure(override))
    assert raised.value.code == code
    for value in values:
        assert value in str(raised.value)


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("training.precision=16-mixed", "no_device"),
        ("training.accelerator=foo", "no_device"),
        ("training.devices=0", "no_device"),
        ("data.train_data_dir=/nowhere", "folder_not_found"),
        ("data.source_weights.train=0", "bad_setting"),
    ],
)
def test_a_setting_that_does_not_fit_the_machine_or_data_raises_an_error(
    configure: Configure, tmp_path: Path, override: str, code: str
) -> None:
    value = override.split("=")[1]
    with pytest.raises(DataError, match=value) as raised:
        train(configure(override), tmp_path)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("override", "values"),
    [
        ("experiment=fsat", ("experiment=fsat", "fast", "30fps or 60fps or fast")),
        ("+experiment=fsat", ("fast",)),
        ("data=koemorph_v3", ("koemorph_v1 or koemorph_v2",)),
    ],
)
def test_a_wrong_choice_of_a_group_lists_the_choices(
    override: str, values: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as raised:
        compose_config([override])
    assert raised.value.code == "unknown_choice"
    for value in values:
        assert value in str(raised.value)


@pytest.mark.parametrize(
    ("text", "line", "code", "values"),
    [
        ("batch_size: 4\nmax_files: many\n", 2, "bad_setting", ("data.max_files=many",)),
        ("\nbatchsize: 4\n", 2, "unknown_setting", ("data.batchsize", "data.batch_size")),
        ("augment:\n  eq_db: 3\n  warp: 7\n", 3, "bad_setting", ("data.augment.warp=7", "0.5")),
        ("batch_size: 4\nstyles: [a\nmax_files: 3\n", 3, "bad_yaml", ()),
        ("batch_size: 4\n\tmax_files: 3\n", 2, "bad_yaml", ()),
    ],
)
def test_an_error_in_a_file_names_the_file_and_the_line(
    tmp_path: Path, text: str, line: int, code: str, values: tuple[str, ...]
) -> None:
    path = tmp_path / "data" / "own.yaml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(DataError) as raised:
        check_files(tmp_path)
    assert raised.value.code == code
    for value in (f"{path}, line {line}:", *values):
        assert value in str(raised.value)


def test_files_may_contain_numbers_references_and_dictionaries(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text(
        "# @package _global_\n"
        "training:\n  optimizer:\n    lr: 1e-3\n    betas: [0.9, 0.99]\n"
        "data:\n  styles: {actor: lively}\n  sequence_seconds: ${data.track_seconds}\n"
    )
    check_files(tmp_path)


def test_a_broken_file_stops_a_run_before_hydra_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CONFIGS, tmp_path / "configs")
    (tmp_path / "configs" / "experiment" / "own.yaml").write_text("a: [1\n")
    monkeypatch.setattr(composition, "CONFIGS", tmp_path / "configs")
    with pytest.raises(DataError, match=r"own\.yaml, line 2"):
        compose_config([])


def test_every_setting_has_a_help_text_and_a_valid_default() -> None:
    for key, setting in all_settings().items():
        assert setting.help, key
        if "${" not in str(setting.default):
            assert setting.range.contains(setting.default), key


def test_a_loss_without_terms_raises_an_error(configure: Configure) -> None:
    overrides = ("loss.mouth_weight=0", "loss.expression_weight=0")
    with pytest.raises(DataError) as raised:
        read_settings(configure(*overrides))
    assert raised.value.code == "no_loss"
    read_settings(configure(overrides[0]))


def test_a_missing_bundled_checkpoint_names_its_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Wheels contain no checkpoint.
    monkeypatch.setattr(settings, "BUNDLED_CHECKPOINT", tmp_path / "koemorph-30.safetensors")
    with raises_code(DataError, "no_bundled_checkpoint", "/koemorph-30.safetensors"):
        read_settings(compose_config(["checkpoint_path=bundled"]))
