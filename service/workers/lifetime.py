"""A child process of the service ends when the service says so, and with the service, however that dies."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import parent_process, resource_tracker
from multiprocessing.connection import wait

SERVICE_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The service's business: it answers what it accepted first, and then closes the pipe."""


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """A new process inherits this: Ctrl-C, which a terminal sends to all, must not hit it while it imports.

    The process unblocks them once it ignores them.
    """
    resource_tracker.ensure_running()  # multiprocessing's; else it starts in here, and unblocks them when it has
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SERVICE_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_signals_to_the_service() -> None:
    """Called first in a process that was made within `signals_blocked`."""
    for number in SERVICE_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SERVICE_SIGNALS)


def end_with_the_service(grace_s: float = 0.0) -> None:
    """From now on this process ends, whatever it does, so many seconds after the one that made it."""
    threading.Thread(target=_end_after_the_service, args=(grace_s,), daemon=True).start()


def _end_after_the_service(grace_s: float) -> None:
    service = parent_process()
    if service is not None:
        wait([service.sentinel])
        time.sleep(grace_s)
        os._exit(1)
