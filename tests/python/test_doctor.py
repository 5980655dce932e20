"""`koemorph doctor`: its checks and their remedies."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from koemorph import _native, cli, doctor
from koemorph.cli.doctor import command
from koemorph.doctor import examine


def test_libraries_and_valid_model_are_ok(tiny_models: dict[int, Path]) -> None:
    found = {finding.name: finding for finding in examine(tiny_models[30])}
    for name in ("numpy", "onnxruntime", "aiohttp", "pythonosc", "ONNX Runtime"):
        assert found[name].state == "ok", found[name]
    assert found[f"model {tiny_models[30]}"].text == "tiny 1, 30 fps"


def test_invalid_model_sets_the_exit_code(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    result = CliRunner().invoke(command, ["--model", str(bad)], standalone_mode=False)
    assert result.return_value == 1
    assert "✗" in result.output


def test_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.LIBRARIES, "no_such_library", "live")
    finding = doctor._library("no_such_library", "live")
    assert finding.state == "missing"
    assert finding.text.startswith("pip install ")
    assert '"aiohttp>=' in finding.text
    assert '"koemorph' not in finding.text  # which is in no registry before its release
    assert doctor._library("no_such_library", "").state == "bad"


def test_microphone_check_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    finding = doctor._microphones()
    assert finding.state == "missing"
    assert '"aiohttp>=' in finding.text
    assert '"koemorph' not in finding.text  # which is in no registry before its release


def test_port_in_use_names_the_option() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        finding = doctor._port(port, socket.SOCK_STREAM, "koemorph serve", "--port")
    assert finding.state == "missing"
    assert "--port" in finding.text


@pytest.mark.parametrize(
    ("machine", "kernels", "state"),
    [
        ("x86_64", ["avx2", "baseline", "scalar"], "ok"),
        ("AMD64", ["baseline", "scalar"], "missing"),
        ("aarch64", ["baseline", "scalar"], "ok"),
    ],
)
def test_processor_check_states_the_kernels_in_use(
    machine: str, kernels: list[str], state: str
) -> None:
    finding = doctor._processor(machine, kernels)
    assert finding.state == state
    assert f"kernels {kernels[0]}" in finding.text


def test_installation_and_benchmark_program_are_found(tiny_models: dict[int, Path]) -> None:
    found = {finding.name: finding for finding in examine(tiny_models[30])}
    assert found["koemorph"].text.startswith(metadata.version("koemorph"))
    assert found["benchmark program"].state == "ok"
    assert _native.onnx_kernels()[0] in found["processor"].text


@pytest.mark.parametrize("arguments", [["--version", "--verbose"], ["--verbose", "--version"]])
def test_verbose_version_prints_what_a_bug_report_needs(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli.cli, arguments)
    assert result.exit_code == 0, result.output
    first, *lines = result.output.splitlines()
    assert first == f"koemorph, version {metadata.version('koemorph')}"
    names = [line.partition(":")[0] for line in lines]
    assert names == ["installation", "system", "processor", "models", "packages"]
    assert f"kernels {_native.onnx_kernels()[0]}" in result.output
    assert f"numpy {metadata.version('numpy')}" in result.output
    brief = CliRunner().invoke(cli.cli, ["--version"])
    assert brief.output.splitlines() == [first]


def test_verbose_without_version_is_an_error() -> None:
    assert CliRunner().invoke(cli.cli, ["--verbose", "info"]).exit_code == 2


def test_log_level_prints_messages_and_tracebacks_to_standard_error(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from koemorph.cli import main; main()", "--log-level"]
    arguments = ["info", str(tmp_path / "none.onnx")]
    for level, shown in (("debug", True), ("error", False)):
        result = subprocess.run(
            [*command, level, *arguments], capture_output=True, text=True, check=False
        )
        assert result.returncode == 2
        assert "none.onnx" in result.stderr
        assert ("Traceback" in result.stderr) is shown
    loaded = subprocess.run(
        [*command, "INFO", "info", "30-fast"], capture_output=True, text=True, check=True
    )
    assert "koemorph-30-fast.onnx: 30 fps" in loaded.stderr
    assert "koemorph-30-fast.onnx: 30 fps" not in loaded.stdout
