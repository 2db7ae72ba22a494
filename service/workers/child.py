"""A child process of the service and the pipe to it. Blocking: it is called on threads, see `Shared.call`."""

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psutil

from service.configuration_errors import WorkerFailed
from service.workers.channel import Caller, Message, WorkerConfused, WorkerSilent
from service.workers.lifetime import signals_blocked
from service.workers.worker import WorkerDied

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

START_TIMEOUT_S = 600.0
"""Large models on a cold disk, and a GPU that wakes up, take minutes."""

STOP_TIMEOUT_S = 5.0


class ChildProcess:
    """One process, from its start to its end; it is not started twice.

    Whoever made one calls `stop` in the end, whatever `start` came to: only then are its memory and its pipe free.
    """

    stop_timeout_s = STOP_TIMEOUT_S
    """Until it is killed."""

    def __init__(self) -> None:
        self.pid = 0
        """0 before it was started."""
        self._process_info: psutil.Process | None = None
        """By another name than multiprocessing's, which takes it for dead where the process that forked it is."""
        self._unwanted = threading.Event()
        self._starting = threading.Lock()
        """Held while the process is made, which takes seconds where it is forked from one that is still importing; and
        while ends of the pipe are closed: what two threads close at once is closed twice, and may be another's by then.
        """
        self._is_over = False
        self._ending = threading.Lock()
        """Held by the first thread that ends it, until it has ended."""
        self._lock = threading.Lock()
        """Held while the process is killed, or its place given up: `kill` comes from any thread."""

    def _make_process(
        self, context: "SpawnContext | ForkServerContext", target: Callable[..., None], *arguments: Any
    ) -> None:
        """Not started yet, with a pipe to it, whose far end is the target's first argument. Raises OSError."""
        near_end, self._far_end = context.Pipe()
        self._caller = Caller(near_end)
        self._process = context.Process(target=target, args=(self._far_end, *arguments), daemon=True)

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process dies."""
        return self._process.sentinel

    @property
    def rss_bytes(self) -> int:
        """Resident memory; 0 where the process is gone."""
        try:
            rss: int = self._process_info.memory_info().rss if self._process_info is not None else 0
        except psutil.Error:
            return 0
        return rss

    def _launch(self) -> Message:
        """Start the process, and wait for its first message. Raises WorkerDied, WorkerFailed, OSError."""
        with self._starting, signals_blocked():
            if self._unwanted.is_set():
                raise WorkerFailed("stopped before it was started")
            self._process.start()
            self.pid = self._process.pid or 0
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
                self._process_info = psutil.Process(self.pid)
            # Ours must be the only open copy of this end, or the death of the worker would not close the pipe.
            self._hand_over()
        if self._unwanted.is_set():  # said while the process was being made
            self.kill()
        return self.reply_of(self._caller, START_TIMEOUT_S)

    def stop(self) -> None:
        """Ask the process to end, and make it end. Frees all that it took. Whoever comes second finds nothing to do."""
        with self._ending:
            if self._is_over:
                return
            with self._starting:
                self._unwanted.set()
                self._hang_up()
                self._far_end.close()
            if self.pid:
                self._process.join(self.stop_timeout_s)
                self.kill()
                self._process.join()
            with self._lock:
                self._process.close()
                self._is_over = True
            self._free()

    def kill(self) -> None:
        """At once; a thread that waits for it gets WorkerDied, or WorkerFailed where it starts."""
        self._unwanted.set()
        with self._lock:
            if not self._is_over and self._process_info is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._process_info.kill()

    def _greeted(self) -> Message:
        """Launches it. Raises WorkerFailed with the process' own reason."""
        try:
            greeting = self._first_greeting()
        except WorkerDied as death:
            how = "hung" if death.cause == "hang" else "died"
            raise WorkerFailed(f"a worker {how} while it loaded its models{self._exit_reason()}") from None
        except (OSError, EOFError) as error:  # the latter from what it was to be forked from
            raise WorkerFailed(f"a worker process could not be started: {error}") from error
        if reason := greeting.get("failed"):
            raise WorkerFailed(reason)
        return greeting

    def _first_greeting(self) -> Message:
        return self._launch()

    def reply_of(self, caller: Caller, timeout_s: float) -> Message:
        """Raises WorkerDied, and the process is killed then."""
        try:
            return caller.reply(timeout_s)
        except WorkerSilent as error:
            self.kill()  # a hang is a crash
            raise WorkerDied("hang", on_board=True) from error
        except (WorkerConfused, EOFError, OSError) as error:
            self.kill()
            raise WorkerDied("crash", on_board=True) from error

    def _exit_reason(self) -> str:
        try:
            self._process.join(STOP_TIMEOUT_S)
            return f" (exit code {self._process.exitcode})"
        except ValueError:  # it was stopped, and its process closed, by another thread
            return ""

    def _hand_over(self) -> None:
        """What is the process' own now is closed here."""
        self._far_end.close()

    def _hang_up(self) -> None:
        """The process sees that it may end."""
        self._caller.close()

    def _free(self) -> None:
        """What the process had with the service in common."""
