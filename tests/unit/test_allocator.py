"""Memory that pictures took is given back."""

import platform
import subprocess
import sys

import pytest

STORY = """
import psutil, service.allocator as allocator
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
