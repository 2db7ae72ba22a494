"""The studio stays small enough to be read, and to be sent: no framework, no build step."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STUDIO = REPOSITORY / "service" / "studio"
MODULES = sorted(STUDIO.glob("*.js"))
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


def test_every_sample_is_on_the_page_and_says_whose_it_is() -> None:
    page = (STUDIO / "index.html").read_text(encoding="utf-8")
    _, _, credits_and_more = (REPOSITORY / "NOTICE").read_text(encoding="utf-8").partition("sample pictures")
    credit, _, _ = credits_and_more.partition("The studio's backgrounds")
    for sample in (STUDIO / "samples").iterdir():
        assert f'src="studio/samples/{sample.name}"' in page
        assert re.search(rf"\b{sample.stem}\b", credit), sample.name
