"""The README must not fall behind the code."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.doors import DOORS
from service.operations import OPERATIONS
from service.settings import REPOSITORY_STORE, Settings

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_in_the_list_of_them(name: str) -> None:
    assert f"| `SILHOUETTE_{name.upper()}` |" in SETTINGS


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


def told_commands() -> Iterator[tuple[str, str]]:
    """Lines of pages, code and the studio that say what pip is to install, by their file."""
    for folder in ("service", "docs", "deploy", "clients", "examples"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in {".py", ".md", ".html", ".js", ".yaml"}:
                lines = path.read_text(encoding="utf-8").splitlines()
                yield from ((str(path), line) for line in lines if "pip install" in line)


def test_nobody_is_told_to_install_what_pypi_calls_silhouette() -> None:
    """It is somebody else's: ours is installed from its folder."""
    told = [*told_commands()]
    assert len(told) > 5
    assert [each for each in told if re.search(r"install\b.*[ '\"]silhouette\b(?!_client)", each[1])] == []


DOCS = REPOSITORY / "docs"
LIST_OF_PAGES = (DOCS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_every_page_is_in_the_list_of_pages(page: Path) -> None:
    assert page.name == "README.md" or f"| [{page.name}]({page.name}) |" in LIST_OF_PAGES


def test_every_extra_that_is_not_for_tests_is_explained() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", LIST_OF_PAGES, re.MULTILINE)) == set(extras) - {"doors", "test", "dev"}


def test_every_dependency_says_what_it_is_for() -> None:
    """But for our own extras, whose members say it."""
    lines = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8").partition("[project.scripts]")[0].splitlines()
    named = [line for line in lines if re.match(r' +"[a-zA-Z]', line) and not re.match(r' +"silhouette\[', line)]
    assert len(named) > 50
    assert [line for line in named if "  # " not in line and ", # " not in line] == []
