"""The picture of the rooms and the page around it must not fall behind the code."""

import re

from scripts.architecture import PICTURE, REPOSITORY, House, Room, draw, read_house

PAGE = REPOSITORY / "docs" / "architecture.md"
SERVICE = REPOSITORY / "service"


def test_the_picture_shows_the_imports_as_they_are() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(read_house()), "run `make architecture`"


def test_every_import_between_rooms_has_its_dot_and_its_count() -> None:
    rooms = [Room("upper", 0, 2, "Above."), Room("middle", 1, 1, "Between."), Room("lower", 2, 3, "Below.")]
    picture = draw(House(rooms, {("upper", "lower"): 7, ("middle", "lower"): 1}))
    assert "<title>upper imports lower: 7</title>" in picture
    assert "<title>middle imports lower: 1</title>" in picture
    assert picture.count('class="dot"') == 2


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(\w+/[\w/]+\.(?:py|js))`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [name for name in named if not any((root / name).is_file() for root in (SERVICE, REPOSITORY))] == []
