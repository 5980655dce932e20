"""The repository uses the terms of docs/glossary.md: replaced names and words do not return."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
C = {".c", ".cc", ".cpp", ".cs", ".h", ".hpp"}
SCRIPTS = {".gd", ".html", ".js", ".py", ".pyi"}
SETTINGS = {".cff", ".cmake", ".json", ".toml", ".txt", ".yaml", ".yml"}
PAGES = {".ipynb", ".md"}
CODE = C | SCRIPTS | SETTINGS
ALL = CODE | PAGES

# A log of past experiments, the sentences that voices speak, and this list.
EXEMPT = (
    "docs/research/",
    "tests/python/test_terminology.py",
    "training/recipes/koemorph/sentence_generator.py",
)

# Regular expressions, matched within a line, by the kinds of files that must not contain them.
FORBIDDEN = [
    # C API and C++ core
    (ALL, r"koemorph_crowd|\bCrowd\b|crowd\.(py|cc|h)\b|\bcrowd\("),
    (ALL, r"keep_seconds|keepSeconds|KeepSeconds"),
    (ALL, r"KOEMORPH_COEFFICIENT|koemorph_coefficient|coefficient_name"),
    (ALL, r"koemorph_stream_tap|koemorph_stage|KOEMORPH_STAGE"),
    (ALL, r"koemorph_stream_(relax|resume)|\bstream\.(relax|resume)\b|\bRelax\b"),
    (CODE, r"\bglide(_seconds)?\s*[:=]|\"glide\"|controls\.glide|[gG]lideSeconds"),
    (CODE, r"\bHandover\b|\bRecall\b|\bGathering\b|\bquiet_room\b|\bevery_cpu\b|\blife\.h\b"),
    (CODE, r"\bfelt\b|\bfeels_anew\b|\blead_on\b|\bend_before\b|\basking_|\bheard_\b"),
    (C, r"\b(Blocks|Devices|Door|Life|Visit) [a-z_]+;|class (Blocks|Devices|Door|Life|Visit)\b"),
    # Python, training, command line
    (CODE, r"\blearn_only\b|\bknown_mean\b|\brehearse\b|\bLesson\b|\bManner\b"),
    (SCRIPTS, r"\bdef (deliver_all|everywhere|hear|speak|worsen)\b|\bspare\b"),
    (ALL, r"--again\b|--keep-seconds\b|--glide\b"),
    (SCRIPTS, r"\bkoemorph\.egemaps\("),
    # ONNX inputs and outputs of earlier file formats
    (ALL, r"\bpooled_past\b|\bfeeling_in\b|\bfeeling_out\b|\bpast_in\b|\bpresent_out\b"),
    # Words
    (ALL - {".ipynb"}, r"\b(feels?|forgets?|forgot|remembers?|remembered) "),
    (PAGES, r"\b(KoeMorph|library|model|network|program|stream) (hears|knows|says|speaks|tells)\b"),
    (ALL, r"\banew\b|\bwhoever\b"),
]


def tracked_files() -> list[Path]:
    """Return the text files under version control that the rules apply to."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    names = [name for name in listed.split("\0") if name and not name.startswith(EXEMPT)]
    return [ROOT / name for name in names if Path(name).suffix in ALL and (ROOT / name).is_file()]


def test_replaced_terms_do_not_return() -> None:
    rules = [(suffixes, re.compile(pattern)) for suffixes, pattern in FORBIDDEN]
    found = []
    for path in tracked_files():
        applicable = [pattern for suffixes, pattern in rules if path.suffix in suffixes]
        text = path.read_text("utf-8")
        if not any(pattern.search(text) for pattern in applicable):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found += [
                f"{path.relative_to(ROOT)}:{number}: {match[0]}"
                for pattern in applicable
                if (match := pattern.search(line))
            ]
    assert not found, "use the terms of docs/glossary.md:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    ["koemorph_crowd_create", "keep_seconds=10", "controls.glide", "--again", "class Recall;"],
)
def test_replaced_terms_are_detected(text: str) -> None:
    assert any(re.search(pattern, text) for suffixes, pattern in FORBIDDEN if ".py" in suffixes)
