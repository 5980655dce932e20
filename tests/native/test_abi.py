"""The C ABI: invalid arguments, older callers, allocations, installation, sanitizers, fuzzers."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import koemorph

pytestmark = pytest.mark.slow  # builds native code

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "python" / "koemorph" / "maps" / "vrm1.json"
CORPUS = Path(__file__).parent / "fuzz" / "corpus"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_invalid_arguments_older_callers_and_allocations(
    native_build: Path, tiny_models: dict[int, Path]
) -> None:
    program = native_build / "native" / "tests" / "abi_test"
    result = run(program, tiny_models[30], MAP)
    assert result.stdout == "ok\n", result.stderr


@pytest.mark.parametrize("name", ["thread_test", "concurrency_test", "memory_test"])
def test_threads_and_out_of_memory(
    native_build: Path, tiny_models: dict[int, Path], name: str
) -> None:
    program = native_build / "native" / "tests" / name
    result = run(program, tiny_models[30])
    assert result.stdout == "ok\n", result.stderr


USER_PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(user CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(koemorph 0.1 REQUIRED)
set(data ${koemorph_DATA_DIR} CACHE PATH "")
foreach(kind koemorph static)
  add_executable(with_${kind} main.cc)
  target_link_libraries(with_${kind} PRIVATE koemorph::${kind})
endforeach()
"""
C_PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(user C)
if(KOEMORPH_FOLDER)
  add_subdirectory(${KOEMORPH_FOLDER} koemorph)
else()
  find_package(koemorph 0.1 REQUIRED)
endif()
foreach(kind koemorph static)
  add_executable(with_${kind} main.c)
  target_link_libraries(with_${kind} PRIVATE koemorph::${kind})
endforeach()
"""
C_SOURCE = """
#include <koemorph.h>
int main(void) {
  koemorph_model_config config;
  koemorph_model* model;
  koemorph_model_config_init(&config);
  return koemorph_model_load(&config, &model) == KOEMORPH_INVALID_ARGUMENT ? 0 : 1;
}
"""
USER_SOURCE = """
#include <koemorph.hpp>
int main(int argc, char** argv) {
  if (argc > 1) {
    const koemorph::Model model(argv[1]);
    koemorph::Stream stream(model, 48000);
    koemorph::StreamBatch batch(model, 1);
    stream.push(nullptr, 0);
    stream.flush();
    stream.reset();
    batch.process({stream.get()});
    return stream.process() && stream.sample(0.0)[0] > 0.0f;
  }
  const koemorph::RetargetMap map(R"({"koemorph": "retarget", "version": 1, "name": "a",
                                   "targets": {"open": {"from": {"jawOpen": 0.5}}}})");
  koemorph::Face face{};
  face[17] = 1.0f;
  float weight = 0.0f;
  map.apply(face, &weight, 1);
  return weight == 0.5f ? 0 : 1;
}
"""


def test_an_installed_library_is_found_by_cmake_and_pkg_config(
    native_build: Path, tmp_path: Path, needs_tool: Callable[[str], str]
) -> None:
    prefix = tmp_path / "prefix"
    assert run("cmake", "--install", native_build, "--prefix", prefix).returncode == 0
    (licence,) = prefix.rglob("doc/koemorph/LICENSE")
    assert licence.read_bytes() == (ROOT / "LICENSE").read_bytes()
    (data,) = prefix.rglob("share/koemorph")
    package = Path(koemorph.__file__).parent
    for folder, ending in (("models", ".onnx"), ("maps", ".json"), ("presets", ".json")):
        expected = {path.name: path.read_bytes() for path in (package / folder).glob(f"*{ending}")}
        installed = {path.name: path.read_bytes() for path in (data / folder).glob(f"*{ending}")}
        assert expected == installed
        assert expected
    user = tmp_path / "user"
    user.mkdir()
    (user / "CMakeLists.txt").write_text(USER_PROJECT)
    (user / "main.cc").write_text(USER_SOURCE)
    build = user / "build"
    for command in (
        ["cmake", "-S", user, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"],
        ["cmake", "--build", build],
        [build / "with_koemorph"],
        [build / "with_static"],
    ):
        result = run(*command)
        assert result.returncode == 0, result.stdout + result.stderr
    (main,) = build.rglob("with_static.dir/main.cc.o")
    (archive,) = prefix.rglob("libkoemorph_static.a")
    cache = (build / "CMakeCache.txt").read_text()
    assert str(data.resolve()) in cache.replace(str(prefix), str(prefix.resolve()))
    both = symbols(main) & symbols(archive)
    assert not both, f"defined by both koemorph.hpp in a program and the library: {both}"
    (config,) = prefix.rglob("koemorph.pc")
    variable = [needs_tool("pkg-config"), "--variable=datadir", "koemorph"]
    found = run(*variable, PKG_CONFIG_PATH=str(config.parent)).stdout.strip()
    assert Path(found).resolve() == data.resolve()
    flags = run(
        needs_tool("pkg-config"),
        "--cflags",
        "--libs",
        "koemorph",
        PKG_CONFIG_PATH=str(config.parent),
    ).stdout.split()
    program = user / "with_pkg_config"
    result = run("c++", "-std=c++17", user / "main.cc", "-o", program, *flags)
    assert result.returncode == 0, result.stderr
    libraries = next(prefix.rglob("libkoemorph.so")).parent
    assert run(program, LD_LIBRARY_PATH=str(libraries)).returncode == 0


def test_pkg_config_finds_separate_header_and_library_folders(
    tmp_path: Path, needs_tool: Callable[[str], str]
) -> None:
    """Nix and Guix set absolute folders without a common prefix."""
    folders = {"libdir": tmp_path / "out" / "lib", "includedir": tmp_path / "dev" / "include"}
    options = [f"-DCMAKE_INSTALL_{name.upper()}={folder}" for name, folder in folders.items()]
    build, prefix = tmp_path / "build", f"-DCMAKE_INSTALL_PREFIX={tmp_path / 'prefix'}"
    configured = run("cmake", "-S", ROOT, "-B", build, prefix, *options)
    assert configured.returncode == 0, configured.stdout + configured.stderr
    config = folders["libdir"] / "pkgconfig" / "koemorph.pc"
    config.parent.mkdir(parents=True)
    (build / "native" / "koemorph.pc").rename(config)
    for name, folder in folders.items():
        printed = run(needs_tool("pkg-config"), f"--variable={name}", config)
        assert Path(printed.stdout.strip()).resolve() == folder, printed.stderr


def test_a_c_project_links_both_libraries(native_build: Path, tmp_path: Path) -> None:
    assert run("cmake", "--install", native_build, "--prefix", tmp_path / "prefix").returncode == 0
    (tmp_path / "CMakeLists.txt").write_text(C_PROJECT)
    (tmp_path / "main.c").write_text(C_SOURCE)
    build = tmp_path / "build"
    for command in (
        ["cmake", "-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}"],
        ["cmake", "--build", build],
        [build / "with_koemorph"],
        [build / "with_static"],
        # add_subdirectory provides the same targets. Only configured, to save time.
        ["cmake", "-S", tmp_path, "-B", tmp_path / "added", f"-DKOEMORPH_FOLDER={ROOT}"],
    ):
        result = run(*command)
        assert result.returncode == 0, result.stdout + result.stderr


def test_fetch_content_gives_the_same_targets(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "install.md").read_text("utf-8")
    documented = page.split("```cmake\n", 1)[1].split("```", 1)[0]
    project = (
        "cmake_minimum_required(VERSION 3.18)\nproject(user CXX)\nadd_executable(game main.cc)\n"
    )
    (tmp_path / "CMakeLists.txt").write_text(project + documented)
    (tmp_path / "main.cc").write_text(USER_SOURCE)
    build = tmp_path / "build"
    # The clone instead of a download; only to configure and compile the program takes little time.
    local = f"-DFETCHCONTENT_SOURCE_DIR_KOEMORPH={ROOT}"
    for command in (
        ["cmake", "-S", tmp_path, "-B", build, local, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"],
        ["cmake", "--build", build, "--target", "help"],
    ):
        result = run(*command)
        assert result.returncode == 0, result.stdout + result.stderr
    assert "koemorph" in result.stdout
    commands = json.loads((build / "compile_commands.json").read_text())
    (own,) = (entry["command"] for entry in commands if entry["file"].endswith("main.cc"))
    assert run(*shlex.split(own), "-fsyntax-only").returncode == 0


def symbols(objects: Path) -> set[str]:
    """Return the symbols of KoeMorph that an object file or archive defines."""
    listing = run("nm", "--defined-only", "--format=posix", objects).stdout
    names = {line.split()[0] for line in listing.splitlines() if " " in line}
    found = {name for name in names if "8koemorph" in name}
    assert found
    return found


def sanitized_build(sanitizers: str, folder: str, *options: str) -> Path:
    build = ROOT / "build" / folder
    configure = ["cmake", "-S", ROOT, "-B", build, "-DCMAKE_BUILD_TYPE=RelWithDebInfo"]
    options = (f"-DKOEMORPH_SANITIZE={sanitizers}", "-DKOEMORPH_BUILD_TESTS=ON", *options)
    for command in ([*configure, *options], ["cmake", "--build", build, "--parallel", "2"]):
        result = run(*command)
        assert result.returncode == 0, result.stdout + result.stderr
    return build / "native" / "tests"


sanitized = pytest.mark.skipif(
    os.environ.get("KOEMORPH_SANITIZERS") != "1" and "CI" not in os.environ,
    reason="builds the library again; runs in CI, or with KOEMORPH_SANITIZERS=1",
)


@sanitized
def test_under_address_and_undefined_sanitizers_with_fuzz_targets_on_their_seeds(
    tiny_models: dict[int, Path],
) -> None:
    programs = sanitized_build("address,undefined", "asan", "-DKOEMORPH_BUILD_FUZZERS=ON")
    strict = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    for command in (
        [programs / "abi_test", tiny_models[30], MAP],
        [programs / "thread_test", tiny_models[30]],
        [programs / "concurrency_test", tiny_models[30]],
        [programs / "memory_test", tiny_models[30]],
    ):
        result = run(*command, **strict)
        assert result.stdout == "ok\n", result.stderr
    for folder in sorted(CORPUS.iterdir()):
        seeds = sorted(folder.iterdir())
        result = run(programs / f"fuzz_{folder.name}", *seeds, **strict)
        assert result.stdout == f"{len(seeds)}\n", result.stderr[-4000:]


@sanitized
def test_under_the_thread_sanitizer(tiny_models: dict[int, Path]) -> None:
    programs = sanitized_build("thread", "tsan")
    for name in ("thread_test", "concurrency_test"):
        result = run(programs / name, tiny_models[30], TSAN_OPTIONS="halt_on_error=1")
        assert result.stdout == "ok\n", result.stderr[-4000:]
