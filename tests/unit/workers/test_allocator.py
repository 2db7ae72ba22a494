"""Memory that pictures took comes in large pages, and is given back."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from service.workers.allocator import TRANSPARENT_HUGE_PAGES

STORY = """
import psutil, service.workers.allocator as allocator
assert allocator.return_large_blocks()
rss = psutil.Process().memory_info
blocks = [bytearray(b"x" * 8_000_000) for _ in range(20)]
del blocks[::2]  # every second one: an arena could not shrink
before = rss().rss
blocks.clear()
print(before - rss().rss)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other allocators than glibc's give memory back by themselves"
)
def test_freed_pictures_leave_the_process() -> None:
    said = subprocess.run([sys.executable, "-c", STORY], capture_output=True, text=True, check=True).stdout
    assert int(said) > 70_000_000


AGAIN = """
import os, sys
from service.workers.allocator import start_again_with_huge_pages
start_again_with_huge_pages()
print(os.getpid(), os.environ.get("GLIBC_TUNABLES"), *sys.argv[1:])
"""


def started(program: Path, tunables: str) -> tuple[int, list[str]]:
    """The id of the process that was started, and what it said."""
    program.write_text(AGAIN)
    command = [sys.executable, str(program), "two words", "-x"]
    environment = {**os.environ, "GLIBC_TUNABLES": tunables}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate(timeout=180)
    assert process.returncode == 0
    return process.pid, said.split()


@pytest.mark.skipif(
    not TRANSPARENT_HUGE_PAGES.exists() or "[madvise]" not in TRANSPARENT_HUGE_PAGES.read_text(),
    reason="huge pages are not to be had by asking for them here",
)
def test_the_same_process_starts_again_with_huge_pages_and_the_same_arguments(tmp_path: Path) -> None:
    pid, said = started(tmp_path / "program.py", "glibc.malloc.perturb=0")
    assert said == [str(pid), "glibc.malloc.perturb=0:glibc.malloc.hugetlb=1", "two", "words", "-x"]


def test_who_has_said_something_about_huge_pages_is_not_overruled(tmp_path: Path) -> None:
    pid, said = started(tmp_path / "program.py", "glibc.malloc.hugetlb=0")
    assert said == [str(pid), "glibc.malloc.hugetlb=0", "two", "words", "-x"]
