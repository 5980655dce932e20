"""Fixtures of the engine plugin tests: native library, packages, speech, test programs."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from chord import chord
from engine_game import PLUGINS, ROOT, Devices, Voice, cplusplus, pack, run

from koemorph import Controls, Model
from koemorph.model import bundled_model

UNREAL = ROOT / "tests" / "engine_plugins" / "unreal"
UNREAL_SOURCE = PLUGINS / "unreal" / "KoeMorph" / "Source"
UNREAL_CORE = UNREAL_SOURCE / "KoeMorph" / "Core"


@pytest.fixture(scope="session")
def voice_of(tmp_path_factory: pytest.TempPathFactory, speech: Path) -> Callable[[Path], Voice]:
    """Speech, and its animation by a model."""
    samples, rate = soundfile.read(speech, dtype="float32")
    # Different channels, to detect a wrong mix or stride.
    stereo = np.stack([samples, 0.25 * samples[::-1]], axis=1)
    # Quantized to 16 bits, as engines import sounds.
    stereo = (np.clip(np.round(stereo * 32768), -32768, 32767) / 32768).astype(np.float32)
    file = tmp_path_factory.mktemp("voice") / "voice.f32"
    stereo.tofile(file)

    def of(model: Path) -> Voice:
        return Voice(
            file,
            rate,
            2,
            model,
            Model(model).animate(stereo, sample_rate=rate, controls=Controls()),
        )

    return of


@pytest.fixture(scope="session")
def voice(voice_of: Callable[[Path], Voice]) -> Voice:
    """Speech, and its animation by the default model."""
    return voice_of(bundled_model(30))


@pytest.fixture(scope="session")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Devices:
    """One sound in three formats."""
    folder, parts = tmp_path_factory.mktemp("devices"), []
    for number, (rate, channels) in enumerate([(48000, 2), (44100, 1), (16000, 6)]):
        parts.append((folder / f"{number}.f32", rate, channels))
        sound = chord(rate, number, number + 1)[:, None]
        # Different channels, to detect a wrong mix or stride.
        (sound * np.linspace(1.5, 0.5, channels, dtype=np.float32)).tofile(parts[-1][0])
    return Devices(bundled_model(30), parts)


@pytest.fixture(scope="session")
def game_folder(tmp_path_factory: pytest.TempPathFactory, native_build: Path) -> Path:
    """A folder with libkoemorph, as in the plugins."""
    folder = tmp_path_factory.mktemp("game")
    (folder / "libkoemorph.so").symlink_to(native_build / "native" / "libkoemorph.so")
    return folder


@pytest.fixture(scope="session")
def library(native_build: Path) -> str:
    """The value of the packager's --library."""
    return f"linux-x64={native_build / 'native' / 'libkoemorph.so'}"


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory, library: str) -> Path:
    """A folder with the packed plugins."""
    folder = tmp_path_factory.mktemp("dist")
    result = pack("--library", library, "--output", folder)
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.split()) == sorted(map(str, folder.iterdir()))
    return folder


@pytest.fixture(scope="session")
def unreal_player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that tests Core of the Unreal plugin."""
    program = tmp_path_factory.mktemp("unreal") / "player"
    options = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti"]
    include = [f"-I{UNREAL_CORE}", f"-I{ROOT / 'native' / 'include'}"]
    sources = [*sorted(UNREAL_CORE.glob("*.cpp")), UNREAL / "core_tests.cpp"]
    run([cplusplus(), *options, *include, *sources, "-o", program, "-ldl", "-pthread"])
    return program


@pytest.fixture(scope="session")
def engine_headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all headers of the stub, with the paths of the engine."""
    folder = tmp_path_factory.mktemp("engine")
    lines = (UNREAL / "stub" / "headers.txt").read_text().splitlines()
    known = dict(line.split() for line in lines if not line.startswith("#"))
    for header in UNREAL_SOURCE.rglob("*.h"):
        if ".generated.h" in header.read_text():
            known[f"{header.stem}.generated.h"] = "Engine.h"
    for path, stub in known.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f'#include "{UNREAL / "stub" / stub}"\n')
    # The engine has a Model.h, too: modules must not depend on the include order.
    (folder / "Model.h").write_text('#error "This is the Model.h of the engine."\n')
    return folder


def build_unreal_game(folder: Path, engine_headers: Path, minor: int) -> Path:
    """A program that tests the whole Unreal plugin, linked with the stub of the engine."""
    modules = []
    for module in ("KoeMorph", "KoeMorphEditor"):
        sources = sorted((UNREAL_SOURCE / module / "Private").glob("*.cpp"))
        modules.append(folder / f"{module}.cpp")
        modules[-1].write_text("".join(f'#include "{source}"\n' for source in sources))
    parts = ["KoeMorph/Public", "KoeMorph/Private", "KoeMorph", "KoeMorphEditor/Public"]
    include = [engine_headers, UNREAL / "stub", ROOT / "native" / "include"]
    include += [UNREAL_SOURCE / part for part in parts]
    sources = [*modules, *sorted(UNREAL_CORE.glob("*.cpp")), UNREAL / "stub" / "Stub.cpp"]
    options = ["-std=c++20", f"-DSTUB_ENGINE_MINOR={minor}", "-DKOEMORPH_STATIC=0"]
    options.append("-Wno-deprecated")
    command = [cplusplus(), *options, *(f"-I{path}" for path in include)]
    sources += [UNREAL / "component_tests.cpp", UNREAL / "behavior_tests.cpp"]
    run([*command, *sources, "-o", folder / "game", "-ldl", "-pthread"])
    return folder / "game"


@pytest.fixture(scope="session")
def unreal_game(tmp_path_factory: pytest.TempPathFactory, engine_headers: Path) -> Path:
    """With the newest supported engine."""
    return build_unreal_game(tmp_path_factory.mktemp("unreal_game"), engine_headers, 8)


@pytest.fixture(scope="session")
def oldest_unreal_game(tmp_path_factory: pytest.TempPathFactory, engine_headers: Path) -> Path:
    """With the oldest supported engine."""
    return build_unreal_game(tmp_path_factory.mktemp("oldest_unreal_game"), engine_headers, 3)


@pytest.fixture(scope="session")
def unreal_plugin(tmp_path_factory: pytest.TempPathFactory, packed: Path) -> Path:
    """The packed plugin, unzipped."""
    folder = tmp_path_factory.mktemp("project")
    with zipfile.ZipFile(next(packed.glob("KoeMorph-*.zip"))) as archive:
        archive.extractall(folder)
    return folder / "KoeMorph"


@pytest.fixture(scope="session")
def unity_game(
    tmp_path_factory: pytest.TempPathFactory, needs_tool: Callable[[str], str]
) -> list[str]:
    """The command of the Unity test program; all assemblies compile without warnings."""
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

    stub = sorted((tests / "stub").glob("*.cs"))
    microphone = sorted((package / "Runtime" / "Microphone").rglob("*.cs"))
    runtime = sorted(set((package / "Runtime").rglob("*.cs")) - set(microphone))
    for name, sources in (("UnityEngine.dll", stub), ("KoeMorph.dll", runtime)):
        compile(name, sources, "-define:UNITY_WEBGL")  # without a microphone API
    for built in folder.glob("*.dll"):
        built.unlink()
    compile("UnityEngine.dll", stub)
    for define in (
        "UNITY_EDITOR;UNITY_EDITOR_LINUX",
        "UNITY_EDITOR;UNITY_EDITOR_OSX",
        "UNITY_EDITOR;UNITY_EDITOR_WIN",
    ):
        compile("KoeMorph.dll", runtime, f"-define:{define}")
        (folder / "KoeMorph.dll").unlink()
    # The linker resolves "__Internal" only if the packager added the static library.
    for define in ("UNITY_IOS", "UNITY_IOS;KOEMORPH_STATIC_LIBRARY"):
        compile("KoeMorph.dll", runtime, f"-define:{define}")
        internal = b"__Internal" in (folder / "KoeMorph.dll").read_bytes()
        assert internal == ("STATIC" in define)
        (folder / "KoeMorph.dll").unlink()
    compile("KoeMorph.dll", runtime)
    compile("KoeMorph.Microphone.dll", microphone)
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
