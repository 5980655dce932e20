"""Write the .meta file that Unity requires beside every file of com.koemorph.

    python engine_plugins/unity_meta.py            # for files without a .meta

Scenes and prefabs refer to files by GUID, so a GUID must never change: it is derived from the path
once, and existing .meta files are kept. The packager uses the same functions.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent / "unity" / "com.koemorph"

_IMPORTERS = {
    ".cs": "MonoImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  defaultReferences: []\n"
    "  executionOrder: 0\n  icon: {instanceID: 0}\n",
    ".asmdef": "AssemblyDefinitionImporter:\n  externalObjects: {}\n",
    ".md": "TextScriptImporter:\n  externalObjects: {}\n",
    ".txt": "TextScriptImporter:\n  externalObjects: {}\n",
    ".json": "TextScriptImporter:\n  externalObjects: {}\n",
    ".bytes": "TextScriptImporter:\n  externalObjects: {}\n",
}
_TAIL = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"

# Folder below Runtime/Plugins -> Unity build targets with their CPU, and (OS, CPU) of the editor,
# spelled as in .meta files written by Unity.
_TARGETS: dict[str, tuple[dict[str, str], tuple[str, str] | None]] = {
    "Linux/x86_64": ({"Standalone: Linux64": "x86_64"}, ("Linux", "x86_64")),
    "Windows/x86_64": ({"Standalone: Win64": "x86_64"}, ("Windows", "x86_64")),
    "macOS": ({"Standalone: OSXUniversal": "AnyCPU"}, ("OSX", "AnyCPU")),
    "Android/arm64-v8a": ({"Android: Android": "ARM64"}, None),
    "iOS": ({"iPhone: iOS": "ARM64"}, None),
}
PLUGIN_FOLDERS = tuple(_TARGETS)
_ALL = (
    "Android: Android",
    "iPhone: iOS",
    "Standalone: Linux64",
    "Standalone: OSXUniversal",
    "Standalone: Win",
    "Standalone: Win64",
)


def guid(path: str) -> str:
    """Return the GUID of a path relative to the package (POSIX separators)."""
    return hashlib.md5(f"com.koemorph/{path}".encode(), usedforsecurity=False).hexdigest()


def _platform(first: str, enabled: bool, settings: dict[str, str]) -> str:
    body = "".join(f"        {key}: {value}\n" for key, value in settings.items())
    settings_text = f"      settings:\n{body}" if body else "      settings: {}\n"
    return f"  - first:\n      {first}\n    second:\n      enabled: {int(enabled)}\n{settings_text}"


def _plugin_importer(path: str) -> str:
    folder = path.removeprefix("Runtime/Plugins/").rsplit("/", 1)[0]
    targets, editor = _TARGETS[folder]
    exclude = {
        f"Exclude {first.split(': ')[1]}": str(int(first not in targets)) for first in _ALL
    } | {"Exclude Editor": str(int(editor is None))}
    os_name, cpu = editor or ("AnyOS", "AnyCPU")
    parts = [
        _platform(": Any", False, exclude),
        _platform(
            "Editor: Editor",
            editor is not None,
            {"CPU": cpu, "DefaultValueInitialized": "true", "OS": os_name},
        ),
    ]
    for first in _ALL:
        settings = {"CPU": targets.get(first, "None")}
        if first == "iPhone: iOS":
            settings = {"AddToEmbeddedBinaries": "false", "CPU": targets.get(first, "AnyCPU")}
        parts.append(_platform(first, first in targets, settings))
    return (
        "PluginImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  iconMap: {}\n"
        "  executionOrder: {}\n  defineConstraints: []\n  isPreloaded: 0\n  isOverridable: 1\n"
        "  isExplicitlyReferenced: 0\n  validateReferences: 1\n  platformData:\n" + "".join(parts)
    )


def meta(path: str, is_folder: bool) -> str:
    """Return the text of the .meta file of a path relative to the package."""
    if is_folder:
        importer = "folderAsset: yes\nDefaultImporter:\n  externalObjects: {}\n"
    elif path == "package.json":
        importer = "PackageManifestImporter:\n  externalObjects: {}\n"
    elif path.startswith("Runtime/Plugins/") and not path.endswith((".md", ".txt")):
        importer = _plugin_importer(path)
    else:
        suffix = Path(path).suffix
        importer = _IMPORTERS.get(suffix, "DefaultImporter:\n  externalObjects: {}\n")
    return f"fileFormatVersion: 2\nguid: {guid(path)}\n{importer}{_TAIL}"


def wants_meta(relative: Path) -> bool:
    """Return whether a file needs a .meta: not hidden files and Documentation~, but samples."""
    if relative.suffix == ".meta" or any(part.startswith(".") for part in relative.parts):
        return False
    hidden = [part for part in relative.parts if part.endswith("~")]
    return not hidden or (relative.parts[0] == "Samples~" and len(relative.parts) > 1)


def write_missing(package: Path) -> list[str]:
    """Write the missing .meta files below a package; return the paths of their files."""
    written = []
    for path in sorted(package.rglob("*")):
        relative = path.relative_to(package)
        beside = path.with_name(path.name + ".meta")
        if wants_meta(relative) and not beside.exists():
            beside.write_text(meta(relative.as_posix(), path.is_dir()), encoding="utf-8")
            written.append(relative.as_posix())
    return written


if __name__ == "__main__":
    for name in write_missing(PACKAGE):
        print(name)
