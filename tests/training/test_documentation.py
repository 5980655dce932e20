"""Every training setting that the documentation names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from koemorph.training.settings import compose_config
from koemorph.training.values import BY_SOURCE

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


@pytest.fixture(scope="module")
def settings() -> DictConfig:
    return compose_config([])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_documented_settings_exist(page: Path, settings: DictConfig) -> None:
    missing = object()
    names = [name for name in SETTING.findall(page.read_text("utf-8")) if name[-3:] != ".py"]
    for name in names:
        by_source = name.rpartition(".")[0] in BY_SOURCE
        found = OmegaConf.select(settings, name, default=missing) is not missing
        assert found or by_source, f"{name} is not a setting"
