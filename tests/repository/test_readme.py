"""The README must not fall behind the code."""

from pathlib import Path

import pytest

from service.operations import OPERATIONS
from service.settings import REPOSITORY_STORE, Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_in_the_table(name: str) -> None:
    assert f"| `SILHOUETTE_{name.upper()}` |" in README


@pytest.mark.parametrize("command", list(OPERATIONS))
def test_every_operation_is_in_the_table(command: str) -> None:
    assert f"`POST /{command}`" in README


@pytest.mark.parametrize("card", sorted(REPOSITORY_STORE.glob("*/card.toml")), ids=lambda path: path.parent.name)
def test_every_model_is_in_the_table(card: Path) -> None:
    assert f"| `{card.parent.name}`" in README
