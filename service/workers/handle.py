"""The service's side of one worker process. Blocking: it is called on threads, see `Shared.call`."""

import contextlib
import logging
import multiprocessing
import signal
import sys
import threading
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, Literal

import psutil

from service.configuration_errors import WorkerFailed
from service.errors import ModelFailed, OutOfDeviceMemory
from service.models.labels import Scores
from service.queue.batcher import Ticket
from service.telemetry.log import FIELDS
from service.workers.channel import Caller, Message, WorkerConfused, WorkerSilent
from service.workers.plan import WorkerPlan
from service.workers.process import SERVICE_SIGNALS, run_worker
from service.workers.slots import Slots

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 600.0
"""Large models on a cold disk, and a GPU that wakes up, take minutes."""

STOP_TIMEOUT_S = 5.0

TEMPLATE = "service.workers.template"
"""What workers on a CPU are forked from."""

DeathCause = Literal["crash", "hang", "poisoned"]


class WorkerDied(Exception):
    """The process is gone, or of no more use and was killed."""

    def __init__(self, cause: DeathCause, *, on_board: bool) -> None:
        super().__init__(cause)
        self.cause: DeathCause = cause
        self.on_board = on_board
        """Whether the batch had reached it, and so may be what killed it."""


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """A new process inherits this: Ctrl-C, which a terminal sends to all, must not hit it while it imports.

    The worker unblocks them once it ignores them.
    """
    resource_tracker.ensure_running()  # multiprocessing's; else it starts in here, and unblocks them when it has
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SERVICE_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context(device: str) -> "SpawnContext | ForkServerContext":
    """How a worker's process is made. CUDA does not survive a fork, nor do macOS' own libraries."""
    if device != "cpu" or sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([TEMPLATE])
    return context


@dataclass(frozen=True)
class BatchRun:
    """The scores of each image, in order, and how long the worker took for all."""

    scores: list[Scores]
    infer_s: float


class WorkerHandle:
    """One worker process, from its start to its end; it is not started twice.

    Whoever made one calls `stop` in the end, whatever `start` came to: only then are its memory and its pipe free.
    """

    def __init__(self, plan: WorkerPlan) -> None:
        """Raises WorkerFailed where there is no memory or no pipe for it."""
        self.plan = plan
        self._cards = {model.card.key: model.card for model in plan.models}
        with contextlib.ExitStack() as taken:
            try:
                self._slots = Slots.create(list(self._cards.values()), plan.max_batch_size)
                taken.callback(self._slots.close)
                self._make_process(plan)
            except OSError as error:
                raise WorkerFailed(f"no shared memory or pipe for a worker: {error}") from error
            taken.pop_all()
        self.pid = 0
        """0 before it was started."""
        self._worker: psutil.Process | None = None
        """By another name than multiprocessing's, which takes it for dead where the process that forked it is."""
        self.device = plan.device
        self.device_memory_bytes = 0
        self.batches = 0
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

    def _make_process(self, plan: WorkerPlan) -> None:
        """Not started yet, with a pipe to it."""
        context = _context(plan.device)
        near_end, self._far_end = context.Pipe()
        self._caller = Caller(near_end)
        self._process = context.Process(target=run_worker, args=(plan, self._far_end, self._slots), daemon=True)

    @property
    def models(self) -> Container[str]:
        """What it can run, by the keys of cards."""
        return self._cards.keys()

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process dies."""
        return self._process.sentinel

    @property
    def rss_bytes(self) -> int:
        """Resident memory; 0 where the process is gone."""
        try:
            rss: int = self._worker.memory_info().rss if self._worker is not None else 0
        except psutil.Error:
            return 0
        return rss

    def start(self) -> dict[str, float]:
        """Returns when every model is loaded and warmed up: what one image took, in seconds, by model.

        Raises WorkerFailed with the worker's own reason.
        """
        try:
            greeting = self._launch()
            if cause := greeting.get("not_recorded"):
                logger.warning("worker without CUDA graphs", extra={FIELDS: {"pid": self.pid, "cause": cause}})
                greeting = self._launch_without_graphs()
        except WorkerDied as death:
            how = "hung" if death.cause == "hang" else "died"
            raise WorkerFailed(f"a worker {how} while it loaded its models{self._exit_reason()}") from None
        except OSError as error:
            raise WorkerFailed(f"a worker process could not be started: {error}") from error
        if reason := greeting.get("failed"):
            raise WorkerFailed(reason)
        self.device = greeting["device"]
        warm_s: dict[str, float] = greeting["warm_s"]
        return warm_s

    def _launch(self) -> Message:
        """Start the process, and wait for its first message. Raises WorkerDied, WorkerFailed, OSError."""
        with self._starting, signals_blocked():
            if self._unwanted.is_set():
                raise WorkerFailed("stopped before it was started")
            self._process.start()
            self.pid = self._process.pid or 0
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
                self._worker = psutil.Process(self.pid)
            # Ours must be the only open copy of this end, or the death of the worker would not close the pipe.
            self._far_end.close()
        if self._unwanted.is_set():  # said while the process was being made
            self.kill()
        return self._reply(START_TIMEOUT_S)

    def _launch_without_graphs(self) -> Message:
        """Again, in a process that did not try: a failed recording may leave torch or the device in disorder."""
        with self._starting:
            if not self._unwanted.is_set():
                self._caller.close()
                self._process.kill()
                self._process.join()
                with self._lock:
                    self._process.close()
                    self._make_process(replace(self.plan, cuda_graphs=False))
        return self._launch()

    def run(self, batch: Sequence[Ticket], timeout_s: float, threads: int = 1) -> BatchRun:
        """One model's tickets, in their order, on so many threads of a CPU.

        Raises WorkerDied, also where the worker is still silent after `timeout_s` and was killed for it; ModelFailed
        with the cause; OutOfDeviceMemory.
        """
        card = self._cards[batch[0].model]
        for slot, ticket in enumerate(batch):
            self._slots.pixels(card, slot)[:] = ticket.pixels
        answer = self._ask(timeout_s, model=card.key, count=len(batch), threads=threads)
        self.batches += 1
        self._raise_error(answer)
        scores = [self._slots.scores(card, slot).copy() for slot in range(len(batch))]
        return BatchRun(scores, answer["infer_s"])

    def ping(self, timeout_s: float) -> None:
        """Raises WorkerDied where the worker does not answer in time, or its device does not compute any more."""
        self._raise_error(self._ask(timeout_s, ping=True))

    def stop(self) -> None:
        """Ask the worker to end, and make it end. Frees all that it took. Whoever comes second finds nothing to do."""
        with self._ending:
            if self._is_over:
                return
            with self._starting:
                self._unwanted.set()
                self._caller.close()
                self._far_end.close()
            if self.pid:
                self._process.join(STOP_TIMEOUT_S)
                self.kill()
                self._process.join()
            with self._lock:
                self._process.close()
                self._is_over = True
            self._slots.close()

    def kill(self) -> None:
        """At once; a thread that waits in `run` or `start` gets WorkerDied, WorkerFailed."""
        self._unwanted.set()
        with self._lock:
            if not self._is_over and self._worker is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._worker.kill()

    def _ask(self, timeout_s: float, **request: Any) -> Message:
        try:
            self._caller.ask(**request)
        except OSError as error:
            raise WorkerDied("crash", on_board=False) from error
        answer = self._reply(timeout_s)
        self.device_memory_bytes = answer["device_memory_bytes"]
        return answer

    def _reply(self, timeout_s: float) -> Message:
        try:
            return self._caller.reply(timeout_s)
        except WorkerSilent as error:
            self.kill()  # a hang is a crash
            raise WorkerDied("hang", on_board=True) from error
        except (WorkerConfused, EOFError, OSError) as error:
            self.kill()
            raise WorkerDied("crash", on_board=True) from error

    def _raise_error(self, answer: Message) -> None:
        match answer.get("error_kind"):
            case "memory":
                raise OutOfDeviceMemory
            case "poisoned":
                self.kill()
                raise WorkerDied("poisoned", on_board=True)
            case "model":
                raise ModelFailed(answer["error"])

    def _exit_reason(self) -> str:
        try:
            self._process.join(STOP_TIMEOUT_S)
            return f" (exit code {self._process.exitcode})"
        except ValueError:  # it was stopped, and its process closed, by another thread
            return ""
