"""Tests of the Unreal plugin: Core as plain C++, the modules in a stub of the engine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from engine_game import PLUGINS, ROOT, Devices, Voice, cplusplus, run

PLUGIN = PLUGINS / "unreal" / "KoeMorph"
SOURCE = PLUGIN / "Source"
HERE = Path(__file__).parent / "unreal"
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wundef", "-Werror", "-fno-exceptions", "-fno-rtti"]
STRICT.append("-Wno-unused-parameter")  # disabled by the engine, too


@pytest.mark.parametrize("player", ["play", "bake"])
def test_core_weights_equal_the_animation(
    unreal_player: Path, game_folder: Path, voice: Voice, tmp_path: Path, player: str
) -> None:
    out = tmp_path / "rows.f64"
    sound = [voice.file, str(voice.sample_rate), str(voice.channels)]
    run([unreal_player, player, game_folder, voice.model, *sound, out], game_folder)
    rows = np.fromfile(out).reshape(-1, 53)
    rows = rows[rows[:, 0] <= voice.last_frame]
    # The number of displayed frames depends on the machine; a bake has every frame.
    least = 4 * (voice.last_frame - 1) if player == "play" else len(voice.animation)
    assert len(rows) >= least
    np.testing.assert_allclose(rows[:, 1:], voice.faces(rows[:, 0]), atol=1e-3)


def test_stream_continues_after_a_format_change(
    unreal_player: Path, game_folder: Path, devices: Devices, tmp_path: Path
) -> None:
    """A block that announces a new format is replaced by silence."""
    out = tmp_path / "rows.f64"
    run(
        [unreal_player, "format-change", game_folder, devices.model, out, *devices.sounds],
        game_folder,
    )
    devices.check(np.fromfile(out).reshape(-1, 53), missed=0.02)


@pytest.mark.parametrize("check", ["lifecycle", "concurrent-push", "timing", "errors"])
def test_core_lifecycle_and_errors(
    unreal_player: Path, game_folder: Path, voice: Voice, check: str
) -> None:
    run([unreal_player, check, game_folder, voice.model], game_folder)


# Checks that record a component, and the minimum number of rows.
PLAYED = {"component": 300, "submix": 300, "microphone": 300, "bake": 180}


def play(game: Path, plugin: Path, *arguments: str | Path) -> None:
    """Run a check; paths of the engine are relative to the folder of the executable."""
    folder = plugin.parent / "Binaries" / "Linux"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "KOEMORPH_EXECUTABLE_FOLDER": str(folder),
        "KOEMORPH_PLUGIN": f"../../{plugin.name}",
    }
    run([game, *arguments], environment=environment)


@pytest.mark.parametrize("player", PLAYED)
def test_component_weights_equal_the_animation(
    unreal_game: Path, unreal_plugin: Path, voice: Voice, tmp_path: Path, player: str
) -> None:
    """With the packed plugin's libraries and model, in a stub of the engine."""
    out = tmp_path / "rows.f64"
    sound = [voice.file, str(voice.sample_rate), str(voice.channels)]
    play(unreal_game, unreal_plugin, player, *sound, out)
    rows = np.fromfile(out).reshape(-1, 53)
    rows = rows[rows[:, 0] <= voice.last_frame]
    assert len(rows) >= PLAYED[player]
    np.testing.assert_allclose(rows[:, 1:], voice.faces(rows[:, 0]), atol=1e-3)


@pytest.mark.parametrize(
    "situation",
    [
        *("fades", "already-playing", "pause", "play-speech", "invalid-presets"),
        *("morph-targets", "mixed-sources", "listeners", "setters", "dedicated-server"),
    ],
)
def test_behavior_in_a_game(
    unreal_game: Path, unreal_plugin: Path, voice: Voice, situation: str
) -> None:
    """Stops, pauses, invalid presets, setters, event listeners, several sources, late meshes."""
    sound = [voice.file, str(voice.sample_rate), str(voice.channels)]
    play(unreal_game, unreal_plugin, situation, *sound)


def test_submix_listener_in_the_oldest_engine(
    oldest_unreal_game: Path, unreal_plugin: Path, voice: Voice, tmp_path: Path
) -> None:
    sound = [voice.file, str(voice.sample_rate), str(voice.channels)]
    play(oldest_unreal_game, unreal_plugin, "submix", *sound, tmp_path / "rows.f64")


def test_models_maps_and_presets_by_name(unreal_game: Path, unreal_plugin: Path) -> None:
    play(unreal_game, unreal_plugin, "asset-selection")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("Source/ThirdParty/KoeMorphLibrary/lib/Linux/libkoemorph.so", "koemorph library"),
        ("Resources/models", "No bundled models"),
    ],
)
def test_missing_files_are_reported(
    unreal_game: Path, unreal_plugin: Path, tmp_path: Path, missing: str, message: str
) -> None:
    plugin = tmp_path / "KoeMorph"
    leave = shutil.ignore_patterns(Path(missing).name)
    shutil.copytree(unreal_plugin, plugin, ignore=leave)
    play(unreal_game, plugin, "errors", message)


def test_curves_have_live_link_names(unreal_player: Path, game_folder: Path, voice: Voice) -> None:
    names = run([unreal_player, "names", game_folder, voice.model], game_folder).stdout.split()
    assert names == [name[0].upper() + name[1:] for name in voice.animation.names]


def test_static_linking_as_on_ios(native_build: Path, voice: Voice, tmp_path: Path) -> None:
    (archive,) = (native_build / "native").glob("*.a")
    core = [SOURCE / "KoeMorph" / "Core" / name for name in ("Library.cpp", "Model.cpp")]
    include = [f"-I{SOURCE / 'KoeMorph' / 'Core'}", f"-I{ROOT / 'native' / 'include'}"]
    linked = [
        "-std=c++17",
        *STRICT,
        "-DKOEMORPH_STATIC=1",
        *include,
        HERE / "static_link_test.cpp",
        *core,
    ]
    linked += [archive, "-ldl", "-pthread", "-o", tmp_path / "linked"]
    run([cplusplus(), *linked])
    assert run([tmp_path / "linked", voice.model]).stdout == "0.1.0\n"


@pytest.mark.parametrize("minor", [3, 4, 8])
@pytest.mark.parametrize("module", ["KoeMorph", "KoeMorphEditor"])
def test_modules_compile_without_warnings(
    engine_headers: Path, tmp_path: Path, module: str, minor: int
) -> None:
    """As one unit, as Unreal builds a module, including Core."""
    sources = sorted((SOURCE / module).rglob("*.cpp"))
    assert sources
    unity = tmp_path / "module.cpp"
    unity.write_text("".join(f'#include "{source}"\n' for source in sources))
    # Only the runtime module may include Core.
    own = ["KoeMorph"] if module == "KoeMorph" else ["KoeMorphEditor/Public"]
    include = [engine_headers, *(SOURCE / part for part in ["KoeMorph/Public", *own])]
    include.append(ROOT / "native" / "include")
    definitions = [f"-DSTUB_ENGINE_MINOR={minor}", "-DKOEMORPH_STATIC=0"]
    options = ["-std=c++20", *STRICT, *definitions, "-fsyntax-only"]
    run([cplusplus(), *options, *(f"-I{part}" for part in include), unity])


def test_modules_link_as_separate_libraries(engine_headers: Path, tmp_path: Path) -> None:
    """As in the editor, only exported symbols are visible to other modules."""
    parts = ["KoeMorph/Public", "KoeMorph/Private", "KoeMorph", "KoeMorphEditor/Public"]
    include = [engine_headers, HERE / "stub", ROOT / "native" / "include"]
    include += [SOURCE / part for part in parts]
    options = ["-std=c++20", "-fPIC", "-shared", "-Wl,-z,defs", "-DSTUB_ENGINE_MINOR=8"]
    options += ["-DKOEMORPH_STATIC=0", "-Wno-deprecated", *(f"-I{part}" for part in include)]
    modules = {"Engine": [HERE / "stub" / "Stub.cpp"]}
    for name in ("KoeMorph", "KoeMorphEditor"):
        modules[name] = sorted((SOURCE / name).rglob("*.cpp"))
    built: list[Path] = []
    for name, sources in modules.items():
        hidden = [] if name == "Engine" else ["-fvisibility=hidden", "-fvisibility-inlines-hidden"]
        unity = tmp_path / f"{name}.cpp"
        unity.write_text("".join(f'#include "{source}"\n' for source in sources))
        library = tmp_path / f"lib{name}.so"
        run([cplusplus(), *options, *hidden, unity, "-o", library, *built, "-ldl"])
        built.append(library)


def test_exported_classes_need_only_their_header(engine_headers: Path, tmp_path: Path) -> None:
    """A compiler generates the special members of an exported class wherever it sees the class."""
    unit = tmp_path / "exported.cpp"
    paths = [engine_headers, SOURCE / "KoeMorph/Public", SOURCE / "KoeMorphEditor/Public"]
    options = ["-std=c++20", "-DSTUB_ENGINE_MINOR=8", "-fsyntax-only"]
    for header in sorted(SOURCE.rglob("Public/*.h")):
        for name in re.findall(r"^(?:class|struct) \w+_API (\w+)", header.read_text(), re.M):
            unit.write_text(f'#include "{header}"\nstruct FMade : {name} {{}};\nFMade Made;\n')
            run([cplusplus(), *options, *(f"-I{path}" for path in paths), unit])


def test_headers_are_self_contained(engine_headers: Path, tmp_path: Path) -> None:
    """Each public header compiles first and alone, and names its generated header last.

    Unreal's header tool refuses any include after it, one of the standard library's, too.
    """
    unit = tmp_path / "headers.cpp"
    for header in sorted(SOURCE.rglob("Public/*.h")):
        includes = re.findall(r'#include ["<](.+)[">]', header.read_text())
        if any(name.endswith(".generated.h") for name in includes):
            assert includes[-1] == f"{header.stem}.generated.h"
        unit.write_text(f'#include "{header}"\n#include "{header}"\n')
        paths = [engine_headers, SOURCE / "KoeMorph/Public", ROOT / "native" / "include"]
        options = ["-std=c++20", *STRICT, "-DSTUB_ENGINE_MINOR=4", "-fsyntax-only"]
        run([cplusplus(), *options, *(f"-I{path}" for path in paths), unit])


def test_descriptor_names_existing_modules() -> None:
    descriptor = json.loads((PLUGIN / "KoeMorph.uplugin").read_text())
    assert descriptor["FileVersion"] == 3
    for module in descriptor["Modules"]:
        folder = SOURCE / module["Name"]
        rules = (folder / f"{module['Name']}.Build.cs").read_text()
        assert f"class {module['Name']} : ModuleRules" in rules
        code = "".join(path.read_text() for path in folder.rglob("*.cpp"))
        assert re.search(rf"IMPLEMENT_MODULE\(\w+, {module['Name']}\)", code)
        assert module["PlatformAllowList"]
    # Audio Capture adds a permission to the game, so projects enable it themselves.
    assert "Plugins" not in descriptor
    editor = next(m for m in descriptor["Modules"] if m["Name"] == "KoeMorphEditor")
    assert editor["Type"] == "UncookedOnly"  # cooking needs the node of Animation Blueprints


def test_build_rules_depend_on_the_modules_of_their_headers() -> None:
    """Core and Engine are always dependencies."""
    homes = {
        "AnimGraphNode_Base.h": "AnimGraph",
        "AssetRegistry/AssetRegistryModule.h": "AssetRegistry",
        "AudioCaptureCore.h": "AudioCaptureCore",
        "ContentBrowserMenuContexts.h": "ContentBrowser",
        "Engine/DeveloperSettings.h": "DeveloperSettings",
        "ILiveLinkClient.h": "LiveLinkInterface",
        "Interfaces/IPluginManager.h": "Projects",
        "ToolMenus.h": "ToolMenus",
        "koemorph.h": "KoeMorphLibrary",
    }
    for module in ("KoeMorph", "KoeMorphEditor"):
        rules = (SOURCE / module / f"{module}.Build.cs").read_text()
        code = "".join(p.read_text() for p in (SOURCE / module).rglob("*") if p.is_file())
        for header, home in homes.items():
            if f'#include "{header}"' in code:
                assert f'"{home}"' in rules, f"{module} uses {header}"


def test_build_rules_name_existing_files() -> None:
    library = SOURCE / "ThirdParty" / "KoeMorphLibrary"
    rules = (library / "KoeMorphLibrary.Build.cs").read_text()
    named = set(re.findall(r'ModuleDirectory, "([^"]+\.xml)"', rules))
    assert named == {path.name for path in library.glob("*.xml")}
    for path in named:
        assert ElementTree.parse(library / path).getroot().tag == "root"
    module = (SOURCE / "KoeMorph" / "KoeMorph.Build.cs").read_text()
    assert re.findall(r"IncludePaths\.\w+\(.*\)", module) == ["IncludePaths.Add(ModuleDirectory)"]
    filters = (PLUGIN / "Config" / "FilterPlugin.ini").read_text()
    assert "/Source/ThirdParty/..." in filters
