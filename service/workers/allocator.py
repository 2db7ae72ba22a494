"""How glibc's malloc takes and returns the memory of pictures. Does nothing on other systems."""

import ctypes
import ctypes.util
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

M_TRIM_THRESHOLD = -1  # malloc.h
M_MMAP_THRESHOLD = -3

MMAP_THRESHOLD_BYTES = 1 << 20

KEPT_BLOCK_BYTES = 32 << 20
"""glibc takes no larger threshold."""

KEPT_BYTES = 64 << 20

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb"
TRANSPARENT_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def return_large_blocks() -> bool:
    """From now on a block of a megabyte or more goes back to the system as soon as it is freed. False where not glibc.

    glibc raises that threshold to as much as 32 MB by itself; pictures then come from arenas, which fragment. In 4
    minutes of benchmarks/reliability/soak.py the service grew from 586 to 764 MB; with this it stayed at 105 MB
    (2026-11-22). It costs page faults, which huge pages make cheap.
    """
    return _set({M_MMAP_THRESHOLD: MMAP_THRESHOLD_BYTES})


def keep_blocks() -> bool:
    """From now on freed blocks stay with the process, up to `KEPT_BYTES`, for those that compute the same again and
    again. False where not glibc.

    It reaches these thresholds by itself only after large blocks were freed; until then each forward asks the system
    for the same pages again. The selfie network took 5.3 instead of 6.6 ms (benchmarks/speed/selfie.py, one thread of
    an AMD EPYC (Zen 4), busy with other work as well, 2026-11-25).
    """
    return _set({M_MMAP_THRESHOLD: KEPT_BLOCK_BYTES, M_TRIM_THRESHOLD: KEPT_BYTES})


def return_free_blocks() -> bool:
    """Once: what loading has left behind and nobody holds goes back to the system. False where there was nothing."""
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0))


def _set(options: Mapping[int, int]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(ctypes.util.find_library("c"))
    return all([libc.mallopt(option, value) for option, value in options.items()])


def start_again_with_huge_pages() -> None:
    """Becomes the same command once more, with a malloc that asks the kernel for pages of 2 MB where it takes as much.

    glibc reads that from the environment when a process starts, and at no other time. A picture of 12 megapixels has
    12,000 small pages, and touching them for the first time was most of the time that pixels take: docs/performance.md.
    Returns where huge pages are not to be had by asking, where GLIBC_TUNABLES says something about them already, and
    elsewhere than with glibc.
    """
    tunables = os.environ.get(TUNABLES, "")
    if platform.libc_ver()[0] != "glibc" or HUGE_PAGES in tunables or not _given_on_request():
        return
    os.environ[TUNABLES] = f"{tunables}:{HUGE_PAGES}=1".lstrip(":")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _given_on_request() -> bool:
    """`always [madvise] never`: the kernel gives huge pages to those who ask."""
    try:
        return "[madvise]" in TRANSPARENT_HUGE_PAGES.read_text()
    except OSError:
        return False
