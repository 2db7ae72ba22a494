"""The studio stays small enough to be read, and to be sent: no framework, no build step."""

import re
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).parents[2] / "service" / "studio").glob("*.js"))
LARGEST_BYTES = 150_000
"""Of code. What explains it to people is never run, and is not counted."""

COMMENT_LINE = re.compile(r"\s*(//|/\*\*|\*[ /])")
COMMENT_AT_THE_END = re.compile(r" +// .*$", re.MULTILINE)


def code_of(module: Path) -> str:
    lines = module.read_text(encoding="utf-8").splitlines(keepends=True)
    return COMMENT_AT_THE_END.sub("", "".join(line for line in lines if not COMMENT_LINE.match(line)))


def test_the_code_is_under_150_kb() -> None:
    sizes = {module.name: len(code_of(module).encode()) for module in MODULES}
    assert sum(sizes.values()) < LARGEST_BYTES, sizes


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_module_is_one_idea_in_under_300_lines(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) < 300
