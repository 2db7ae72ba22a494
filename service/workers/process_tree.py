"""A process and all below it, which somebody else may be ending at the same moment."""

import contextlib
from collections.abc import Iterable

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """The process, and then all below it; empty where it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def below(pid: int) -> list[psutil.Process]:
    return tree(pid)[1:]


def kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
