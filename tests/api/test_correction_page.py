"""The commands of docs/correction.md, as they stand there."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.pictures import encoded, painted, pixels

PAGE = Path(__file__).parents[2] / "docs" / "correction.md"
COMMANDS = [
    command.replace("\\\n", " ")
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for command in re.split(r"\n(?=curl )", block.strip())
]


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 6


@pytest.fixture
def files() -> dict[str, bytes]:
    """What the commands name."""
    stroke = Image.new("L", (100, 60))
    stroke.paste(255, (10, 5, 20, 10))
    kept = encoded(stroke)
    return {"photo.jpg": encoded(painted()), "keep.png": kept, "remove.png": encoded(stroke.rotate(180))}


def test_each_command_runs_with_what_the_ones_before_it_made(client: TestClient, files: dict[str, bytes]) -> None:
    for command in COMMANDS:
        words = shlex.split(command)
        fields = [words[place + 1].split("=", 1) for place, word in enumerate(words) if word == "-F"]
        (path,) = (word.partition(":8000")[2] for word in words if word.startswith("http"))
        pictures = {name: (value[1:], files[value[1:]]) for name, value in fields if value.startswith("@")}
        options = {name: value for name, value in fields if not value.startswith("@")}
        answer = client.post(path, files=pictures, data=options)
        assert answer.status_code == 200, (command, answer.text)
        files[words[words.index("-o") + 1]] = answer.content
    assert pixels(files["better.png"])[15, 30] == 255
