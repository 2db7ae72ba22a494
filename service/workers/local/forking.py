"""How a worker's process is made: forked from a template where that is possible, and else from the beginning."""

import contextlib
import sys
from multiprocessing import get_context
from typing import TYPE_CHECKING

import psutil

from service.workers.process_tree import kill

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

TEMPLATE = "service.workers.local.template"
"""What workers on a CPU are forked from."""

FORK_SERVER = "multiprocessing.forkserver"
"""In the command of the process that has imported the template."""


def context_for(device: str) -> "SpawnContext | ForkServerContext":
    """CUDA does not survive a fork, nor do macOS' own libraries."""
    if device != "cpu" or sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([TEMPLATE])
    return context


def end_unused_template() -> None:
    """Where the template is still importing, or nobody needs it: nothing was forked from it that is still there.

    Whoever waits for a process from it gets EOFError or OSError. The next one who needs it has another one started.
    """
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if FORK_SERVER in " ".join(child.cmdline()) and not child.children():
                kill([child])
