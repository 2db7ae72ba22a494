"""Finds the compiled loops, if this machine can run them."""

import contextlib
import hashlib
import logging
import platform
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from service.kernels.loops import Kernels

logger = logging.getLogger(__name__)

LIBRARY = Path(__file__).with_name("linux-x86_64.so")
LIBRARY_SHA256 = "e46e57c97a95ddd32977c0c79410ea578b7be0c8a1ce61c5899b426d535c7c82"
"""Of what `loops.py` knows how to call; `make kernels` writes it here."""

NEEDED_FLAGS = {"avx2", "bmi1", "bmi2", "fma", "movbe", "f16c"}
"""Of the processor: the library was compiled for x86-64-v3, and would end the process of an older one."""

CPU_INFO = Path("/proc/cpuinfo")

_WITH_NUMPY = ContextVar("with_numpy", default=False)


@contextlib.contextmanager
def with_numpy() -> Iterator[None]:
    """Within this, the same is computed with numpy, as where the compiled loops do not run: to compare the two."""
    before = _WITH_NUMPY.set(True)
    try:
        yield
    finally:
        _WITH_NUMPY.reset(before)


def compiled_kernels() -> Kernels | None:
    """None where they were not compiled for this system or processor."""
    return None if _WITH_NUMPY.get() else _loaded()


@cache
def _loaded() -> Kernels | None:
    if not is_linux_on_x86_64() or not cpu_flags() >= NEEDED_FLAGS:
        return None
    return load(LIBRARY)


def load(file: Path) -> Kernels | None:
    """None where it is another library than this process began with."""
    return Kernels(file) if is_of_this_version(file, LIBRARY_SHA256) else None


def is_of_this_version(file: Path, sha256: str) -> bool:
    """Says no with a warning: a library that an upgrade under this process has put in its place takes other arguments,
    and would end the process.
    """
    if hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
        return True
    logger.warning("%s is of another version: slower until the service is started again", file.name)
    return False


def is_linux_on_x86_64() -> bool:
    return sys.platform == "linux" and platform.machine() == "x86_64"


def cpu_flags(cpu_info: Path = CPU_INFO) -> frozenset[str]:
    """What the processor can do, as Linux names it; nothing where that is not told."""
    try:
        lines = cpu_info.read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").partition(":")[2].split())
