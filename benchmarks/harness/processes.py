"""A server's processes: the one that was started and all below it."""

import contextlib
from collections.abc import Sequence

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """The process and all below it; empty where it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
