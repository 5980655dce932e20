"""`koemorph doctor`: its checks and their remedies."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from koemorph import doctor
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
    assert (finding.state, finding.text) == ("missing", 'pip install "koemorph[live]"')
    assert doctor._library("no_such_library", "").state == "bad"


def test_microphone_check_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    finding = doctor._microphones()
    assert (finding.state, finding.text) == ("missing", 'pip install "koemorph[live]"')


def test_port_in_use_names_the_option() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        finding = doctor._port(port, socket.SOCK_STREAM, "koemorph serve", "--port")
    assert finding.state == "missing"
    assert "--port" in finding.text
