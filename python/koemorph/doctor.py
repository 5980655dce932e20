"""Whether everything KoeMorph needs is here, and what to do where it is not."""

from __future__ import annotations

import importlib
import platform
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from koemorph.errors import KoemorphError
from koemorph.model import Model, bundled_models, onnxruntime_library

# Package -> the extra it comes with, "" for what is always needed.
LIBRARIES = {
    "numpy": "",
    "onnxruntime": "",
    "soundfile": "",
    "sounddevice": "live",
    "aiohttp": "live",
    "pythonosc": "live",
}
_DISTRIBUTIONS = {"pythonosc": "python-osc"}
# What listens, and the option that chooses another port.
PORTS = {
    8765: (socket.SOCK_STREAM, "koemorph serve", "--port"),
    49983: (socket.SOCK_DGRAM, "koemorph live --ifacialmocap", "a HOST:PORT to send to"),
}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: "ok", "missing" (something optional) or "bad", and what to do."""

    what: str
    state: str
    text: str


def _library(name: str, extra: str) -> Finding:
    try:
        # Imported rather than looked up: a library may be there and still not load.
        importlib.import_module(name)
        return Finding(name, "ok", metadata.version(_DISTRIBUTIONS.get(name, name)))
    except OSError as error:
        help_text = "apt install libportaudio2" if name == "sounddevice" else "install it again"
        return Finding(name, "missing", f"{error}; {help_text}")
    except ImportError:
        if extra:
            return Finding(name, "missing", f'pip install "koemorph[{extra}]"')
        return Finding(name, "bad", "pip install --force-reinstall koemorph")


def _runtime() -> Finding:
    path = onnxruntime_library()
    if path:
        return Finding("ONNX Runtime", "ok", path)
    return Finding("ONNX Runtime", "bad", "pip install onnxruntime")


def _model(name: str | Path) -> Finding:
    what = f"model {name}"
    try:
        model = Model(name)
        silence = np.zeros(16000, np.float32)
        frames = len(model.animate(silence, sample_rate=16000))
        said = model.metadata()
    except KoemorphError as error:
        return Finding(what, "bad", str(error))
    return Finding(what, "ok", f"{said['name']} {said['model_version']}, {frames} frames a second")


def _microphones() -> Finding:
    try:
        from koemorph.live.microphone import input_devices

        found = input_devices()
    except ImportError:
        return Finding("microphone", "missing", 'pip install "koemorph[live]"')
    except KoemorphError as error:
        return Finding("microphone", "missing", str(error))
    if not found:
        text = "none was found; plug one in, or use --wav FILE or --stdin RATE"
        return Finding("microphone", "missing", text)
    names = [f'{index} "{name}" {rate} Hz' for index, name, _, rate in found]
    return Finding("microphone", "ok", "; ".join(names))


def _steadiness() -> Finding:
    from koemorph.live.clock import realtime_priority

    with realtime_priority() as allowed:
        if allowed:
            return Finding("steady sending", "ok", "allowed to run ahead of other programs")
    text = "other programs may delay frames; on Linux give the user an rtprio limit to prevent it"
    return Finding("steady sending", "missing", text)


def _port(port: int, kind: int, user: str, remedy: str) -> Finding:
    with socket.socket(socket.AF_INET, kind) as sock:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            text = f"{user} cannot use it ({error.strerror}); choose another with {remedy}"
            return Finding(f"port {port}", "missing", text)
    return Finding(f"port {port}", "ok", f"free for {user}")


def examine(model: str | Path | None = None) -> Iterator[Finding]:
    """Look at everything, one finding after the other; `model`: a name or file, else
    all that ship."""
    system = f"{platform.system()} {platform.machine()}, Python {sys.version.split()[0]}"
    yield Finding("system", "ok", system)
    for name, extra in LIBRARIES.items():
        yield _library(name, extra)
    yield _runtime()
    yield from map(_model, bundled_models() if model is None else [model])
    yield _microphones()
    yield _steadiness()
    for port, (kind, user, remedy) in PORTS.items():
        yield _port(port, kind, user, remedy)
