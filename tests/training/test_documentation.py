"""Every training setting that the documentation names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from koemorph.training.ranges import all_settings

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "docs" / "reference" / "training-settings.md"
HISTORY = ("research", "migrate.md")  # name settings that are gone
PAGES = [
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("python/**/*.md"), *(ROOT / "docs").rglob("*.md")]
    if page != GENERATED and not {*page.parts} & {*HISTORY}
]
SETTING = re.compile(
    r"(?<![\w/.])((?:data|features|loss|model|training)\.[a-z_]+(?:\.[a-z_]+)*)(?=[=`])"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_documented_settings_exist(page: Path) -> None:
    settings = all_settings()
    by_source = {key for key, setting in settings.items() if isinstance(setting.default, dict)}
    names = [name for name in SETTING.findall(page.read_text("utf-8")) if name[-3:] != ".py"]
    unknown = [
        name for name in names if name not in settings and name.rpartition(".")[0] not in by_source
    ]
    assert not unknown
