"""Packs the engine plugins, each with its native libraries, models and licences, ready to drop in.

    python engine_plugins/package.py [--library PLATFORM=PATH] [--onnxruntime PLATFORM=PATH]

makes com.koemorph-X.tgz, KoeMorph-X.zip and koemorph-godot-X.zip in dist/. Without --library the
native library is built for this machine by CMake. ONNX Runtime comes from the onnxruntime wheel of
this Python; for other platforms from the wheel (for Android, the .aar) that is given. Without
--model, every model of the Python package is packed; faces choose among them by name.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
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
PACKAGE = ROOT / "python" / "koemorph"  # what maps, presets and models are taken from
DEFAULT_MODEL = "koemorph-30"  # of a face that names none
UNITY_RUNTIME_PACKAGE = ("com.github.asus4.onnxruntime", "0.4.9")
MODEL_KEYS = (b"format_version", b"context_frames")  # of what a model file says about itself
LICENCES = ("LICENSE", "ThirdPartyNotices.txt")  # of ONNX Runtime, inside its wheel
# Zip cannot say anything earlier; the same input gives the same bytes, whenever it is packed.
EPOCH = (1980, 1, 1, 0, 0, 0)

Files = dict[str, bytes]


def version() -> str:
    """KoeMorph's version, as the C header has it."""
    header = (ROOT / "native" / "include" / "koemorph.h").read_text(encoding="utf-8")
    numbers = re.findall(r"#define KOEMORPH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)
    return ".".join(numbers)


def source_files(folder: Path) -> Files:
    """Every file below a folder by its relative path, but for what tools leave behind."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".clang-format", ".DS_Store")
    }


def build_library(target: Platform, folder: Path) -> Path:
    """Builds the native library for this machine; returns its path."""
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"]
    build = ["cmake", "--build", str(folder), "--config", "Release", "--target", "koemorph"]
    for command in (configure, build):
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise PackageError("CMake is not installed; install it, or give --library.") from None
        if result.returncode != 0:
            raise PackageError(f"CMake failed:\n{result.stdout}{result.stderr}")
    found = next((p for p in folder.rglob(target.library) if p.is_file()), None)
    if found is None:
        raise PackageError(
            f"CMake built no {target.library}; build it yourself and give --library."
        )
    return found


def archive_files(path: Path) -> Files:
    """What a wheel or an Android archive (.aar) holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise PackageError(f"{path} is no wheel or .aar: {error}.") from error


def installed_wheel() -> Files:
    """The library and licences of the onnxruntime that is installed beside this Python."""
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        raise PackageError("onnxruntime is not installed; pip install it, or give --onnxruntime.")
    folder = Path(spec.origin).parent
    paths = [*folder.glob("capi/*onnxruntime.*"), *(folder / name for name in LICENCES)]
    return {f"onnxruntime/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in paths}


def pick_runtime(files: Files, target: Platform) -> bytes:
    """ONNX Runtime's library among the files of a wheel or of an Android archive."""
    pattern = r"onnxruntime/capi/(lib)?onnxruntime(\.so[.\d]*|[.\d]*\.dylib|\.dll)"
    if target.name.startswith("android"):
        pattern = rf"jni/{target.unity_folder.split('/')[1]}/libonnxruntime\.so"
    found = [data for name, data in files.items() if re.fullmatch(pattern, name)]
    if len(found) != 1:
        raise PackageError(f"There is no ONNX Runtime for {target.name} in what was given.")
    check_binary(found[0], "the ONNX Runtime that was given", target, b"OrtGetApiBase")
    return found[0]


def third_party_notices(wheel: Files) -> bytes:
    """What the licence of ONNX Runtime wants to be shipped with its library."""
    parts = [wheel[f"onnxruntime/{name}"] for name in LICENCES]
    return b"ONNX Runtime (onnxruntime.ai)\n\n" + b"\n\n".join(parts)


def once(option: str, pairs: list[tuple[str, Path]]) -> dict[str, Path]:
    """What an option gives by platform; an error where it gives two things for one."""
    found = dict(pairs)
    for name in found:
        if [platform for platform, _ in pairs].count(name) > 1:
            raise PackageError(f"{option} gives more than one file for {name}; give one.")
    return found


def check_runtimes(given: dict[str, Path], platforms: set[str]) -> None:
    """An error for an ONNX Runtime that would be left out."""
    for name in given:
        if PLATFORMS[name].onnxruntime is None:
            raise PackageError(
                f"ONNX Runtime for {name} is not packed: there the application links it (see "
                "engine_plugins/README.md); leave out its --onnxruntime."
            )
        if name not in platforms:
            raise PackageError(
                f"ONNX Runtime for {name} needs its library: give --library {name}=PATH."
            )


class Content:
    """What goes into the plugins: libraries by platform, ONNX Runtime by platform, the models."""

    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        here = this_platform()
        paths = once("--library", arguments.library)
        given = once("--onnxruntime", arguments.onnxruntime)
        check_runtimes(given, {*paths, *([here.name] if here else [])})
        if here is not None and here.name not in paths:
            paths[here.name] = build_library(here, work)
        if not paths:
            raise PackageError("No library for any platform: give --library PLATFORM=PATH.")
        self.libraries = {name: self._read_library(name, path) for name, path in paths.items()}
        self.runtimes: dict[str, Files] = {}
        self.notices = b""
        for name in self.libraries:
            self._add_runtime(PLATFORMS[name], given.get(name), here)
        models = arguments.model or sorted(PACKAGE.glob("models/*.onnx"))
        if len({path.stem for path in models}) < len(models):
            raise PackageError("Two models have the same name, by which faces choose; rename one.")
        self.models = self._read_models(models)  # at least one, or this has raised
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

    def _add_runtime(self, target: Platform, given: Path | None, here: Platform | None) -> None:
        if target.onnxruntime is None:
            return
        if given is None and target != here:
            raise PackageError(
                f"ONNX Runtime for {target.name} is missing: give --onnxruntime {target.name}="
                "PATH, a wheel (pip download onnxruntime --platform ...) or for Android its .aar."
            )
        files = installed_wheel() if given is None else archive_files(given)
        self.runtimes[target.name] = {target.onnxruntime: pick_runtime(files, target)}
        licensed = all(f"onnxruntime/{name}" in files for name in LICENCES)
        self.notices = third_party_notices(files if licensed else installed_wheel())

    @staticmethod
    def _read_models(paths: list[Path]) -> Files:
        """Models by name."""
        try:
            models = {path.stem: path.read_bytes() for path in paths}
        except OSError as error:
            raise PackageError(f"There is no model at {error.filename}; give --model.") from None
        for path in paths:
            if not all(key in models[path.stem] for key in MODEL_KEYS):
                raise PackageError(f"{path} is no KoeMorph model; koemorph export makes them.")
        if DEFAULT_MODEL not in models:
            raise PackageError(
                f"There is no {DEFAULT_MODEL}.onnx among the models; faces that name none use it: "
                "give it with --model, too."
            )
        return models


def settings_files() -> Files:
    """The retarget maps and presets of the Python package: the plugins read the same files."""
    found = sorted([*PACKAGE.glob("maps/*.json"), *PACKAGE.glob("presets/*.json")])
    return {path.relative_to(PACKAGE).as_posix(): path.read_bytes() for path in found}


def unity_files(content: Content, runtime_from_package: bool) -> Files:
    """com.koemorph as it is packed; every file but hidden ones has its .meta."""
    files = source_files(HERE / "unity" / "com.koemorph")
    for name, library in content.libraries.items():
        target = PLATFORMS[name]
        folder = f"Runtime/Plugins/{target.unity_folder}"
        files[f"{folder}/{target.library}"] = library
        bundled = {} if runtime_from_package else content.runtimes.get(name, {})
        for file, data in bundled.items():
            files[f"{folder}/{file}"] = data
    # What Resources.Load finds by name: that takes no path, and of a model only .bytes.
    for name, model in content.models.items():
        files[f"Runtime/Resources/KoeMorph/models/{name}.bytes"] = model
    for name, settings in settings_files().items():
        files[f"Runtime/Resources/KoeMorph/{name}"] = settings
    if content.card is not None:
        files["Documentation~/MODEL_CARD.md"] = content.card
    if content.notices and not runtime_from_package:
        files["Third Party Notices.md"] = content.notices
    if runtime_from_package:
        manifest = json.loads(files["package.json"])
        manifest["dependencies"].update([UNITY_RUNTIME_PACKAGE])
        files["package.json"] = (json.dumps(manifest, indent=2) + "\n").encode()
    return with_metas(files)


def with_metas(files: Files) -> Files:
    """The files with a .meta for each file and folder that has none yet."""
    paths = {Path(name): False for name in files}
    paths |= {parent: True for name in files for parent in list(Path(name).parents)[:-1]}
    metas = {
        f"{path.as_posix()}.meta": unity_meta.meta(path.as_posix(), is_folder).encode()
        for path, is_folder in paths.items()
        if unity_meta.wants_meta(path)
    }
    return metas | files


def unreal_files(content: Content) -> Files:
    """The KoeMorph plugin folder as it is packed."""
    files = source_files(HERE / "unreal" / "KoeMorph")
    library = "Source/ThirdParty/KoeMorphLibrary"
    files[f"{library}/include/koemorph.h"] = (ROOT / "native/include/koemorph.h").read_bytes()
    for name, data in content.libraries.items():
        target = PLATFORMS[name]
        files[f"{library}/lib/{target.unreal_folder}/{target.library}"] = data
        for file, runtime in content.runtimes.get(name, {}).items():
            files[f"{library}/lib/{target.unreal_folder}/{file}"] = runtime
    for name, model in content.models.items():
        files[f"Resources/models/{name}.onnx"] = model
    if content.card is not None:
        files["Resources/models/MODEL_CARD.md"] = content.card
    for name, settings in settings_files().items():
        files[f"Resources/{name}"] = settings
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    if content.notices:
        files["ThirdPartyNotices.txt"] = content.notices
    return files


def godot_files() -> Files:
    """The add-on as it is packed; it is all text, and hears KoeMorph over the network."""
    files = source_files(HERE / "godot")
    files["addons/koemorph/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    return files


def write_tgz(path: Path, files: Files) -> None:
    """A package as npm makes it: everything below package/."""
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
    """Writes beside and renames: the file is there whole or not at all."""
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise PackageError(
            f"{path} cannot be written ({error.strerror}); give another folder with --output."
        ) from error


def platform_path(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not separator or name not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise argparse.ArgumentTypeError(f'"{text}" is not PLATFORM=PATH; platforms: {known}')
    return name, Path(path)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pack the engine plugins.")
    several = {"action": "append", "default": [], "type": platform_path, "metavar": "PLATFORM=PATH"}
    parser.add_argument("--library", **several, help="koemorph's library for a platform")
    parser.add_argument("--onnxruntime", **several, help="ONNX Runtime's wheel or .aar")
    parser.add_argument(
        "--unity-onnxruntime",
        choices=["bundle", "package"],
        default="bundle",
        help="bundle: the Unity package brings ONNX Runtime (default); package: it depends on "
        f" {UNITY_RUNTIME_PACKAGE[0]}, which needs its scoped registry",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        type=Path,
        help="a model (.onnx), any number of times; without, those of the Python package",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    return parser.parse_args(arguments)


def pack(arguments: argparse.Namespace) -> list[Path]:
    """Writes the packages; returns their paths."""
    with tempfile.TemporaryDirectory() as work:
        content = Content(arguments, Path(work))
    number = version()
    unity = arguments.output / f"com.koemorph-{number}.tgz"
    unreal = arguments.output / f"KoeMorph-{number}.zip"
    godot = arguments.output / f"koemorph-godot-{number}.zip"
    write_tgz(unity, unity_files(content, arguments.unity_onnxruntime == "package"))
    write_zip(unreal, "KoeMorph/", unreal_files(content))
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
