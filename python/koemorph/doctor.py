"""Checks of the installation: wheel, processor, libraries, models, audio devices and ports."""

from __future__ import annotations

import importlib
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from koemorph import _native, diagnostics
from koemorph.errors import KoemorphError, install_command
from koemorph.model import Model, bundled_models, onnxruntime_library

# Package -> the pip extra that installs it, "" for a required package.
LIBRARIES = {
    "numpy": "",
    "onnxruntime": "onnxruntime",
    "soundfile": "",
    "sounddevice": "live",
    "aiohttp": "live",
    "pythonosc": "live",
}
_DISTRIBUTIONS = {"pythonosc": "python-osc"}
# Port -> (socket type, its user, how to choose another).
PORTS = {
    8765: (socket.SOCK_STREAM, "koemorph serve", "--port"),
    49983: (socket.SOCK_DGRAM, "koemorph live --ifacialmocap", "--ifacialmocap HOST:PORT"),
}


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: What was checked.
        state: "ok", "missing" (optional) or "bad" (required).
        text: What was found, or what to do.
    """

    name: str
    state: str
    text: str


def _library(name: str, extra: str) -> Finding:
    try:
        # Imported, because an installed library can still fail to load.
        importlib.import_module(name)
        return Finding(name, "ok", metadata.version(_DISTRIBUTIONS.get(name, name)))
    except OSError as error:
        remedy = "apt install libportaudio2" if name == "sounddevice" else "reinstall it"
        return Finding(name, "missing", f"{error}. Remedy: {remedy}")
    except ImportError:
        if extra:
            return Finding(name, "missing", install_command(extra))
        return Finding(name, "bad", "pip install --force-reinstall koemorph")


def _processor(machine: str, kernels: list[str]) -> Finding:
    """Return the kernels in use, "missing" when a faster set of the architecture is missing."""
    text = f"{machine}: kernels {kernels[0]}, available {', '.join(kernels)}"
    if machine.lower() in ("x86_64", "amd64") and not kernels[0].startswith("avx"):
        return Finding("processor", "missing", f"{text}; inference is slower without AVX2")
    return Finding("processor", "ok", text)


def _bench_program() -> Finding:
    """Return whether the program of `koemorph bench` is installed."""
    if any(Path(_native.__file__).parent.glob("bin/benchmark*")):
        return Finding("benchmark program", "ok", "installed")
    return Finding("benchmark program", "missing", "needed by koemorph bench; reinstall koemorph")


def _runtime() -> Finding:
    path = onnxruntime_library()
    if path:
        return Finding("ONNX Runtime", "ok", path)
    return Finding("ONNX Runtime", "missing", "pip install onnxruntime")


def _model(name: str | Path) -> Finding:
    label = f"model {name}"
    try:
        model = Model(name)
        model.animate(np.zeros(16000, np.float32), sample_rate=16000)
        about = model.metadata()
    except KoemorphError as error:
        return Finding(label, "bad", str(error))
    return Finding(label, "ok", f"{about['name']} {about['model_version']}, {model.fps} fps")


def _microphones() -> Finding:
    try:
        from koemorph.live.microphone import input_devices

        found = input_devices()
    except KoemorphError as error:
        return Finding("microphone", "missing", str(error))
    if not found:
        text = "none found; connect one, or use koemorph live --wav FILE"
        return Finding("microphone", "missing", text)
    names = [f'{index} "{name}" {rate} Hz' for index, name, _, rate in found]
    return Finding("microphone", "ok", "; ".join(names))


def _real_time_priority() -> Finding:
    from koemorph.live.clock import realtime_priority

    with realtime_priority() as allowed:
        if allowed:
            return Finding("real-time priority", "ok", "allowed")
    text = "not allowed, so other programs can delay frames; on Linux raise the user's rtprio limit"
    return Finding("real-time priority", "missing", text)


def _port(port: int, kind: int, user: str, remedy: str) -> Finding:
    with socket.socket(socket.AF_INET, kind) as sock:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            text = f"{user} cannot use it ({error.strerror}); choose another: {remedy}"
            return Finding(f"port {port}", "missing", text)
    return Finding(f"port {port}", "ok", f"free for {user}")


def examine(model: str | Path | None = None) -> Iterator[Finding]:
    """Run all checks.

    Args:
        model: A model's name or path; None checks all bundled models.

    Yields:
        One finding per check.
    """
    yield Finding("system", "ok", diagnostics.system())
    version = diagnostics.installed_version("koemorph")
    yield Finding("koemorph", "ok", f"{version}, {diagnostics.wheel()}")
    yield _processor(platform.machine(), diagnostics.instruction_sets())
    yield _bench_program()
    for name, extra in LIBRARIES.items():
        yield _library(name, extra)
    yield _runtime()
    yield from map(_model, bundled_models() if model is None else [model])
    yield _microphones()
    yield _real_time_priority()
    for port, (kind, user, remedy) in PORTS.items():
        yield _port(port, kind, user, remedy)
