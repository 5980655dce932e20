"""Pack the engine plugins with their native libraries, models and licenses.

    python engine_plugins/package.py [--library PLATFORM=PATH]

Writes com.koemorph-X.tgz, KoeMorph-X.zip and koemorph-godot-X.zip to dist/. The native library of
this machine is built with CMake unless --library is given. Without --model, all models of the
Python package are packed.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import unity_meta
from platforms import PLATFORMS, PackageError, Platform, check_binary, this_platform

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGE = ROOT / "python" / "koemorph"  # source of maps, presets and models
DEFAULT_MODEL = "koemorph-30"  # used if no model name is set
MODEL_KEYS = (b"format_version", b"context_frames")  # metadata keys of every model
# The earliest time of the zip format: equal input gives equal bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)

Files = dict[str, bytes]


def version() -> str:
    """Return the version in the C header."""
    header = (ROOT / "native" / "include" / "koemorph.h").read_text(encoding="utf-8")
    numbers = re.findall(r"#define KOEMORPH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)
    return ".".join(numbers)


def source_files(folder: Path) -> Files:
    """Return the files below a folder by relative path, without tool settings."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".clang-format", ".DS_Store")
    }


def build_library(target: Platform, folder: Path) -> Path:
    """Build the native library for this machine and return its path."""
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"]
    configure.append("-DKOEMORPH_STATIC_RUNTIME=ON")  # for other distributions; Linux only
    if target.name == "macos":
        configure.append("-DCMAKE_OSX_ARCHITECTURES=arm64;x86_64")
    build = ["cmake", "--build", str(folder), "--config", "Release", "--parallel", "2"]
    build += ["--target", "koemorph"]
    for command in (configure, build):
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise PackageError(
                "Build failed: CMake is not installed. Install it, or use --library."
            ) from None
        if result.returncode != 0:
            raise PackageError(f"Build failed: CMake reported\n{result.stdout}{result.stderr}")
    found = next((p for p in folder.rglob(target.library) if p.is_file()), None)
    if found is None:
        raise PackageError(
            f"Build failed: CMake built no {target.library}. Build it yourself and use --library."
        )
    return found


def paths_by_platform(pairs: list[tuple[str, Path]]) -> dict[str, Path]:
    """Return the values of --library by platform; raise PackageError for a duplicate."""
    found = dict(pairs)
    for name in found:
        if [platform for platform, _ in pairs].count(name) > 1:
            raise PackageError(f"--library {name} is given more than once, expected once.")
    return found


class Content:
    """Content of the plugins: libraries by platform, and the models."""

    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        here = this_platform()
        paths = paths_by_platform(arguments.library)
        if here is not None and here.name not in paths:
            paths[here.name] = build_library(here, work)
        if not paths:
            raise PackageError(
                "No library: this platform is not supported. Use --library PLATFORM=PATH."
            )
        self.libraries = {name: self._read_library(name, path) for name, path in paths.items()}
        models = arguments.model or sorted(PACKAGE.glob("models/*.onnx"))
        if len({path.stem for path in models}) < len(models):
            raise PackageError("Two models have the same name. Rename one.")
        self.models = self._read_models(models)  # at least one: the default
        card = models[0].with_name("MODEL_CARD.md")
        self.card = card.read_bytes() if card.exists() else None

    @staticmethod
    def _read_library(name: str, path: Path) -> bytes:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PackageError(f"{path} cannot be read: {error.strerror}.") from error
        check_binary(data, str(path), PLATFORMS[name], b"koemorph_stream_sample")
        return data

    @staticmethod
    def _read_models(paths: list[Path]) -> Files:
        """Return the models by name."""
        try:
            models = {path.stem: path.read_bytes() for path in paths}
        except OSError as error:
            raise PackageError(
                f"Model {error.filename} not found. Set --model to an existing file."
            ) from None
        for path in paths:
            if not all(key in models[path.stem] for key in MODEL_KEYS):
                raise PackageError(f"{path} is not a KoeMorph model: metadata is missing.")
        if DEFAULT_MODEL not in models:
            raise PackageError(
                f"No {DEFAULT_MODEL}.onnx among the models: it is the default model. Add it with "
                "--model."
            )
        return models


def settings_files() -> Files:
    """Return the retarget maps and presets of the Python package."""
    found = sorted([*PACKAGE.glob("maps/*.json"), *PACKAGE.glob("presets/*.json")])
    return {path.relative_to(PACKAGE).as_posix(): path.read_bytes() for path in found}


def unity_files(content: Content) -> Files:
    """Return the files of com.koemorph, with a .meta for each file that Unity imports."""
    files = source_files(HERE / "unity" / "com.koemorph")
    for name, library in content.libraries.items():
        target = PLATFORMS[name]
        files[f"Runtime/Plugins/{target.unity_folder}/{target.library}"] = library
    # Compiler options of the assembly KoeMorph; see Interop/Library.cs.
    if "ios-arm64" in content.libraries:
        files["Runtime/csc.rsp"] = b"-define:KOEMORPH_STATIC_LIBRARY\n"
    # Resources.Load finds assets by name; Unity imports models as text assets only as .bytes.
    for name, model in content.models.items():
        files[f"Runtime/Resources/KoeMorph/models/{name}.bytes"] = model
    for name, settings in settings_files().items():
        files[f"Runtime/Resources/KoeMorph/{name}"] = settings
    if content.card is not None:
        files["Documentation~/MODEL_CARD.md"] = content.card
    return with_metas(files)


def with_metas(files: Files) -> Files:
    """Add a .meta for each file and folder that has none."""
    paths = {Path(name): False for name in files}
    paths |= {parent: True for name in files for parent in list(Path(name).parents)[:-1]}
    metas = {
        f"{path.as_posix()}.meta": unity_meta.meta(path.as_posix(), is_folder).encode()
        for path, is_folder in paths.items()
        if unity_meta.wants_meta(path)
    }
    return metas | files


def unreal_files(content: Content, engine_version: str | None) -> Files:
    """Return the files of the plugin folder KoeMorph."""
    files = source_files(HERE / "unreal" / "KoeMorph")
    if engine_version is not None:
        descriptor = json.loads(files["KoeMorph.uplugin"])
        descriptor["EngineVersion"] = engine_version
        files["KoeMorph.uplugin"] = (json.dumps(descriptor, indent=2) + "\n").encode()
    library = "Source/ThirdParty/KoeMorphLibrary"
    files[f"{library}/include/koemorph.h"] = (ROOT / "native/include/koemorph.h").read_bytes()
    for name, data in content.libraries.items():
        target = PLATFORMS[name]
        files[f"{library}/lib/{target.unreal_folder}/{target.library}"] = data
    for name, model in content.models.items():
        files[f"Resources/models/{name}.onnx"] = model
    if content.card is not None:
        files["Resources/models/MODEL_CARD.md"] = content.card
    for name, settings in settings_files().items():
        files[f"Resources/{name}"] = settings
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    return files


def godot_files() -> Files:
    """Return the files of the Godot add-on, which needs no native library."""
    files = source_files(HERE / "godot")
    files["addons/koemorph/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    return files


def write_tgz(path: Path, files: Files) -> None:
    """Write an npm package: all files below package/."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(f"package/{name}")
            info.size, info.mode, info.mtime = len(data), 0o644, 0
            archive.addfile(info, io.BytesIO(data))
    write_whole(path, gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0))


def write_zip(path: Path, root: str, files: Files) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(f"{root}{name}", EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    write_whole(path, buffer.getvalue())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise PackageError(
            f"{path} cannot be written: {error.strerror}. Use another folder with --output."
        ) from error


def platform_path(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not separator or name not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise argparse.ArgumentTypeError(f'"{text}" is not PLATFORM=PATH; platforms: {known}')
    return name, Path(path)


def engine_version(text: str) -> str:
    if re.fullmatch(r"5\.\d+\.\d+", text) is None:
        raise argparse.ArgumentTypeError(f'"{text}" is not an Unreal Engine version such as 5.6.0')
    return text


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pack the engine plugins.")
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        type=platform_path,
        metavar="PLATFORM=PATH",
        help="the koemorph library of a platform, repeatable",
    )
    parser.add_argument(
        "--unreal-version",
        type=engine_version,
        metavar="X.Y.Z",
        help="EngineVersion in KoeMorph.uplugin, which Fab requires; default: none",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        type=Path,
        help="a model (.onnx), repeatable; default: all models of the Python package",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    return parser.parse_args(arguments)


def pack(arguments: argparse.Namespace) -> list[Path]:
    """Write the packages and return their paths."""
    with tempfile.TemporaryDirectory() as work:
        content = Content(arguments, Path(work))
    number = version()
    unity = arguments.output / f"com.koemorph-{number}.tgz"
    unreal = arguments.output / f"KoeMorph-{number}.zip"
    godot = arguments.output / f"koemorph-godot-{number}.zip"
    write_tgz(unity, unity_files(content))
    write_zip(unreal, "KoeMorph/", unreal_files(content, arguments.unreal_version))
    write_zip(godot, "", godot_files())
    return [unity, unreal, godot]


def main(arguments: list[str] | None = None) -> int:
    try:
        for path in pack(parse(arguments)):
            print(path)
    except PackageError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
