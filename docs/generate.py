"""MkDocs hook: make the reference pages from the sources, so that they cannot differ from the code.

Generated pages: the command line (click), the C interface (koemorph.h), the controls
(`_native.control_info()`), the blend shapes, the training settings (training/config.py), the model
card, and the changelog and contributing guide of the repository's root.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/atsuki-ichikawa/KoeMorph/blob/main/"
HEADER = ROOT / "native" / "include" / "koemorph.h"
CONFIGS = ROOT / "training" / "configs"


def cell(text: str) -> str:
    """Return `text` as one Markdown table cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


# ---- command line ----------------------------------------------------------------------------


def _commands(
    group: click.Group, path: str, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield f"{path} {name}", command, inner
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}", inner)


def _options(command: click.Command, context: click.Context) -> str:
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            rows.append([f"`{record[0].replace('|', ' or ')}`", cell(record[1])])
    return table(["option", "meaning"], rows) if rows else ""


def command_line() -> str:
    """Return the page of all commands and options."""
    cli = importlib.import_module("koemorph.cli").cli
    context = click.Context(cli, info_name="koemorph")
    parts = [
        "# Command line",
        "`koemorph COMMAND --help` prints the same text. Exit code 0: success; 1: the command ran "
        "and found a problem (a file of a batch failed, a check failed); 2: wrong use or error.",
    ]
    for path, command, inner in _commands(cli, "koemorph", context):
        usage = " ".join(command.collect_usage_pieces(inner))
        help_text = (command.help or "").replace("\b", "").strip()
        parts += [f"## {path}", f"```\n{path} {usage}\n```", click.unstyle(help_text)]
        parts.append(_options(command, inner))
    parts += [
        "## python -m koemorph.train",
        "Train a model; the arguments are `key=value` overrides of the "
        "[training settings](training-settings.md).",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


# ---- C ---------------------------------------------------------------------------------------


def _plain(comment: str) -> str:
    """Return the text of a C comment without its stars."""
    lines = re.sub(r"^/\*+|\*+/$", "", comment.strip()).splitlines()
    return "\n".join(re.sub(r"^\s*\*? ?", "", line) for line in lines).strip()


def _declared_name(code: str) -> str:
    for pattern in (r"^#define (\w+)", r"}\s*(\w+);\s*$", r"(\w+)\s*\(", r"(\w+);\s*$"):
        found = re.search(pattern, code, re.MULTILINE)
        if found:
            return found.group(1)
    return ""


def c_interface() -> str:
    """Return the page of koemorph.h: every declaration below its comment."""
    text = HEADER.read_text("utf-8")
    intro = re.match(r"/\*.*?\*/", text, re.DOTALL)
    assert intro is not None
    parts = [
        "# C and C++",
        "The C header is `koemorph.h`. `koemorph.hpp` wraps it for C++17 with objects that own "
        "their handles. The text below is the header's.",
        "```text\n" + _plain(intro.group()) + "\n```",
    ]
    body = text[intro.end() :].split('extern "C" {', 1)[1].split("\n#endif\n", 1)[1]
    body = body.rsplit("#ifdef __cplusplus", 1)[0].replace("KOEMORPH_C_API ", "")
    blocks = re.split(r"(/\*\s*----.*?\*/)", body, flags=re.DOTALL)
    for block in blocks:
        heading = re.match(r"/\*\s*---- ([^-\n]+)", block)
        if heading:
            parts.append("## " + heading.group(1).strip().capitalize())
            continue
        for item in re.split(r"\n\s*\n", block.strip()):
            if not item.strip():
                continue
            comment = re.match(r"/\*.*?\*/", item, re.DOTALL)
            code = item[comment.end() :] if comment else item
            name = _declared_name(code.strip())
            if name:
                parts.append(f"### {name}")
            if comment:
                parts.append(cell(_plain(comment.group())).replace("\\|", "|"))
            if code.strip():
                parts.append("```c\n" + code.strip() + "\n```")
    return "\n\n".join(parts) + "\n"


# ---- tables ----------------------------------------------------------------------------------


def controls() -> str:
    """Return the page of controls: name, range, default, meaning."""
    native = importlib.import_module("koemorph._native")
    parts = [
        "# Controls",
        "Controls change how a stream moves a face. They are the members of `koemorph_controls` "
        "(C), the attributes of `koemorph.Controls` (Python) and the members of `controls` in a "
        "[preset](../how-to/retarget-maps-and-presets.md). Changes of a running stream take "
        "`transition_seconds`.",
    ]
    rows = [_control_row(info) for info in native.control_info()]
    parts.append(table(["control", "unit", "range", "default", "meaning"], rows))
    parts.append(
        "Controls marked * have one value per blend shape. Presets name the blend shapes: "
        '`"multiplier": {"jawOpen": 0.9}`.'
    )
    return "\n\n".join(parts) + "\n"


def _control_row(info: Any) -> list[str]:
    name = f"`{info.name}`" + (" \\*" if info.per_blendshape else "")
    span = f"{info.minimum:g} to {info.maximum:g}"
    return [name, info.unit, span, f"{info.default:g}", cell(info.description)]


def blendshapes() -> str:
    """Return the page of the 52 blend shapes in their order."""
    names = importlib.import_module("koemorph.blendshapes").BLENDSHAPES
    rows = [[str(index), f"`{name}`"] for index, name in enumerate(names)]
    return (
        "# Blend shapes\n\n`koemorph.BLENDSHAPES` (Python) and `koemorph_blendshape_name` (C) give "
        "this order. It is the order of Live Link Face. The names are Apple's.\n\n"
        + table(["index", "name"], rows)
    )


def training_settings() -> str:
    """Return the page of the training settings and of the files of their groups."""
    parts = [
        "# Training settings",
        f"[training/config.py]({REPOSITORY}training/config.py) defines all settings. Change one on "
        "the command line: `python -m koemorph.train data.batch_size=4`. Choose a file of a group "
        "of settings: `python -m koemorph.train data=koemorph_v1 experiment=fast`. An unknown name "
        "is an error.",
    ]
    groups: dict[str, list[list[str]]] = {}
    ranges = importlib.import_module("koemorph.training.ranges")
    for key, setting in ranges.all_settings().items():
        row = [
            f"`{key}`",
            f"`{ranges.as_yaml(setting.default)}`",
            cell(setting.range.words),
            cell(setting.help),
        ]
        groups.setdefault(key.split(".", maxsplit=1)[0] if "." in key else "run", []).append(row)
    for name, rows in groups.items():
        parts += [f"## {name}", table(["setting", "default", "values", "meaning"], rows)]
    parts.append("## Files of groups")
    for path in sorted(CONFIGS.glob("*/*.yaml")):
        name = path.relative_to(CONFIGS).with_suffix("").as_posix()
        parts += [f"### {name}", "```yaml\n" + path.read_text("utf-8").strip() + "\n```"]
    return "\n\n".join(parts) + "\n"


def root_page(name: str) -> Callable[[], str]:
    """Return a function that makes a page of a Markdown file, with absolute links."""

    def make() -> str:
        text = (ROOT / name).read_text("utf-8")
        return re.sub(r"\]\((?!https?:|#|mailto:)([^)]+)\)", rf"]({REPOSITORY}\1)", text)

    return make


PAGES: dict[str, Callable[[], str]] = {
    "reference/command-line.md": command_line,
    "reference/c-api.md": c_interface,
    "reference/controls.md": controls,
    "reference/blendshapes.md": blendshapes,
    "reference/training-settings.md": training_settings,
    "model-card.md": root_page("python/koemorph/models/MODEL_CARD.md"),
    "project/changelog.md": root_page("CHANGELOG.md"),
    "project/contributing.md": root_page("CONTRIBUTING.md"),
}


def on_pre_build(config: MkDocsConfig) -> None:
    """Write the generated pages; unchanged ones stay, so that `mkdocs serve` does not loop."""
    for name, make in PAGES.items():
        page = Path(config.docs_dir) / name
        text = make()
        if not page.is_file() or page.read_text("utf-8") != text:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, "utf-8")
