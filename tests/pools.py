"""A queue with real worker processes of the tiny networks, and the few things that tests do to them."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from service.models.store import ModelCard, ModelStore
from service.queue.batcher import Batcher
from service.queue.schedule import BatchPolicy
from service.queue.ticket import Outcome
from service.settings import Settings, read_settings
from service.telemetry.metrics import Metrics
from service.workers.local.forking import TEMPLATE
from service.workers.plan import WorkerPlan
from service.workers.pool import pool_of
from tests.fakes import make_store, tiny_families

PATIENCE_S = 180.0
"""How long a test waits for what must happen; a worker takes 2 to 4 seconds to start on a small, idle machine."""

DRAIN_S = 10.0

SETTLING_S = 5.0
"""After which what is still there has been left behind."""


def tiny_plan(folder: Path) -> WorkerPlan:
    """Of one worker that takes up to two images at once, with a model store in `folder`."""
    store = ModelStore(make_store(folder))
    cards = [store.card(name) for name in ("tiny-subject", "tiny-classes")]
    return WorkerPlan("cpu", 1, 1, 2, [store.checkpoint(card) for card in cards], tiny_families)


class Service:
    """A queue and its workers."""

    def __init__(self, *plans: WorkerPlan, settings: Settings | None = None) -> None:
        settings = settings or read_settings(pool="local")
        self.metrics = Metrics()
        self.batcher = Batcher(BatchPolicy(plans[0].max_batch_size, None, 0), len(plans), self.metrics)
        self.pool = pool_of(settings, plans, self.batcher, self.metrics)
        self._cards: dict[str, ModelCard] = {}
        self.know(plans[0])

    def know(self, plan: WorkerPlan) -> None:
        """From now on its models can be asked."""
        self._cards |= {model.card.key: model.card for model in plan.models}

    def ask(self, color: tuple[int, int, int], model: str = "tiny-subject") -> "asyncio.Task[Outcome]":
        spec = self._cards[model].input
        return self.ask_about(np.full((spec.height, spec.width, 3), color, np.uint8), model)

    def ask_about(self, pixels: NDArray[np.uint8], model: str = "tiny-subject") -> "asyncio.Task[Outcome]":
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        return asyncio.ensure_future(self.batcher.predict(model, pixels, deadline))

    def restarts(self, cause: str) -> int:
        """How many workers have ended because of it."""
        line = f'silhouette_worker_restarts_total{{cause="{cause}"}} '
        (count,) = (each.removeprefix(line) for each in self.metrics.render().decode().splitlines() if line in each)
        return int(float(count))


@asynccontextmanager
async def running(*plans: WorkerPlan, drain_s: float = DRAIN_S) -> AsyncIterator[Service]:
    service = Service(*plans)
    try:
        await asyncio.wait_for(service.pool.start(), PATIENCE_S)
        yield service
    finally:
        await service.pool.stop(drain_s)


@asynccontextmanager
async def stopped_worker(service: Service) -> AsyncIterator[int]:
    """The only worker, which meanwhile takes a batch but cannot answer it."""
    (pid,) = service.pool.pids
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGCONT)


async def until(condition: Callable[[], bool]) -> None:
    """Looks again and again, after what was just asked has reached the queue; fails when it never comes true."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(0)
        while not condition():  # noqa: ASYNC110  # a process' state has no event to wait for
            await asyncio.sleep(0.01)


async def given_up(*calls: "asyncio.Task[Outcome]") -> list[Outcome | BaseException]:
    """What each call came to; CancelledError where nobody has answered it."""
    for call in calls:
        call.cancel()
    return await asyncio.gather(*calls, return_exceptions=True)


def slot_memory(pid: int | str = "self") -> list[str]:
    """The blocks of memory that the process shares with workers, as it has mapped them.

    A whole service of other tests may have its own in this process: `slots_added` counts from what was there before.
    """
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line for line in maps if "silhouette-slots" in line]


def slots_added() -> Callable[[], int]:
    """How many blocks there are beside those of now, whenever what this gives is called. Of those of now, what other
    tests have left may go at any time."""
    before = set(slot_memory())
    return lambda: len(set(slot_memory()) - before)


@contextlib.contextmanager
def leaking_nothing() -> Iterator[None]:
    """At the end of the block this process has no open files, shared memory and children beside those it had before.

    It may have fewer: what other tests have left is collected at any time. And a service of theirs that is alive in
    this process opens a file for a moment now and then: what stays is what counts.
    """
    forkserver.set_forkserver_preload([TEMPLATE])  # or else every worker from now on would import torch by itself
    for own in (resource_tracker, forkserver):  # multiprocessing's, which stay
        own.ensure_running()
    before = _held()
    yield
    gives_up_at = time.monotonic() + SETTLING_S
    while added := _held() - before:
        assert time.monotonic() < gives_up_at, added
        time.sleep(0.05)


def _held() -> Counter[str]:
    """Open files by what they are, blocks of shared memory by their addresses, and children by their ids."""
    return Counter([*open_files(), *slot_memory(), *(f"child {child.pid}" for child in psutil.Process().children())])


def open_files() -> Iterator[str]:
    """What each open file of this process is."""
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them, or one that was closed meanwhile
            yield os.readlink(file)
