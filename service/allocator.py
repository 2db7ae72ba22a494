"""Keeps glibc's malloc from hoarding the memory of pictures. Does nothing on other systems."""

import ctypes
import ctypes.util
import platform
from collections.abc import Mapping

M_TRIM_THRESHOLD = -1  # malloc.h
M_MMAP_THRESHOLD = -3

MMAP_THRESHOLD_BYTES = 1 << 20

KEPT_BLOCK_BYTES = 32 << 20
"""glibc takes no larger threshold."""

KEPT_BYTES = 64 << 20


def return_large_blocks() -> bool:
    """From now on a block of a megabyte or more goes back to the system as soon as it is freed. False where not glibc.

    glibc raises that threshold to as much as 32 MB by itself; pictures then come from arenas, which fragment. In 4
    minutes of benchmarks/soak.py the service grew from 586 to 764 MB; with this it stayed at 105 MB (2026-11-22). It
    costs page faults, about 8% of the time that pixels take.
    """
    return _set({M_MMAP_THRESHOLD: MMAP_THRESHOLD_BYTES})


def keep_blocks() -> bool:
    """From now on freed blocks stay with the process, up to `KEPT_BYTES`, for those that compute the same again and
    again. False where not glibc.

    It reaches these thresholds by itself only after large blocks were freed; until then each forward asks the system
    for the same pages again. The selfie network took 5.3 instead of 6.6 ms (benchmarks/selfie.py, one thread of an AMD
    EPYC (Zen 4), busy with other work as well, 2026-11-25).
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
