"""Feeds the replicas behind one bridge: as many batches are on their way as there are replicas to run them.

What it guarantees: what a Feeder guarantees, for each lane. A replica that dies costs its lane nothing but the batch,
which is back in the queue; a driver that dies ends all lanes.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from service.telemetry.log import FIELDS
from service.workers.channel import WorkerConfused, WorkerSilent
from service.workers.feeder import Feeder, hearing_of_death
from service.workers.ray.bridge import Bridge, Lane, Sight
from service.workers.shared import Shared
from service.workers.worker import WorkerDied

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S = 0.5
LOOK_TIMEOUT_S = 2.0

ABSENCE_S = 15.0
"""From then on Ray is away: batches may still run, and the 60 seconds after which Ray ends its processes pass."""


NOTHING_YET = Sight("NOT_STARTED", ())


@dataclass
class Watched:
    """How the cluster is, for whoever asks the pool."""

    bridge: Bridge | None = None
    sight: Sight = NOTHING_YET
    seen_at: float = 0.0
    """When Ray answered last; by time.monotonic()."""
    running_at: float = 0.0
    """When a replica was last seen running."""
    last_word: str = ""
    """What went wrong with the last look, where Ray said so."""

    @property
    def trouble(self) -> str | None:
        """Why nobody can be served, or soon will not be. Also while the bridge is gone and another one is to come."""
        if not self.seen_at:
            return None  # it starts for the first time, and its place says so
        now = time.monotonic()
        if now - self.seen_at > ABSENCE_S:
            reason = f": {self.last_word}" if self.last_word else ""
            return f"Ray has not answered for {now - self.seen_at:.0f} seconds{reason}"
        if now - self.running_at > ABSENCE_S:
            return f"no replica has been running for {now - self.running_at:.0f} seconds"
        return None


class ReplicaFeeding:
    """For one driver process, from its first batch to its last."""

    def __init__(self, number: int, bridge: Bridge, shared: Shared, watched: Watched) -> None:
        self._number = number
        self._bridge = bridge
        self._shared = shared
        self._watched = watched
        self._feeders = [Feeder(lane.number, lane, shared) for lane in bridge.lanes]
        self._has_died = False
        self._is_over = False
        self._open = 1
        """Lanes that may take a batch."""
        self._changed = asyncio.Event()
        self._looking_again = asyncio.Event()
        now = time.monotonic()
        watched.bridge, watched.seen_at, watched.running_at = bridge, now, now

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """As Feeder's."""
        try:
            with hearing_of_death(self._bridge.sentinel, self._give_up):
                yield
        finally:
            if self._watched.bridge is self._bridge:
                self._watched.bridge = None

    def call(self) -> None:
        self._end()

    def _give_up(self) -> None:
        """The driver is of no more use."""
        self._has_died = True
        self._end()

    def _end(self) -> None:
        """Each lane finishes what it has on board."""
        self._is_over = True
        for feeder in self._feeders:
            feeder.call()
        self._changed.set()
        self._looking_again.set()

    async def feed(self) -> None:
        """Until it is called. Raises WorkerDied where the driver is gone, Draining when no batch will come any more."""
        self._is_over = self._has_died
        self._changed.clear()
        lanes = zip(self._bridge.lanes, self._feeders, strict=True)
        tasks = [asyncio.create_task(self._serve(lane, feeder)) for lane, feeder in lanes]
        looking = asyncio.create_task(self._look_again_and_again())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            self._end()
            await asyncio.wait([*tasks, looking])
        finally:  # cancelled: Feeder kills the driver, and its batch is answered
            for task in (*tasks, looking):
                task.cancel()
            await asyncio.gather(*tasks, looking, return_exceptions=True)
        if self._has_died:
            raise WorkerDied("crash", on_board=False)
        for task in tasks:
            task.result()

    async def _serve(self, lane: Lane, feeder: Feeder) -> None:
        """Raises Draining."""
        while not self._is_over and not lane.is_closed:
            if lane.number >= self._open:
                await self._changed.wait()
                continue
            try:
                await feeder.feed()
            except WorkerDied as death:
                self._mourn(lane, death)

    def _mourn(self, lane: Lane, death: WorkerDied) -> None:
        if lane.is_closed:
            self._give_up()
            return
        self._shared.metrics.restarts.labels(death.cause).inc()
        logger.warning("replica lost", extra={FIELDS: {"lane": lane.number, "pid": lane.pid, "cause": death.cause}})
        self._looking_again.set()

    # --- how the replicas are -----------------------------------------------------------------------------------------

    async def _look_again_and_again(self) -> None:
        while not self._is_over:
            await self._look()
            self._looking_again.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._looking_again.wait(), LOOK_INTERVAL_S)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            sight = await loop.run_in_executor(self._shared.threads, self._bridge.look, LOOK_TIMEOUT_S)
        except WorkerSilent as silence:
            self._watched.last_word = str(silence)
            return
        except (WorkerConfused, EOFError, OSError):
            self._give_up()
            return
        now = time.monotonic()
        self._watched.sight, self._watched.seen_at = sight, now
        if sight.running:
            self._watched.running_at = now
        self._open_lanes(sight.running)

    def _open_lanes(self, running: int) -> None:
        """As many as there are replicas, and one more where there may be more replicas: Ray starts another one when
        batches wait for those that there are.
        """
        lanes = len(self._bridge.lanes)
        self._open = min(lanes, running + 1) if running else 0
        self._shared.batcher.workers = max(1, running)
        self._changed.set()
        self._changed.clear()
