"""Fixtures of all engine plugins: the native library where a game would have it, and a voice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from engine_game import PLUGINS, ROOT, Voice, run

from koemorph import Model
from koemorph.model import bundled_model, onnxruntime_library


@pytest.fixture(scope="session")
def voice_of(tmp_path_factory: pytest.TempPathFactory, speech: Path) -> Callable[[Path], Voice]:
    """Speech, and the face that a model gives it."""
    samples, rate = soundfile.read(speech, dtype="float32")
    # Two unlike channels, so that a wrong mix or a wrong stride shows.
    stereo = np.stack([samples, 0.25 * samples[::-1]], axis=1).astype(np.float32)
    file = tmp_path_factory.mktemp("voice") / "voice.f32"
    stereo.tofile(file)

    def of(model: Path) -> Voice:
        return Voice(file, rate, 2, model, Model(model).animate(stereo, sample_rate=rate))

    return of


@pytest.fixture(scope="session")
def voice(voice_of: Callable[[Path], Voice]) -> Voice:
    """The same with the model that ships."""
    return voice_of(bundled_model(30))


@pytest.fixture(scope="session")
def game_folder(tmp_path_factory: pytest.TempPathFactory, native_build: Path) -> Path:
    """libkoemorph and ONNX Runtime beside each other, as the plugins ship them."""
    folder = tmp_path_factory.mktemp("game")
    (folder / "libkoemorph.so").symlink_to(native_build / "native" / "libkoemorph.so")
    (folder / "libonnxruntime.so").symlink_to(onnxruntime_library())
    return folder


@pytest.fixture(scope="session")
def unreal_player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plain C++ half of the Unreal plugin with a program that plays it."""
    compiler = shutil.which("c++")
    assert compiler is not None, "the tests need a C++ compiler"
    core = PLUGINS / "unreal" / "KoeMorph" / "Source" / "KoeMorph" / "Core"
    program = tmp_path_factory.mktemp("unreal") / "player"
    options = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti"]
    include = [f"-I{core}", f"-I{ROOT / 'native' / 'include'}"]
    sources = [*sorted(core.glob("*.cpp")), ROOT / "tests/engine_plugins/unreal/main.cpp"]
    run([compiler, *options, *include, *sources, "-o", program, "-ldl", "-pthread"])
    return program


@pytest.fixture(scope="session")
def unity_game(
    tmp_path_factory: pytest.TempPathFactory, needs_tool: Callable[[str], str]
) -> list[str]:
    """mono and the test program, every assembly having compiled without a warning."""
    needs_tool("mono")
    package = PLUGINS / "unity" / "com.koemorph"
    tests = ROOT / "tests" / "engine_plugins" / "unity"
    folder = tmp_path_factory.mktemp("unity")
    compiler = [needs_tool("mcs"), "-langversion:7.2", "-warn:4", "-warnaserror"]

    def compile(name: str, sources: list[Path], *options: str) -> None:
        kind = "exe" if name.endswith(".exe") else "library"
        references = [f"-r:{built}" for built in sorted(folder.glob("*.dll"))]
        run(
            [*compiler, f"-target:{kind}", f"-out:{folder / name}", *references, *options, *sources]
        )

    compile("UnityEngine.dll", sorted((tests / "stub").glob("*.cs")))
    runtime = sorted((package / "Runtime").rglob("*.cs"))
    for define in ("UNITY_EDITOR;UNITY_EDITOR_LINUX", "UNITY_EDITOR;UNITY_EDITOR_WIN", "UNITY_IOS"):
        compile("KoeMorph.dll", runtime, f"-define:{define}")
        (folder / "KoeMorph.dll").unlink()
    compile("KoeMorph.dll", runtime)
    samples = sorted((package / "Samples~").rglob("*.cs"))
    compile("Samples.dll", samples)
    (folder / "Samples.dll").unlink()
    editor = sorted((package / "Editor").rglob("*.cs"))
    compile("KoeMorph.Editor.dll", editor, "-define:UNITY_EDITOR")
    programs = [
        *sorted((package / "Tests").rglob("*.cs")),
        *sorted((tests / "harness").glob("*.cs")),
    ]
    compile("KoeMorph.Tests.exe", programs)
    return [needs_tool("mono"), str(folder / "KoeMorph.Tests.exe")]
