"""koemorph.egemaps and `koemorph features`: tables with the columns of openSMILE."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from waiting import wait_for

import koemorph
from koemorph import _native
from koemorph.cli import main
from koemorph.egemaps import FUNCTIONAL_NAMES, GEMAPS_NAMES, LLD_NAMES
from koemorph.errors import AudioError


def test_functionals_are_one_row_of_88(speech: Path) -> None:
    samples, rate = soundfile.read(speech)
    table = koemorph.compute_egemaps(samples, rate)
    assert list(table.columns) == list(FUNCTIONAL_NAMES)
    assert table.index.tolist() == [(pd.Timedelta(0), pd.Timedelta(seconds=len(samples) / rate))]
    assert np.isfinite(table.to_numpy()).all()


def test_lld_has_a_row_every_10_ms(speech: Path) -> None:
    samples, rate = soundfile.read(speech)
    table = koemorph.compute_egemaps(samples, rate, level="lld")
    assert list(table.columns) == list(LLD_NAMES)
    starts = table.index.get_level_values("start").total_seconds()
    np.testing.assert_allclose(np.diff(starts), 0.01)
    assert (table["F0semitoneFrom27.5Hz_sma3nz"] > 0).mean() > 0.2


def test_gemaps_is_a_subset_of_62() -> None:
    assert len(GEMAPS_NAMES) == 62
    assert set(GEMAPS_NAMES) < set(FUNCTIONAL_NAMES)


def test_other_rates_give_nearly_the_same_numbers(speech: Path) -> None:
    samples, rate = soundfile.read(speech, dtype="float32")
    upsampled = _native.Resampler(rate, 3 * rate).push(samples)
    ours, other = (
        koemorph.compute_egemaps(samples, rate),
        koemorph.compute_egemaps(upsampled, 3 * rate),
    )
    pitch = "F0semitoneFrom27.5Hz_sma3nz_amean"
    assert other[pitch].item() == pytest.approx(ours[pitch].item(), abs=0.1)


def test_channels_are_averaged(speech: Path) -> None:
    samples, rate = soundfile.read(speech, dtype="float32")
    stereo = np.stack([samples, 0.5 * samples], axis=1)
    expected = koemorph.compute_egemaps(0.75 * samples, rate)
    pd.testing.assert_frame_equal(koemorph.compute_egemaps(stereo, rate), expected)
    with pytest.raises(AudioError) as raised:
        koemorph.compute_egemaps(np.zeros((2, 16000)), 16000)
    assert raised.value.code == "unsupported_shape"


def test_integers_are_scaled_to_full_scale(speech: Path) -> None:
    (samples, rate), (integers, _) = (soundfile.read(speech, dtype=d) for d in ("float32", "int16"))
    np.testing.assert_array_equal(
        koemorph.compute_egemaps(integers, float(rate)), koemorph.compute_egemaps(samples, rate)
    )
    with pytest.raises(AudioError, match="complex"):
        koemorph.compute_egemaps(samples * 1j, rate)


@pytest.mark.parametrize("rate", [0, -16000, 44100.5, float("nan"), float("inf")])
def test_invalid_sample_rate_is_rejected(rate: float) -> None:
    with pytest.raises(AudioError, match=f"{rate} Hz") as raised:
        koemorph.compute_egemaps(np.zeros(1600), rate)
    assert raised.value.code == "unsupported_sample_rate"


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_command_writes_a_table_of_several_recordings(
    speech: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / name
    with pytest.raises(SystemExit) as stop:
        main(["features", str(speech), str(speech), "-o", str(output), "--level", "lld"])
    assert stop.value.code == 0
    table = pd.read_csv(output) if name.endswith("csv") else pd.read_parquet(output)
    assert set(LLD_NAMES) < set(table.columns)
    assert set(table["file"]) == {str(speech)}


def test_command_writes_mel_frames(speech: Path, tmp_path: Path) -> None:
    output = tmp_path / "mel.csv"
    with pytest.raises(SystemExit) as stop:
        main(["features", str(speech), "-o", str(output), "--mel"])
    assert stop.value.code == 0
    table = pd.read_csv(output)
    assert sum(name.startswith("mel") for name in table.columns) == 80
    starts = pd.to_timedelta(table["start"]).dt.total_seconds()
    np.testing.assert_allclose(starts, np.arange(len(table)) / 30, atol=1e-6)


def test_command_averages_channels(speech: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(speech)
    soundfile.write(tmp_path / "right.wav", np.stack([0 * samples, samples], 1), rate, "DOUBLE")
    soundfile.write(tmp_path / "half.wav", samples / 2, rate, "DOUBLE")
    recordings = [str(tmp_path / name) for name in ("right.wav", "half.wav")]
    with pytest.raises(SystemExit):
        main(["features", *recordings, "-o", str(tmp_path / "out.csv")])
    right, half = pd.read_csv(tmp_path / "out.csv")[list(FUNCTIONAL_NAMES)].to_numpy()
    np.testing.assert_allclose(right, half, rtol=1e-4)


@pytest.mark.parametrize("options", [[], ["--mel"]])
def test_command_cleans_samples_as_a_stream_does(
    speech: Path, tmp_path: Path, options: list[str]
) -> None:
    samples, rate = soundfile.read(speech, dtype="float32")
    clean = samples.copy()
    clean[5000:5200], clean[9000:9002] = 0, (100, -100)
    broken = samples.copy()
    broken[5000:5100], broken[5100:5200] = np.nan, np.inf
    broken[9000:9002] = 1e30, -1e30
    soundfile.write(tmp_path / "clean.wav", clean / 2, rate, "FLOAT")
    dead = np.full_like(broken, np.nan)
    soundfile.write(tmp_path / "broken.wav", np.stack([dead, broken], 1), rate, "FLOAT")
    recordings = [str(tmp_path / name) for name in ("clean.wav", "broken.wav")]
    with pytest.raises(SystemExit):
        main(["features", *recordings, *options, "-o", str(tmp_path / "out.csv")])
    table = pd.read_csv(tmp_path / "out.csv").drop(columns=["file", "start"])
    one, other = np.split(table.select_dtypes("number").to_numpy(), 2)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_file_names_need_not_be_utf8(speech: Path, tmp_path: Path, name: str) -> None:
    recordings = [tmp_path / os.fsdecode(odd) for odd in (b"v\xfe.wav", b"v\xff.wav")]
    for recording in recordings:
        recording.write_bytes(speech.read_bytes())
    with pytest.raises(SystemExit) as stop:
        main(["features", *map(str, recordings), "-o", str(tmp_path / name)])
    assert stop.value.code == 0
    table = (pd.read_csv if name.endswith("csv") else pd.read_parquet)(tmp_path / name)
    assert list(table["file"]) == [str(tmp_path / "v\ufffd.wav")] * 2


def test_unwritable_output_fails_before_the_computation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["features", str(tmp_path / "no.wav"), "-o", str(tmp_path / "none" / "out.csv")])
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_leave_no_partial_file(speech: Path, tmp_path: Path, name: str) -> None:
    # Under nohup, which may run the tests, SIGHUP is ignored.
    default = f"import signal; signal.signal(signal.{name}, signal.SIG_DFL)"
    code = f"{default}; from koemorph.cli import main; main()"
    # More recordings than are processed before the signal.
    arguments = ["features", *[str(speech)] * 5000, "-o", str(tmp_path / "out.csv")]
    command = subprocess.Popen([sys.executable, "-c", code, *arguments])
    wait_for(lambda: any(tmp_path.iterdir()))
    command.send_signal(signal.Signals[name])
    assert command.wait() == -signal.Signals[name]
    assert list(tmp_path.iterdir()) == []


def test_unknown_extension_is_rejected(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["features", str(speech), "-o", str(tmp_path / "out.xlsx")])
    assert stop.value.code == 2
    assert ".csv or .parquet" in capsys.readouterr().err


def test_command_writes_what_a_damaged_recording_contains(speech: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.wav"
    path.write_bytes(speech.read_bytes()[:60000])
    with pytest.raises(SystemExit) as ended:
        main(["features", str(path), "-o", str(tmp_path / "a.csv"), "--mel", "--channel", "1"])
    assert ended.value.code == 1
    frames = round((60000 - 44) / 2 / soundfile.info(speech).samplerate * 30)
    assert abs(len(pd.read_csv(tmp_path / "a.csv")) - frames) <= 1
