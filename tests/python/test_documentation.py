"""The documentation builds without warnings, its links exist, and its examples run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pygltflib
import pytest
import soundfile

from koemorph import BLENDSHAPES, Animation, load_retarget_map
from koemorph.cli import cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "README.ja.md",
    *sorted((DOCS / "getting-started").glob("*.md")),
    *sorted((DOCS / "how-to").glob("*.md")),
]
LINKED = [
    *PAGES,
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
    *sorted((ROOT / "engine_plugins").rglob("*.md")),
]
# These only read and write files; the other commands have tests of their own.
RUNNABLE = ("animate", "features", "info", "preview", "retarget")
OWN_FILES = r"(?:github|raw\.githubusercontent)\.com/atsuki-ichikawa/KoeMorph/(?:blob/|)main/"
OWN_MODELS = ("my.onnx", "mine.onnx", "actor.onnx")


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced code blocks of a page, also those within tabs."""
    pattern = rf"^( *)```{language}\n(.*?)^ *```"
    found = re.findall(pattern, page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def commands(page: Path) -> list[list[str]]:
    """Return the arguments of the `koemorph` commands of a page that only use files."""
    lines = [line.strip() for block in blocks(page, "bash") for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in lines if line.startswith("koemorph ")]
    return [parts[1:] for parts in found if parts[1] in RUNNABLE]


def save_rig(path: Path, names: tuple[str, ...]) -> None:
    """Save a triangle with one morph target per name."""
    positions = np.eye(3, dtype=np.float32)
    data = np.concatenate([positions, np.full((3, 3), 0.1, np.float32)]).tobytes()
    size = positions.nbytes
    limits = {"min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0]}
    rig = pygltflib.GLTF2(
        asset=pygltflib.Asset(version="2.0"),
        scene=0,
        scenes=[pygltflib.Scene(nodes=[0])],
        nodes=[pygltflib.Node(mesh=0, name="head")],
        meshes=[
            pygltflib.Mesh(
                extras={"targetNames": list(names)},
                primitives=[
                    pygltflib.Primitive(
                        attributes=pygltflib.Attributes(POSITION=0),
                        targets=[{"POSITION": 1} for _ in names],
                    )
                ],
            )
        ],
        buffers=[pygltflib.Buffer(byteLength=len(data))],
        bufferViews=[
            pygltflib.BufferView(buffer=0, byteOffset=offset, byteLength=size)
            for offset in (0, size)
        ],
        accessors=[
            pygltflib.Accessor(
                bufferView=view, componentType=pygltflib.FLOAT, count=3, type="VEC3", **limits
            )
            for view in (0, 1)
        ],
    )
    rig.set_binary_blob(data)
    rig.save_binary(str(path))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speech: Path) -> Path:
    """A folder with the files that the pages name, as the current one."""
    samples, sample_rate = soundfile.read(speech, dtype="float32")
    (tmp_path / "lines").mkdir()
    (tmp_path / "take").mkdir()
    for name in ("line.wav", "lines/one.wav", "lines/two.wav", "take/audio.wav"):
        soundfile.write(tmp_path / name, samples[: sample_rate // 2], sample_rate)
    save_rig(tmp_path / "hero.glb", (*BLENDSHAPES, "Blink_L", "Mouth_A", "Mouth_O", "Happy"))
    save_rig(
        tmp_path / "avatar.glb",
        (*load_retarget_map("vrm1").names, *load_retarget_map("ready_player_me").names),
    )
    frame = {"frame_index": 0, "timestamp": 0.0, "blendshapes": [0.1] * len(BLENDSHAPES)}
    frames = [frame | {"frame_index": k, "timestamp": k / 30} for k in range(15)]
    text = "".join(json.dumps(line) + "\n" for line in frames)
    for name in ("face.jsonl", "line.jsonl", "take/blendshapes.jsonl"):
        (tmp_path / name).write_text(text, "utf-8")
    maps = [block for block in blocks(DOCS / "how-to/retarget-maps-and-presets.md", "json")]
    (tmp_path / "hero.json").write_text(maps[0], "utf-8")
    (tmp_path / "edits.csv").write_text(blocks(DOCS / "how-to/edits.md", "text")[0], "utf-8")
    Animation(np.arange(15) / 30, np.zeros((15, 52), np.float32)).save(tmp_path / "face.csv")
    for name in OWN_MODELS:
        shutil.copy(ROOT / "python/koemorph/models/koemorph-30-fast.onnx", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    generated = [
        line[1:] for line in (ROOT / ".gitignore").read_text().splitlines() if "docs/" in line
    ]
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        # The README is also PyPI's page, where only absolute links work.
        own = re.fullmatch(rf"https://{OWN_FILES}(.+)", target)
        if not own and re.match(r"https?:|mailto:", target):
            continue
        path = ROOT / own[1] if own else (page.parent / target).resolve()
        made = path.is_relative_to(ROOT) and path.relative_to(ROOT).as_posix().startswith(
            tuple(generated)
        )
        assert path.exists() or made, f"{name_of(page)} links to {target}"


def test_the_page_on_pypi_has_absolute_links() -> None:
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith("https://")] == []


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=name_of)
def test_python_blocks_run(page: Path, workplace: Path) -> None:
    names: dict[str, Any] = {"chunk": np.zeros(2400, np.int16), "playback_time": 0.05}
    for block in blocks(page, "python"):
        exec(compile(block, name_of(page), "exec"), names)


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=name_of)
def test_commands_run(page: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A program on the path may open the page in a browser.
    for arguments in commands(page):
        kept = [argument for argument in arguments if argument != "--open"]
        status = cli.main(args=kept, prog_name="koemorph", standalone_mode=False)
        assert not status, f"{shlex.join(arguments)}: {capsys.readouterr()}"


def options_of(arguments: list[str]) -> set[str]:
    """Return the option names of a command given as `animate`, `dataset check`, ..."""
    command: click.Command = cli
    context = click.Context(cli)
    for name in arguments:
        if not isinstance(command, click.Group):
            break
        inner = command.get_command(context, name)
        assert inner is not None, f"koemorph {' '.join(arguments)}: there is no command {name}"
        command = inner
    return {option for each in command.params for option in each.opts + each.secondary_opts}


def test_documented_options_exist() -> None:
    pytest.importorskip("torch")  # of the commands of koemorph.training
    pages = [*LINKED, *sorted(DOCS.rglob("*.md"))]
    for page in sorted({*pages} - {DOCS / "reference/command-line.md"}):
        text = page.read_text("utf-8").replace("\\\n", " ")
        # A command ends with its line, its code span, or where a shell passes its output on.
        for found in re.findall(r"(?:^|[`|] ?)koemorph ([a-z][^`|#>\n]*)", text, re.MULTILINE):
            words = found.split()
            named = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
            unknown = named - options_of(words) - {"--help", "--version"}
            assert not unknown, f"{name_of(page)}: koemorph {found.strip()}: {sorted(unknown)}"


def test_json_examples_are_a_map_and_a_preset() -> None:
    page = DOCS / "how-to/retarget-maps-and-presets.md"
    kinds = [json.loads(block)["koemorph"] for block in blocks(page, "json")]
    assert kinds == ["retarget", "preset"]


@pytest.mark.slow
def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    for module in ("mkdocs", "material", "mkdocstrings", "mkdocs_static_i18n", "omegaconf"):
        pytest.importorskip(module)
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for page in ("index.html", "ja/index.html", "reference/c-api/index.html"):
        assert (tmp_path / "site" / page).is_file()
