"""Tests of the packager: contents of the packages, their formats, and rejected input."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_game import PLUGINS, ROOT, pack

from koemorph.model import MODELS

UNITY = PLUGINS / "unity" / "com.koemorph"


@pytest.fixture(scope="module")
def unity_package(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """com.koemorph unpacked."""
    folder = tmp_path_factory.mktemp("upm")
    with tarfile.open(next(packed.glob("com.koemorph-*.tgz"))) as archive:
        assert all(name.startswith("package/") for name in archive.getnames())
        archive.extractall(folder, filter="data")
    return folder / "package"


def zipped(packed: Path, pattern: str) -> dict[str, bytes]:
    with zipfile.ZipFile(next(packed.glob(pattern))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_versions_equal_the_header() -> None:
    header = (ROOT / "native" / "include" / "koemorph.h").read_text()
    version = ".".join(re.findall(r"VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))
    assert json.loads((UNITY / "package.json").read_text())["version"] == version
    descriptor = PLUGINS / "unreal" / "KoeMorph" / "KoeMorph.uplugin"
    assert json.loads(descriptor.read_text())["VersionName"] == version
    addon = PLUGINS / "godot" / "addons" / "koemorph" / "plugin.cfg"
    assert f'version="{version}"' in addon.read_text()
    assert f"## [{version}]" in (UNITY / "CHANGELOG.md").read_text()
    library = (UNITY / "Runtime/Interop/Library.cs").read_text()
    assert re.findall(r'CompatibleVersion = "(.*)";', library) == [version.rsplit(".", 1)[0] + "."]


def test_unity_package_depends_on_the_modules_of_its_types() -> None:
    """Types of a disabled built-in module do not compile."""
    homes = {
        "animation": r"AnimationClip|Animator",
        "audio": r"AudioClip|AudioListener|AudioSettings|AudioSource|Microphone",
        "imgui": r"Event\.current|GUIContent|GUILayout\w*|GUIStyle",
    }
    used = "".join(path.read_text() for path in UNITY.rglob("*.cs"))
    dependencies = json.loads((UNITY / "package.json").read_text())["dependencies"]
    wanted = {home for home, types in homes.items() if re.search(rf"\b({types})\b", used)}
    assert {f"com.unity.modules.{home}" for home in wanted} == dependencies.keys()


def test_unity_package_has_the_required_layout(unity_package: Path) -> None:
    """https://docs.unity3d.com/Manual/cus-layout.html"""
    manifest = json.loads((unity_package / "package.json").read_text())
    assert re.fullmatch(r"com\.[a-z0-9._-]+", manifest["name"])
    assert re.fullmatch(r"\d{4}\.\d", manifest["unity"])
    for name in ("README.md", "CHANGELOG.md", "LICENSE.md"):
        assert (unity_package / name).stat().st_size > 0
    for folder in ("Runtime", "Editor", "Tests/Editor", "Samples~", "Documentation~"):
        assert (unity_package / folder).is_dir()
    for kind in ("maps", "presets"):
        packaged = unity_package / "Runtime/Resources/KoeMorph" / kind
        own = {path.name: path.read_bytes() for path in (MODELS.parent / kind).glob("*.json")}
        assert {path.name: path.read_bytes() for path in packaged.glob("*.json")} == own
    for sample in manifest["samples"]:
        assert (unity_package / sample["path"]).is_dir()
    # Every script belongs to an assembly, and the references of assemblies exist.
    assemblies = {p.parent: json.loads(p.read_text()) for p in unity_package.rglob("*.asmdef")}
    names = {assembly["name"] for assembly in assemblies.values()}
    for script in unity_package.rglob("*.cs"):
        if "Samples~" not in script.parts:
            assert any(parent in assemblies for parent in script.parents), script
    for folder, assembly in assemblies.items():
        own = [name for name in assembly["references"] if name.startswith("KoeMorph")]
        assert set(own) <= names
        assert (assembly["includePlatforms"] == ["Editor"]) == (folder.name == "Editor")


def test_every_file_has_a_meta_with_a_unique_guid(unity_package: Path) -> None:
    guids: dict[str, Path] = {}
    for meta in unity_package.rglob("*.meta"):
        assert meta.with_name(meta.stem).exists(), f"{meta} has no file"
        found = re.search(r"^guid: ([0-9a-f]{32})$", meta.read_text(), re.MULTILINE)
        assert found is not None, meta
        assert guids.setdefault(found[1], meta) == meta, (
            f"{meta} and {guids[found[1]]} share a GUID"
        )
    for path in unity_package.rglob("*"):
        parts = path.relative_to(unity_package).parts
        hidden = any(part.endswith("~") for part in parts)
        if path.suffix != ".meta" and not hidden:
            assert path.with_name(path.name + ".meta").exists(), path


def test_guids_are_stable(unity_package: Path) -> None:
    """Scenes refer to files by GUID."""
    known = {
        "Runtime/KoeMorphFace.cs": "19b467e338ab3cd090e18086866e30ed",
        "Runtime/Microphone/KoeMorphMicrophone.cs": "0ae0c95a1c0ed22f8e8efdb293226ce5",
        "Runtime/KoeMorphPreset.cs": "a58a7fd2a1f3b170603b706707236e6b",
        "Runtime/KoeMorph.asmdef": "319d81e3643011cd9c668b638fb9dead",
        "Runtime/Resources/KoeMorph/models/koemorph-30.bytes": "cffccfa4033978f22192170984cf23a4",
        "Runtime/Resources/KoeMorph/maps/arkit.json": "2743b8617f76fd74c122a2517615f0b8",
        "Runtime/Resources/KoeMorph/presets/natural.json": "1ec68e74c989f63f084f40b5e30a0551",
    }
    for path, guid in known.items():
        assert f"guid: {guid}\n" in (unity_package / f"{path}.meta").read_text()
    committed = {p.with_name(p.stem) for p in UNITY.rglob("*.meta")}
    wanted = {p for p in UNITY.rglob("*.cs")}
    assert wanted <= committed, "run engine_plugins/unity_meta.py"


def test_native_plugins_are_enabled_on_their_platform_only(unity_package: Path) -> None:
    folder = unity_package / "Runtime" / "Plugins" / "Linux" / "x86_64"
    assert {p.name for p in folder.iterdir() if p.suffix != ".meta"} == {"libkoemorph.so"}
    for meta in folder.glob("*.meta"):
        sections = dict(
            re.findall(r"- first:\n      (.+)\n    second:\n      enabled: (\d)", meta.read_text())
        )
        enabled = {name for name, on in sections.items() if on == "1"}
        assert enabled == {"Editor: Editor", "Standalone: Linux64"}


def test_npm_packs_the_same_files(
    unity_package: Path, needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    command = [needs_tool("npm"), "pack", "--dry-run", "--json", "--offline"]
    result = subprocess.run(
        [*command, "--cache", str(tmp_path)],
        cwd=unity_package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found = {entry["path"] for entry in json.loads(result.stdout)[0]["files"]}
    files = [p for p in unity_package.rglob("*") if p.is_file()]
    assert found == {p.relative_to(unity_package).as_posix() for p in files}


def test_all_bundled_models_are_packed(packed: Path, unity_package: Path) -> None:
    shipped = {path.stem: path.read_bytes() for path in MODELS.glob("*.onnx")}
    assert {"koemorph-30", "koemorph-60"} <= set(shipped)
    unity = (unity_package / "Runtime/Resources/KoeMorph/models").glob("*.bytes")
    assert {path.stem: path.read_bytes() for path in unity} == shipped
    zip_files = zipped(packed, "KoeMorph-*.zip")
    unreal = {Path(name).stem: data for name, data in zip_files.items() if name.endswith(".onnx")}
    assert unreal == shipped
    card = (MODELS / "MODEL_CARD.md").read_bytes()
    assert zip_files["KoeMorph/Resources/models/MODEL_CARD.md"] == card
    assert (unity_package / "Documentation~/MODEL_CARD.md").read_bytes() == card


def test_unreal_zip_is_a_plugin_folder(packed: Path) -> None:
    files = zipped(packed, "KoeMorph-*.zip")
    library = "KoeMorph/Source/ThirdParty/KoeMorphLibrary"
    assert {name for name in files if name.startswith(f"{library}/lib/")} == {
        f"{library}/lib/Linux/libkoemorph.so"
    }
    assert files[f"{library}/lib/Linux/libkoemorph.so"][:4] == b"\x7fELF"
    assert b"koemorph_stream_sample" in files[f"{library}/include/koemorph.h"]
    # The module loads the libraries from the packed folder.
    module = files["KoeMorph/Source/KoeMorph/Private/KoeMorphModule.cpp"].decode()
    assert 'TEXT("Source/ThirdParty/KoeMorphLibrary/lib")' in module
    for name in (
        "Resources/presets/natural.json",
        "Resources/maps/arkit.json",
        "KoeMorph.uplugin",
        "LICENSE",
        "README.md",
    ):
        assert files[f"KoeMorph/{name}"]
    assert not [name for name in files if ".clang-format" in name]


def test_godot_zip_is_an_add_on(packed: Path) -> None:
    files = zipped(packed, "koemorph-godot-*.zip")
    config = files["addons/koemorph/plugin.cfg"].decode()
    script = re.search(r'script="(.+)"', config)
    assert script is not None
    assert f"addons/koemorph/{script[1]}" in files
    for name in [name for name in files if name.endswith(".gd")]:
        for path in re.findall(r'preload\("(.+?)"\)', files[name].decode()):
            assert f"{name.rsplit('/', 1)[0]}/{path}" in files


def test_packager_builds_the_library_of_this_machine(tmp_path: Path) -> None:
    """In a folder of its own: it links the C++ runtime statically, the build of the tests not."""
    code = (
        "import sys, pathlib, package, platforms; "
        "print(package.build_library(platforms.this_platform(), pathlib.Path(sys.argv[1])))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=PLUGINS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert b"koemorph_stream_fade_out" in Path(result.stdout.strip()).read_bytes()


def test_readme_names_the_ios_archive(native_build: Path) -> None:
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["buildPresets"]
    (ios,) = [preset for preset in presets if preset["name"] == "ios"]
    assert ios["targets"] == ["koemorph_core"]
    (archive,) = (native_build / "native").glob("*.a")
    assert f"iOS builds `{archive.name}`" in (PLUGINS / "README.md").read_text()


def test_ios_archive_is_packed(library: str, tmp_path: Path) -> None:
    """An archive as written by Xcode: a symbol table and an object, both with BSD long names."""
    members = [
        (b"__.SYMDEF SORTED", b"koemorph_stream_sample\0"),
        (b"stream.o", b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x0100000C) + b"code"),
    ]
    data = b"!<arch>\n"
    for name, body in members:
        padded = name.ljust(20, b"\0") + body
        fields = (b"#1/20".ljust(16), b"0".ljust(12), b"0".ljust(6), b"0".ljust(6), b"100644  ")
        data += b"".join(fields) + str(len(padded)).encode().ljust(10) + b"`\n"
        data += padded + b"\n" * (len(padded) % 2)
    archive = tmp_path / "libkoemorph_static.a"
    archive.write_bytes(data)
    options = ["--library", library, "--library", f"ios-arm64={archive}"]
    result = pack(*options, "--output", tmp_path / "dist")
    assert result.returncode == 0, result.stderr
    file = "KoeMorph/Source/ThirdParty/KoeMorphLibrary/lib/IOS/libkoemorph.a"
    assert zipped(tmp_path / "dist", "KoeMorph-*.zip")[file] == data
    with tarfile.open(next((tmp_path / "dist").glob("*.tgz"))) as packed:
        options = packed.extractfile("package/Runtime/csc.rsp")
        assert options is not None
        assert options.read() == b"-define:KOEMORPH_STATIC_LIBRARY\n"


def test_only_the_static_library_defines_internal_functions(unity_package: Path) -> None:
    """Without the iOS library, "__Internal" would break the build of every iOS game."""
    assert not (unity_package / "Runtime/csc.rsp").exists()
    runtime = json.loads((UNITY / "Runtime/KoeMorph.asmdef").read_text())
    assert {"tvOS", "VisionOS"} <= set(runtime["excludePlatforms"])


def test_microphone_is_an_optional_assembly() -> None:
    """Unity adds the Android permission to every game that contains the API."""
    folder = UNITY / "Runtime" / "Microphone"
    assembly = json.loads((folder / "KoeMorph.Microphone.asmdef").read_text())
    assert assembly["defineConstraints"] == ["KOEMORPH_MICROPHONE"]
    for script in (UNITY / "Runtime").rglob("*.cs"):
        if folder not in script.parents:
            assert not re.search(r"\bMicrophone\.", script.read_text()), script


def test_fab_requirements(library: str, tmp_path: Path) -> None:
    """Fab requires the engine version, FabURL and a copyright line in every source file."""
    arguments = ["--library", library, "--unreal-version", "5.6.0", "--output", tmp_path]
    assert pack(*arguments).returncode == 0
    files = zipped(tmp_path, "KoeMorph-*.zip")
    descriptor = json.loads(files["KoeMorph/KoeMorph.uplugin"])
    assert descriptor["EngineVersion"] == "5.6.0"
    assert "FabURL" in descriptor
    own = [name for name in files if re.search(r"Source/.*\.(h|cpp|cs)$", name)]
    for name in own:
        if not name.endswith("/koemorph.h"):
            assert files[name].startswith(b"// Copyright KoeMorph contributors."), name


def test_packages_are_reproducible(packed: Path, library: str, tmp_path: Path) -> None:
    assert not pack("--library", library, "--output", tmp_path).stderr
    for path in packed.iterdir():
        # Not in one expression: a readable difference of such files takes minutes.
        equal = (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert equal, path.name


def test_given_models_replace_the_bundled_ones(library: str, tmp_path: Path) -> None:
    own = tmp_path / "koemorph-30.onnx"
    own.write_bytes((MODELS / "koemorph-60.onnx").read_bytes())
    assert pack("--library", library, "--model", own, "--output", tmp_path).returncode == 0
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as archive:
        (model,) = [name for name in archive.getnames() if name.endswith(".bytes")]
        data = archive.extractfile(model)
        assert Path(model).name == "koemorph-30.bytes"
        assert data is not None
        assert data.read() == own.read_bytes()


def test_invalid_input_is_reported(library: str, native_build: Path, tmp_path: Path) -> None:
    (archive_of_here,) = (native_build / "native").glob("*.a")
    text = tmp_path / "library.so"
    text.write_text("no library")
    here = library.partition("=")[2]
    # A truncated header; archive members without and with a negative length.
    program = tmp_path / "cut.dll"
    program.write_bytes(b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0")
    archives = [tmp_path / "no_length.a", tmp_path / "less_than_none.a"]
    for damaged, length in zip(archives, (b"long", b"-60"), strict=True):
        damaged.write_bytes(b"!<arch>\n" + b"stream.o".ljust(48) + length.ljust(10) + b"`\n")
    other = tmp_path / "koemorph-30.onnx"
    other.write_bytes(b"another network")
    for arguments, words in (
        (["--library", f"linux-x64={text}"], "is not a library for linux-x64"),
        (["--library", f"linux-x64={tmp_path / 'none.so'}"], "cannot be read"),
        (["--library", f"linux-x64={sys.executable}"], "no symbol koemorph_stream_sample"),
        (
            ["--library", library, "--library", f"android-arm64={here}"],
            "not a library for android-arm64",
        ),
        (["--library", f"ios-arm64={archive_of_here}"], "is not a library for ios-arm64"),
        (["--library", f"windows-x64={program}"], "is not a library for windows-x64"),
        (["--library", f"ios-arm64={archives[0]}"], "is not a library for ios-arm64"),
        (["--library", f"ios-arm64={archives[1]}"], "is not a library for ios-arm64"),
        (["--library", library, "--library", library], "--library linux-x64"),
        (["--library", library, *2 * ["--model", str(text)]], "Two models have the same name"),
        (["--library", library, "--model", str(tmp_path / "none.onnx")], "none.onnx not found"),
        (["--library", library, "--model", str(other)], "is not a KoeMorph model"),
        (
            ["--library", library, "--model", str(MODELS / "koemorph-60.onnx")],
            "No koemorph-30.onnx",
        ),
    ):
        result = pack(*arguments, "--output", tmp_path / "dist")
        assert result.returncode == 2, result.stdout + result.stderr
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert not (tmp_path / "dist").exists()


def test_unwritable_output_is_reported(library: str, tmp_path: Path) -> None:
    taken = tmp_path / "dist"
    taken.write_text("a file, not a folder")
    result = pack("--library", library, "--output", taken)
    assert result.returncode == 2
    assert "cannot be written" in result.stderr
    assert "--output" in result.stderr
    assert "Traceback" not in result.stderr
