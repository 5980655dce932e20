"""Build the npm package: compile the core to WebAssembly and assemble dist/.

    python engine_plugins/web/build.py [-o DIR] [--keep-core] [--pack]

Needs Emscripten (em++). Writes dist/koemorph.wasm, dist/koemorph-simd.wasm and the JavaScript
modules. The modules do not depend on Emscripten's own JavaScript: src/core.js loads the
WebAssembly file, so that bundlers see plain ES modules.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NATIVE = ROOT / "native"
PACKAGE = ROOT / "python" / "koemorph"  # source of maps, presets and models
MODELS = ("koemorph-30-fast.onnx", "koemorph-30.onnx")
BUILDS = {"koemorph-simd.wasm": ["-msimd128"], "koemorph.wasm": []}
FLAGS = [
    "-std=c++17",
    "-O2",
    "-DNDEBUG",
    "--no-entry",
    "-sSTANDALONE_WASM=1",
    "-sFILESYSTEM=0",
    "-sALLOW_MEMORY_GROWTH=1",
    "-sINITIAL_MEMORY=16MB",
    "-sTOTAL_STACK=1MB",
]


class BuildError(Exception):
    """A build step failed."""


def run(command: list[str]) -> None:
    """Run a build command; its output is the error's message."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BuildError(
            f"Build failed: {command[0]} is not installed. Install Emscripten (Debian: "
            "apt install emscripten)."
        ) from None
    if result.returncode != 0:
        raise BuildError(f"Build failed: {command[0]} reported\n{result.stdout}{result.stderr}")


def exported_functions() -> list[str]:
    """Return the C functions of the public header and of core.cpp."""
    header = (NATIVE / "include" / "koemorph.h").read_text(encoding="utf-8")
    own = (HERE / "src" / "core.cpp").read_text(encoding="utf-8")
    names = re.findall(r"^KOEMORPH_C_API [\w* ]+?(koemorph_\w+)\(", header, re.MULTILINE)
    names += re.findall(r"^\w[\w* ]*?(koemorph_web_\w+)\(", own, re.MULTILINE)
    return [*names, "malloc", "free"]


def compile_core(folder: Path) -> None:
    """Compile the core with and without SIMD."""
    exports = "-sEXPORTED_FUNCTIONS=" + ",".join(f"_{name}" for name in exported_functions())
    with tempfile.TemporaryDirectory() as temporary:
        run([sys.executable, str(NATIVE / "amalgamate.py"), "-o", temporary])
        sources = [str(Path(temporary) / "koemorph.cpp"), str(HERE / "src" / "core.cpp")]
        for name, flags in BUILDS.items():
            output = str(folder / name)
            run(["em++", *sources, "-I", temporary, *FLAGS, *flags, exports, "-o", output])


def assemble(folder: Path, keep_core: bool) -> None:
    """Write the package: modules, types, maps, presets, models and license."""
    dist = folder / "dist"
    dist.mkdir(parents=True, exist_ok=True)
    for path in dist.iterdir():
        if not (keep_core and path.suffix == ".wasm"):
            path.unlink()
    shutil.copytree(HERE / "src", dist, ignore=shutil.ignore_patterns("*.cpp"), dirs_exist_ok=True)
    for name in ("maps", "presets"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(PACKAGE / name, folder / name, ignore=shutil.ignore_patterns("*.py", "__*"))
    (folder / "models").mkdir(exist_ok=True)
    for name in MODELS:
        shutil.copy(PACKAGE / "models" / name, folder / "models" / name)
    shutil.copy(HERE / "package.json", folder)
    shutil.copy(HERE / "README.md", folder)
    shutil.copy(ROOT / "LICENSE", folder)
    shutil.copy(PACKAGE / "models" / "MODEL_CARD.md", folder / "models")
    shutil.rmtree(folder / "demo", ignore_errors=True)
    shutil.copytree(HERE / "demo", folder / "demo")
    for name in ("mouth.js", "portrait.js"):  # the drawn face of the preview page
        shutil.copy(PACKAGE / "preview" / "page" / name, folder / "demo")
    if not keep_core:
        compile_core(dist)


def main() -> int:
    """Build the package, and with --pack its .tgz."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "-o", "--output", type=Path, default=ROOT / "build" / "web", help="package folder"
    )
    parser.add_argument("--keep-core", action="store_true", help="do not compile the core again")
    parser.add_argument("--pack", action="store_true", help="run npm pack in it")
    options = parser.parse_args()
    try:
        assemble(options.output, options.keep_core)
        if options.pack:
            run(["npm", "pack", str(options.output), "--pack-destination", str(options.output)])
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
