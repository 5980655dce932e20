"""The Godot receiver in the real engine, headless: what is sent over the network is on the mesh."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_game import PLUGINS, Voice
from patience import wait_for

from koemorph.blendshapes import INDEX
from koemorph.outputs.network import Frame, UdpOutput
from koemorph.outputs.udp import JsonUdpOutput
from koemorph.outputs.vmc import VmcOutput

HERE = Path(__file__).parent / "godot"
FACES = 90
JUNK = [
    *(b"", b"{", b'{"names": 3}', b"#bundle\0", b"/x", bytes(range(256))),
    *(b'{"names": ["Scar"], "blendshapes": [%s]}' % weight for weight in (b"[]", b"null", b'"1"')),
    b'{"names": ["Scar"], "blendshapes": [1], "timestamp": []}',
]


@pytest.fixture
def project(tmp_path: Path, voice: Voice) -> Path:
    """A Godot project with the add-on and a head whose shapes have a prefix and short sides."""
    folder = tmp_path / "project"
    shutil.copytree(HERE, folder)
    shutil.copytree(PLUGINS / "godot" / "addons", folder / "addons")
    names = [name.replace("Left", "_L").replace("Right", "_R") for name in voice.animation.names]
    shapes = [f"Head:{name[0].upper()}{name[1:]}" for name in names]
    others = ["Head:Scar", "Head:V_Tongue_Out"]  # a viseme is no expression of the same name
    (folder / "shapes.json").write_text(json.dumps([*shapes, *others]))
    return folder


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def godot(
    project: Path, voice: Voice, needs_tool: Callable[[str], str]
) -> Iterator[tuple[int, Path]]:
    """The engine with the head: (its port, the file it writes); it must end by itself."""
    port, out = free_port(), project.parent / "faces.jsonl"
    last = (FACES - 1) / voice.animation.fps
    command = [needs_tool("godot3-server"), "--path", str(project), "-s", "player.gd"]
    process = subprocess.Popen(
        [*command, str(last), str(port), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HOME": str(project.parent), "LANG": "en_US.UTF-8"},
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("ready"):
            break
    assert any(line.startswith("ready") for line in lines), "".join(lines)
    yield port, out
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, output
    complaints = [line for line in output.splitlines() if "ERROR" in line]
    # What is no JSON the engine itself reports; nothing else may go wrong.
    assert all("Error parsing JSON" in line for line in complaints), output


@pytest.mark.parametrize("sender", [JsonUdpOutput, VmcOutput])
def test_a_stream_drives_the_blend_shapes(
    godot: tuple[int, Path], voice: Voice, sender: Callable[[str, int], UdpOutput]
) -> None:
    port, out = godot
    output = sender("127.0.0.1", port)
    animation = voice.animation
    weights = animation.weights.copy()
    weights[:, INDEX["tongueOut"]] = 0.5
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for junk in JUNK:
            stranger.sendto(junk, ("127.0.0.1", port))
    for index in range(FACES):
        output.send(Frame.from_weights(index, animation.fps, weights[index]))
        shown = faces_in(out, index + 1)
    output.close()
    assert output.dropped == 0
    rows = faces_in(out, FACES + 1)
    assert rows[:-1] == shown
    assert [round(row["time"] * animation.fps) for row in shown] == list(range(FACES))
    for row, expected in zip(shown, weights, strict=False):
        np.testing.assert_allclose(row["weights"][:52], expected, atol=1e-3)
        assert row["weights"][52:] == [0, 0]
    assert rows[-1]["time"] == -1
    assert not any(rows[-1]["weights"])  # at rest when the stream is lost


def faces_in(out: Path, count: int) -> list[dict[str, Any]]:
    """What the engine has written, once it is so many faces."""
    wait_for(lambda: out.exists() and out.read_text().count("\n") >= count)
    return [json.loads(line) for line in out.read_text().splitlines()]
