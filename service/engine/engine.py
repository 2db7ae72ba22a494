"""Everything behind the HTTP and the command line: models, queue, workers and pipeline, built from one Settings."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Self

from threadpoolctl import threadpool_limits

from service.access.ledger import Ledger
from service.engine.cache import AnswerCache
from service.engine.canaries import Canaries, check_cards
from service.engine.changes import ModelChanges
from service.engine.followed import FollowedModels
from service.engine.pipeline import Pipeline
from service.engine.request import Answer
from service.engine.served import ServedModels
from service.engine.shared_answers import SharedAnswers
from service.fronts.link import Link, RemoteLedger, RemotePool, RemoteQueue
from service.models.store import ModelCard, ModelStore
from service.queue.asking import TicketQueue
from service.queue.backlog import Backlog
from service.queue.batcher import Batcher
from service.queue.pixel_scheduler import PixelScheduler
from service.queue.schedule import BatchPolicy
from service.settings import MEGAPIXEL, Settings
from service.shared import SharedStore, shared_store
from service.telemetry.metrics import Metrics
from service.telemetry.stopwatch import MS_PER_S
from service.workers.machine import available_cores
from service.workers.plan import SegmenterFamilies, built_in_families, plan_workers
from service.workers.pool import Pool, pool_of
from service.workers.precision import check_names


@dataclass(frozen=True)
class Engine:
    """The parts that answer; `running` brings them to life."""

    pipeline: Pipeline
    batcher: TicketQueue
    pixels: PixelScheduler
    pool: Pool
    served: ServedModels
    changes: ModelChanges | FollowedModels
    metrics: Metrics
    scrape: Callable[[], Awaitable[bytes]]
    """What `/metrics` says, of all processes that answer at this port."""
    ledger: Ledger | None
    """Where quotas are counted for several processes."""
    shared: SharedStore | None

    @classmethod
    def build(
        cls,
        settings: Settings,
        families: SegmenterFamilies = built_in_families,
        pixels: PixelScheduler | None = None,
    ) -> Self:
        """Checks everything that can be checked before a process is started.

        Without `pixels`, the pixel threads are as many as the settings say.

        Raises ConfigurationError for a wrong card, missing or altered weights, or a device that is not there.
        """
        limit_numpy_threads()
        store = ModelStore(settings.model_store, settings.mirror)
        check_names(settings.precision, store.names())
        check_cards(settings.routes, store.names())
        models = [store.checkpoint(card) for card in store.choose(settings.models)]
        plans = plan_workers(settings, models, families)
        metrics = Metrics()
        batcher = Batcher(_batch_policy(settings, plans[0].max_batch_size), len(plans), metrics)
        pixels = pixels or PixelScheduler(settings.pixel_threads or available_cores())
        served = ServedModels([model.card for model in plans[0].models])
        shared = shared_store(settings.shared_url)
        pipeline = _pipeline(settings, served, batcher, pixels, metrics, shared)
        pool = pool_of(settings, plans, batcher, metrics)
        plan = partial(plan_workers, settings, families=families)
        changes = ModelChanges(store, models, served, pool, plan, metrics)
        return cls(pipeline, batcher, pixels, pool, served, changes, metrics, _alone(metrics), shared, shared)

    @classmethod
    def of_a_front(
        cls, settings: Settings, link: Link, pool: RemotePool, cards: Sequence[ModelCard], pixels: PixelScheduler
    ) -> Self:
        """That of one of several fronts, whose queue and workers are the supervisor's; `cards` are what these serve
        when it starts.
        """
        limit_numpy_threads()
        metrics, batcher, served = Metrics(), RemoteQueue(link), ServedModels(cards)
        link.figures = metrics.figures
        shared = shared_store(settings.shared_url)
        ledger = shared or RemoteLedger(link)
        pipeline = _pipeline(settings, served, batcher, pixels, metrics, shared)
        changes, scrape = FollowedModels(link, served), _together(link, metrics)
        return cls(pipeline, batcher, pixels, pool, served, changes, metrics, scrape, ledger, shared)

    @property
    def backlog(self) -> Backlog:
        return Backlog(self.batcher, self.pixels)

    async def stop(self, drain_timeout_s: float) -> None:
        await self.pool.stop(drain_timeout_s)
        await self.changes.close()
        self.pixels.close()
        if self.shared is not None:
            await self.shared.close()

    @asynccontextmanager
    async def running(self, drain_timeout_s: float) -> AsyncIterator[Pipeline]:
        """The pipeline, with every worker ready. Raises WorkerFailed where one cannot load its models."""
        try:
            await self.pool.start()
            yield self.pipeline
        finally:
            await self.stop(drain_timeout_s)


def _pipeline(
    settings: Settings,
    served: ServedModels,
    batcher: TicketQueue,
    pixels: PixelScheduler,
    metrics: Metrics,
    shared: SharedStore | None,
) -> Pipeline:
    cache: AnswerCache[Answer] = AnswerCache(settings.cache_max_bytes, metrics)
    elsewhere = SharedAnswers(shared if settings.cache_max_bytes else None, metrics)
    canaries = Canaries(settings.routes, metrics)
    return Pipeline(served, batcher, pixels, settings.max_pixels, cache, canaries, elsewhere)


def _alone(metrics: Metrics) -> Callable[[], Awaitable[bytes]]:
    async def scrape() -> bytes:
        return metrics.render()

    return scrape


def _together(link: Link, metrics: Metrics) -> Callable[[], Awaitable[bytes]]:
    async def scrape() -> bytes:
        return (await link.ask("scrape")).content if link.is_open else metrics.render()

    return scrape


def limit_numpy_threads() -> None:
    """One a picture, for all of the process: pictures run beside each other on the pixel threads already.

    With one a core, refining edges was measured to take five times as long beside busy workers.
    """
    threadpool_limits(1, user_api="blas")


def _batch_policy(settings: Settings, max_batch_size: int) -> BatchPolicy:
    megapixels = settings.max_batch_megapixels
    max_pixels = None if megapixels is None else int(megapixels * MEGAPIXEL)
    return BatchPolicy(max_batch_size, max_pixels, settings.max_queue_delay_ms / MS_PER_S)
