"""The README must not fall behind the code."""

from pathlib import Path

import pytest

from service.doors import DOORS
from service.operations import OPERATIONS
from service.settings import REPOSITORY_STORE, Settings

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_in_the_table(name: str) -> None:
    assert f"| `SILHOUETTE_{name.upper()}` |" in README


@pytest.mark.parametrize("command", list(OPERATIONS))
def test_every_operation_is_in_the_table(command: str) -> None:
    assert f"`POST /{command}`" in README


@pytest.mark.parametrize("card", sorted(REPOSITORY_STORE.glob("*/card.toml")), ids=lambda path: path.parent.name)
def test_every_model_is_in_the_table(card: Path) -> None:
    assert f"| `{card.parent.name}`" in README


@pytest.mark.parametrize("name", DOORS)
def test_every_door_is_in_the_table_and_has_its_section(name: str) -> None:
    assert f"| `{name}` |" in README
    assert f"\n## {name}\n" in (REPOSITORY / "docs" / "doors.md").read_text(encoding="utf-8")
