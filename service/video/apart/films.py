"""Films in processes of their own: what becomes of one whose process dies.

What it guarantees: nobody but the film notices; it goes on where it was, and one that ends its process again and again
is given up; no process outlives the service, and none is there without a film for more than a moment.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from service.errors import JobCrashed, UndecodableVideo
from service.queue.asking import TicketQueue
from service.telemetry.log import FIELDS
from service.video.apart.orders import Check, Made, Make
from service.video.apart.process import FilmProcess, FilmProcessDied
from service.video.files import unfinished
from service.video.watch import Watch

logger = logging.getLogger(__name__)

MOST_DEATHS = 3
"""Of processes, on one film."""

RESERVE_S = 5.0
"""A process that has checked a film waits for so long to be given it: to start one takes a second of a core."""


class FilmsApart:
    """Lives on one event loop."""

    def __init__(self, queue: TicketQueue, device_of_workers: Callable[[], str]) -> None:
        self._queue = queue
        self._device_of_workers = device_of_workers
        self._reserve: FilmProcess | None = None
        self._ending: asyncio.Task[None] | None = None

    async def check(self, order: Check) -> None:
        """Raises what `Source` raises, and UndecodableVideo where looking at it ends a process."""
        process: FilmProcess | None = await self._taken()
        assert process is not None
        try:
            (await process.do(order, Watch())).check()
            if self._reserve is None:
                self._keep(process)
                process = None
        except FilmProcessDied as death:
            raise UndecodableVideo(f"the process that looked at it ended ({death})") from death
        finally:
            if process is not None:
                await process.kill()

    async def make(self, order: Make, watch: Watch) -> Made:
        """Raises what `make_film` raises, and JobCrashed."""
        deaths: list[str] = []
        while len(deaths) < MOST_DEATHS:
            try:
                return await self._made(order, watch)
            except FilmProcessDied as death:
                deaths.append(str(death))
                logger.warning("a film's process died", extra={FIELDS: {"how": str(death), "deaths": len(deaths)}})
        raise JobCrashed(
            f"its process ended {len(deaths)} times ({', '.join(deaths)}): FFmpeg does not survive this film, or there "
            "is not enough memory for it"
        )

    async def close(self) -> None:
        """No process is left."""
        if self._ending is not None:
            self._ending.cancel()
        if self._reserve is not None:
            reserve, self._reserve = self._reserve, None
            await reserve.kill()

    async def _made(self, order: Make, watch: Watch) -> Made:
        process = await self._taken()
        try:
            ended = await process.do(order, watch)
        finally:
            await process.kill()
            unfinished(Path(order.result)).unlink(missing_ok=True)
        ended.check()
        return Made(**(ended.made or {}))

    async def _taken(self) -> FilmProcess:
        """The one in reserve, or a new one."""
        reserve, self._reserve = self._reserve, None
        if reserve is not None and reserve.is_alive:
            return reserve
        if reserve is not None:
            await reserve.kill()
        return await FilmProcess.start(self._queue, self._device_of_workers())

    def _keep(self, process: FilmProcess) -> None:
        async def end() -> None:
            await asyncio.sleep(RESERVE_S)
            if self._reserve is process:
                self._reserve = None
                await process.kill()

        if self._ending is not None:
            self._ending.cancel()
        self._reserve = process
        self._ending = asyncio.create_task(end())
