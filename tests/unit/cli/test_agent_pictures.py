"""Results that an agent wants in files: none takes the place of another, and none is there in part."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.mcp.pictures import save
from service.errors import BadOption

pytestmark = pytest.mark.anyio

ON_A_FULL_DISK = """
import asyncio, resource, sys
from service.cli.mcp.pictures import save
from service.errors import BadOption
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    asyncio.run(save(bytes(1000), sys.argv[1]))
except BadOption as refusal:
    print(refusal.detail)
"""


async def test_a_result_does_not_take_the_place_of_a_file(tmp_path: Path) -> None:
    place = str(tmp_path / "cutout.png")
    assert await save(b"first", place) == place
    with pytest.raises(BadOption, match="is there already"):
        await save(b"second", place)
    assert (tmp_path / "cutout.png").read_bytes() == b"first"


def test_of_a_result_that_does_not_fit_nothing_is_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path / "cutout.png")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("save_to: ")
    assert list(tmp_path.iterdir()) == []
