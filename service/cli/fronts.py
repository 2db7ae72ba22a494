"""`silhouette serve` with several fronts: a supervisor, which has the queue and the workers, and its fronts.

What it guarantees: a front that dies is started again, and takes nobody else's requests along; none outlives the
supervisor; whoever tells the supervisor to stop stops all.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.exit_codes import FAILED
from service.cli.listening import bound_to_one
from service.cli.server import KILLED_BY_SIGNAL, SilhouetteServer, allow_connections, server_config
from service.configuration_errors import ConfigurationError
from service.engine.engine import Engine
from service.fronts.hub import Hub
from service.fronts.link import Link, RemotePool
from service.fronts.shares import settings_of_a_front
from service.jobs import DiskStore, StoreLimits
from service.jobs.scratch import ScratchFolder
from service.models.store import ModelCard
from service.queue.pixel_scheduler import PixelScheduler
from service.settings import Settings
from service.telemetry.log import FIELDS, configure_logging
from service.workers.allocator import return_large_blocks
from service.workers.backoff import Backoff
from service.workers.lifetime import SERVICE_SIGNALS, signals_blocked
from service.workers.machine import available_cores
from service.workers.plan import SegmenterFamilies
from service.workers.room import Machine, with_room

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

logger = logging.getLogger(__name__)

MAX_RESTART_DELAY_S = 10.0
SETTLED_S = 10.0
"""A front that lived for so long is started again at once."""

LAST_ANSWERS_S = 15.0
"""Beyond the drain timeout, for those answers that are being written when it is over. Then a front is killed."""

END_TIMEOUT_S = 5.0
"""For a front that has let go of the supervisor to end."""

WORKERS_STOP_TIMEOUT_S = 5.0

MakePixels = Callable[[int], PixelScheduler]
"""Of so many threads. Called in the front."""


@dataclass(frozen=True)
class FrontPlan:
    """All that one front needs to know. Sent once, when it starts."""

    number: int
    settings: Settings
    """Its share of them."""
    cards: Sequence[ModelCard]
    """What the workers serve, the default model first."""
    workers: int
    places: int
    address: tuple[str, int]
    make_pixels: MakePixels


def serve_with_fronts(settings: Settings, families: SegmenterFamilies, make_pixels: MakePixels = PixelScheduler) -> int:
    """The exit code: 0 after a stop that was asked for, 1 where no front or no worker can be started.

    Raises ConfigurationError.
    """
    if sys.platform != "linux":
        raise ConfigurationError("SILHOUETTE_FRONTS above 1 takes Linux, which shares a port out among processes")
    engine = Engine.build(settings, families, PixelScheduler(1))
    with reserved(settings.host, settings.port) as listener, folder_of_jobs(settings) as jobs_folder:
        cards, pool = engine.pipeline.catalogue.cards, engine.pool
        roomy = with_room(settings, Machine.here(pool.places)).model_copy(update={"jobs_folder": jobs_folder})
        shared = settings_of_a_front(roomy, available_cores())
        address = listener.getsockname()[:2]
        plans = [
            FrontPlan(number, shared, cards, pool.size, pool.places, address, make_pixels)
            for number in range(settings.fronts)
        ]
        return asyncio.run(Supervisor(settings, engine, plans).run())


@contextlib.contextmanager
def folder_of_jobs(settings: Settings) -> Iterator[Path | None]:
    """Where all fronts keep their jobs, for no other service as long as the block lasts: that of the settings, or one
    that goes with the block; None where they are in Redis. Raises ConfigurationError."""
    if settings.jobs == "redis":
        yield None
        return
    with contextlib.ExitStack() as stack:
        folder = settings.jobs_folder or stack.enter_context(contextlib.closing(ScratchFolder())).path
        stack.callback(DiskStore(folder, StoreLimits.of(settings)).close)
        yield folder


@contextlib.contextmanager
def reserved(host: str, port: int) -> Iterator[socket.socket]:
    """The port is ours as long as the block lasts: fronts may share it, and nobody else is there.

    Raises CannotListen where somebody is.
    """
    if port:
        bound_to_one(host, port).close()
    with bound_to_one(host, port, is_shared=True) as listener:
        yield listener


@dataclass
class Front:
    """A process, and our end of the connection to it, which closes when it ends."""

    process: "SpawnProcess"
    connection: socket.socket
    spoken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has said anything, which it does before it listens: until then nobody was let in."""

    def stop(self) -> None:
        """It answers whom it has let in. One that is still importing, for which signals wait, ends at once."""
        if self.spoken.is_set():
            self.process.terminate()
        else:
            self.process.kill()


class Supervisor:
    """Has the queue and the workers, and keeps as many fronts as were planned. Run once."""

    def __init__(self, settings: Settings, engine: Engine, plans: Sequence[FrontPlan]) -> None:
        self._settings = settings
        self._engine = engine
        self._plans = plans
        self._hub = Hub(engine.batcher, engine.pool, engine.metrics, engine.changes)
        engine.served.on_exchange, engine.served.unused_by_fronts = self._hub.tell_models, self._hub.until_unused
        self._fronts: dict[int, Front] = {}
        """By their numbers."""
        self._stopping = asyncio.Event()
        self._has_heard_of_one = False
        self._failure: str | None = None

    async def run(self) -> int:
        """The exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        beside = [asyncio.create_task(work) for work in (self._start_workers(), self._hub.tell())]
        try:
            async with asyncio.TaskGroup() as places:
                for plan in self._plans:
                    places.create_task(self._keep(plan))
        finally:
            self._kill_fronts()
            await self._engine.stop(WORKERS_STOP_TIMEOUT_S)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        if self._failure:
            say(f"silhouette: {self._failure}")
        return FAILED if self._failure else 0

    async def _start_workers(self) -> None:
        models = ",".join(card.label for card in self._engine.pipeline.catalogue.cards)
        facts = {"models": models, "workers": self._engine.pool.size, "fronts": len(self._plans)}
        logger.info("loading models", extra={FIELDS: facts})
        try:
            await self._engine.pool.start()
        except ConfigurationError as failure:
            if not self._stopping.is_set():
                logger.error("cannot start", extra={FIELDS: {"cause": str(failure)}})
                self._fail(str(failure))
            return
        self._hub.has_started = True

    # --- fronts -----------------------------------------------------------------------------------------------------

    async def _keep(self, plan: FrontPlan) -> None:
        """Until the service stops: one process after the other."""
        backoff = Backoff(MAX_RESTART_DELAY_S)
        while not self._stopping.is_set():
            began_s = time.monotonic()
            front = self._fronts[plan.number] = self._started(plan)
            await self._hub.attend(front.connection, front.spoken.set)
            await self._ended(front.process)
            self._has_heard_of_one |= front.spoken.is_set()
            if self._stopping.is_set():
                return
            if not self._has_heard_of_one:
                self._fail("a front ended as soon as it was started")
                return
            facts = {"front": plan.number, "pid": front.process.pid, "exit_code": front.process.exitcode}
            logger.warning("front replaced", extra={FIELDS: facts})
            self._engine.metrics.front_restarts.inc()
            if time.monotonic() - began_s > SETTLED_S:
                backoff.forget_delay()
            await backoff.pause(self._stopping)

    def _started(self, plan: FrontPlan) -> Front:
        ours, theirs = socket.socketpair()
        with signals_blocked(), theirs:
            process = multiprocessing.get_context("spawn").Process(target=run_front, args=(plan, theirs))
            process.start()
        return Front(process, ours)

    async def _ended(self, process: "SpawnProcess") -> None:
        await asyncio.to_thread(process.join, END_TIMEOUT_S)
        if process.exitcode is None:
            process.kill()
            await asyncio.to_thread(process.join)

    # --- the end ----------------------------------------------------------------------------------------------------

    def _on_signal(self, number: signal.Signals) -> None:
        """The first drains: each front answers whom it has let in. The second ends it now."""
        if self._stopping.is_set():
            self._kill_fronts()
            self._engine.pool.kill()
            os._exit(KILLED_BY_SIGNAL + number)
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()
        for front in self._fronts.values():
            front.stop()
        patience_s = self._settings.drain_timeout_s + LAST_ANSWERS_S
        asyncio.get_running_loop().call_later(patience_s, self._kill_fronts)

    def _fail(self, cause: str) -> None:
        """Nobody was served yet, so nobody waits for an answer."""
        self._failure = cause
        self._stopping.set()
        self._kill_fronts()

    def _kill_fronts(self) -> None:
        for front in self._fronts.values():
            front.process.kill()


# --- in a front -------------------------------------------------------------------------------------------------------


def run_front(plan: FrontPlan, connection: socket.socket) -> None:
    """One front, from its start to its end. Returns when it has drained, or never where the supervisor is gone."""
    from service.app import app_of

    _take_orders_from_the_supervisor_alone()
    return_large_blocks()
    configure_logging(plan.settings.log_format, front=plan.number)
    allow_connections(plan.settings.max_connections)
    link = Link(connection, on_lost=lambda: os._exit(FAILED))
    pool = RemotePool(link, plan.workers, plan.places)
    pixels = plan.make_pixels(plan.settings.pixel_threads or 1)
    app = app_of(plan.settings, Engine.of_a_front(plan.settings, link, pool, plan.cards, pixels))
    server = SilhouetteServer(server_config(app, plan.settings), app.state.service)
    server.run(sockets=[bound_to_one(*plan.address, is_shared=True)])


def _take_orders_from_the_supervisor_alone() -> None:
    """A terminal sends Ctrl-C to all processes of a group, and the supervisor tells its fronts itself."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SERVICE_SIGNALS)
